/**
 * Sets of states: which are exited and entered by a transition, as SCXML defines it, and the value
 * that XState gives to a set. Pure, and only for what plan.ts can plan.
 */
import type { MachineNode, Transition } from './internals.ts';

interface ExitAndEntry {
  /** Innermost first. */
  readonly exited: readonly MachineNode[];
  /** Outermost first. */
  readonly entered: readonly MachineNode[];
  /** Those that are entered by default, whose initial actions run. */
  readonly defaults: ReadonlySet<MachineNode>;
}

/** As SCXML's exit and entry sets, for one transition without history; undefined where something is unusual. */
export function exitAndEntry(
  nodes: readonly MachineNode[],
  transition: Transition,
): ExitAndEntry | undefined {
  const { source, target, reenter } = transition;
  if (target === undefined || target.length === 0)
    return { exited: [], entered: [], defaults: new Set() };
  const [to] = target;
  if (to === undefined || target.length > 1 || isUnusual(to)) return undefined;
  const domain = domainOf(source, to, reenter);
  // A re-entry of the root has no domain; XState treats it in a way of its own.
  if (domain === undefined) return undefined;
  const exited = nodes
    .filter(
      (node) => isDescendant(node, domain) || (reenter && source === domain && node === domain),
    )
    .sort((a, b) => b.order - a.order);
  const entered = new Set<MachineNode>();
  const defaults = new Set<MachineNode>();
  if (source !== to || reenter) {
    entered.add(to);
    defaults.add(to);
  }
  for (let node = to; node.type === 'compound';) {
    const child = node.initial.target[0];
    if (child === undefined || child.parent !== node) return undefined;
    entered.add(child);
    defaults.add(child);
    node = child;
  }
  for (const ancestor of ancestorsOf(to, domain, [])) entered.add(ancestor);
  if (reenter && source === domain) entered.add(domain);
  const touched = [...exited, ...entered];
  if (touched.some(isUnusual)) return undefined;
  const inOrder = [...entered].sort((a, b) => a.order - b.order);
  const withInitial = new Set([...defaults].filter((node) => node.type === 'compound'));
  return { exited, entered: inOrder, defaults: withInitial };
}

/** What makes a node's entry or exit more than its actions. */
function isUnusual(node: MachineNode): boolean {
  return (
    node.type === 'history' ||
    node.type === 'final' ||
    node.type === 'parallel' ||
    node.invoke.length > 0 ||
    Object.values(node.states).some((child) => child.type === 'history')
  );
}

/** The innermost state that stays active while the transition is taken. */
function domainOf(
  source: MachineNode,
  target: MachineNode,
  reenter: boolean,
): MachineNode | undefined {
  if (!reenter && (target === source || isDescendant(target, source))) return source;
  const common = ancestorsOf(target, undefined, []).find((ancestor) =>
    isDescendant(source, ancestor),
  );
  if (common !== undefined) return common;
  return reenter ? undefined : rootOf(source);
}

function rootOf(node: MachineNode): MachineNode {
  let root = node;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

function isDescendant(node: MachineNode, ancestor: MachineNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** Proper ancestors up to, but without, `end`, innermost first, behind what is in `into`. */
export function ancestorsOf(
  node: MachineNode,
  end: MachineNode | undefined,
  into: MachineNode[],
): MachineNode[] {
  if (node === end) return into;
  for (let at = node.parent; at !== undefined && at !== end; at = at.parent) into.push(at);
  return into;
}

export function hasAlways(node: MachineNode): boolean {
  return node.always !== undefined && node.always.length > 0;
}

/** The state value, as XState writes it. */
export function valueOf(node: MachineNode, active: ReadonlySet<MachineNode>): unknown {
  const children = Object.values(node.states).filter((child) => active.has(child));
  if (node.type === 'compound') {
    const [child] = children;
    if (child === undefined) return {};
    if (child.type === 'atomic' || child.type === 'final') return child.key;
  }
  return Object.fromEntries(children.map((child) => [child.key, valueOf(child, active)]));
}
