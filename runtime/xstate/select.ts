/**
 * Selection: which transitions may take an event in a set of active states, and which of them do.
 */
import type { EventObject } from 'xstate';
import type { BuiltinGuard, MachineNode, MachineSnapshot, Transition } from './internals.ts';
import type { Plan } from './plan.ts';

/** Transitions that are taken together, with their plan once there is one. */
export class Choice {
  readonly transitions: readonly Transition[];
  /** It enters again what is active. */
  readonly reenters: boolean;
  plan: Plan | undefined;
  #with: Map<Choice, Choice> | undefined;

  constructor(transitions: readonly Transition[]) {
    this.transitions = transitions;
    this.reenters = transitions.some(({ reenter, target }) => reenter && target !== undefined);
  }

  /** This and another region's choice; the same for the same two. */
  and(other: Choice): Choice {
    const known = (this.#with ??= new Map<Choice, Choice>());
    let both = known.get(other);
    if (both === undefined)
      known.set(other, (both = new Choice([...this.transitions, ...other.transitions])));
    return both;
  }
}

/** Who may take an event: first the regions, each for itself; if none does, the first of the others. */
export interface Selector {
  readonly regions: readonly Selector[];
  readonly others: readonly Choice[];
}

/** The candidates of a state and of what is active in it, in the order in which XState asks them. */
export function selectorOf(
  node: MachineNode,
  value: unknown,
  type: string,
  choiceOf: (transition: Transition) => Choice,
): Selector {
  const inner = typeof value === 'string' ? { [value]: {} } : (value as Record<string, unknown>);
  const regions = Object.entries(inner).map(([key, each]) =>
    selectorOf(node.states[key] as MachineNode, each, type, choiceOf),
  );
  const own = candidatesOf(node, type).map(choiceOf);
  const [only, ...more] = regions;
  // A single region and its parent are one line of candidates.
  if (only === undefined || more.length > 0) return { regions, others: own };
  return { regions: only.regions, others: [...only.others, ...own] };
}

/** A node's transitions for an event type: the exact ones, then wildcards, the longest first. */
function candidatesOf(node: MachineNode, type: string): Transition[] {
  const wildcards = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && matches(type, descriptor))
    .sort((a, b) => b.length - a.length);
  return [type, ...wildcards].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

function matches(type: string, descriptor: string): boolean {
  if (descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const prefix = descriptor.slice(0, -2).split('.');
  const tokens = type.split('.');
  // A star anywhere but at the end matches nothing, in XState too.
  return prefix.every((token, index) => token !== '*' && token === tokens[index]);
}

/** The transitions that take the event, or undefined when none does. */
export function select(
  { regions, others }: Selector,
  snapshot: MachineSnapshot,
  event: EventObject,
): Choice | undefined {
  let chosen: Choice | undefined;
  for (const region of regions) {
    const choice = select(region, snapshot, event);
    if (choice !== undefined) chosen = chosen === undefined ? choice : chosen.and(choice);
  }
  if (chosen !== undefined) return chosen;
  for (const choice of others) {
    const [transition] = choice.transitions as readonly [Transition];
    const { guard } = transition;
    if (!guard || passes(guard, snapshot, event, transition)) return choice;
  }
  return undefined;
}

/** For each active state without children: the eventless transitions of it and of its ancestors. */
export function eventlessOf(
  nodes: readonly MachineNode[],
  choiceOf: (transition: Transition) => Choice,
): readonly (readonly Choice[])[] {
  const lines = nodes
    .filter(({ type }) => type === 'atomic' || type === 'final')
    .map((node) => {
      const line: Choice[] = [];
      for (let at: MachineNode | undefined = node; at !== undefined; at = at.parent)
        line.push(...(at.always ?? []).map(choiceOf));
      return line;
    });
  return lines.filter((line) => line.length > 0);
}

/** The eventless transitions that are taken now. */
export function selectEventless(
  lines: readonly (readonly Choice[])[],
  snapshot: MachineSnapshot,
  event: EventObject,
): Choice | undefined {
  const found = new Set<Choice>();
  for (const line of lines) {
    const first = line.find(({ transitions: [transition] }) => {
      const guard = transition?.guard;
      return guard === undefined || evaluate(guard, snapshot, event);
    });
    if (first !== undefined) found.add(first);
  }
  let chosen: Choice | undefined;
  for (const choice of found) chosen = chosen === undefined ? choice : chosen.and(choice);
  return chosen;
}

function passes(
  guard: unknown,
  snapshot: MachineSnapshot,
  event: EventObject,
  transition: Transition,
): boolean {
  try {
    return evaluate(guard, snapshot, event);
  } catch (error) {
    const type = typeof guard === 'string' ? guard : (guard as { type?: string }).type;
    const named = typeof guard !== 'function' && type !== undefined ? `'${type}' ` : '';
    const where = `in transition for event '${event.type}' in state node '${transition.source.id}'`;
    throw new Error(`Unable to evaluate guard ${named}${where}:\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

function evaluate(guard: unknown, snapshot: MachineSnapshot, event: EventObject): boolean {
  const { context, machine } = snapshot;
  const inline = typeof guard === 'function';
  const type = typeof guard === 'string' ? guard : (guard as { type: string }).type;
  const resolved: unknown = inline ? guard : machine.implementations.guards[type];
  if (resolved === undefined) throw new Error(`Guard '${type}' is not implemented.'.`);
  if (typeof resolved !== 'function') return evaluate(resolved, snapshot, event);
  const args = { context, event };
  if ('check' in resolved) {
    const builtin = resolved as unknown as BuiltinGuard;
    return builtin.check(snapshot, args, resolved);
  }
  const given =
    inline || typeof guard === 'string' ? undefined : (guard as { params?: unknown }).params;
  const params: unknown =
    typeof given === 'function' ? (given as (args: object) => unknown)(args) : given;
  return (resolved as (args: object, params: unknown) => boolean)(args, params);
}
