/**
 * Fair loops in the graph of all states: strongly connected parts in which something stays open,
 * and in which every link or timer that can act again and again does act.
 *
 * A part in which a key can act and never does is no place to stay for ever: the states where it can
 * act are taken out, and what is left is looked at again (the emptiness check of a Streett automaton).
 */
import { AT_THE_END, loopOf } from './lasso.ts';
import type { Step } from './step.ts';
import type { Violation } from './violation.ts';

/** A state. */
export interface Node {
  /** The fairness keys of what can happen. */
  readonly enabled: readonly string[];
  /** The requests and tasks that are open, and the conditions of the end that do not hold. */
  readonly open: readonly string[];
  readonly edges: Edge[];
}

/** What leads from one state to another. */
export interface Edge {
  readonly step: Step;
  readonly to: Node;
}

/** A loop that can go on for ever, and where it is entered. */
export interface FairLoop {
  readonly violation: Violation;
  readonly entry: Node;
  /** One lap of it, from the entry back to it. */
  readonly lap: readonly Edge[];
}

/** A fair loop along which something stays open, if the graph has one. */
export function fairLoopIn(nodes: readonly Node[]): FairLoop | undefined {
  const names = [...new Set(nodes.flatMap(({ open }) => open))];
  const isEnd = (name: string): boolean => name.startsWith(AT_THE_END);
  // That something stays open says more than that the end never comes.
  names.sort((a, b) => Number(isEnd(a)) - Number(isEnd(b)));
  for (const name of names) {
    const open = new Set(nodes.filter((node) => node.open.includes(name)));
    // A loop without any progress is a livelock; one with progress elsewhere starves what stays open.
    for (const advancing of [false, true]) {
      const isWay = ({ step, to }: Edge): boolean =>
        open.has(to) &&
        !step.discharged.includes(name) &&
        !step.choices.some(({ fair, count }) => fair && count > 1) &&
        !step.key.startsWith('fault') &&
        (advancing || (!step.progress && step.discharged.length === 0));
      const part = fairPart(open, isWay);
      if (part === undefined) continue;
      // From the state that was found first: those found later may be deep in queues that grow.
      const start = nodes.find((node) => part.has(node)) as Node;
      const lap = lapOf(part, start, isWay);
      const violation = loopOf(
        lap.map(({ step }) => step),
        [name],
        0,
      );
      return {
        violation: { ...violation, agents: agentsOf(part, isWay) },
        entry: start,
        lap,
      };
    }
  }
  return undefined;
}

/** A strongly connected part, within some states, in which every key that can act does. */
function fairPart(
  within: ReadonlySet<Node>,
  isWay: (edge: Edge) => boolean,
): Set<Node> | undefined {
  const todo: ReadonlySet<Node>[] = [within];
  for (;;) {
    const states = todo.pop();
    if (states === undefined) return undefined;
    for (const part of connectedParts(states, isWay)) {
      const done = new Set<string>();
      for (const node of part)
        for (const edge of node.edges)
          if (part.has(edge.to) && isWay(edge)) done.add(edge.step.key);
      if (done.size === 0) continue;
      const unfair = [...part].filter((node) => node.enabled.some((key) => !done.has(key)));
      if (unfair.length === 0) return part;
      if (unfair.length === part.size) continue;
      todo.push(new Set([...part].filter((node) => !unfair.includes(node))));
    }
  }
}

/** An edge, with where it comes from. */
type Way = Edge & { readonly from: Node };

/**
 * A closed way through the part that is fair itself: whatever can act in one of its states does act
 * on it. It is as short as such a way is soon found to be; a report prints it.
 */
function lapOf(part: ReadonlySet<Node>, start: Node, isWay: (edge: Edge) => boolean): Way[] {
  const to = (from: Node, isThere: (way: Way) => boolean): Way[] =>
    wayTo(part, from, isWay, isThere) as Way[];
  const lap = to(start, (way) => way.to === start);
  for (;;) {
    const done = new Set(lap.map(({ step }) => step.key));
    const left = lap.flatMap(({ from }) => from.enabled).find((key) => !done.has(key));
    if (left === undefined) return lap;
    lap.push(...to(start, ({ step }) => step.key === left));
    const end = (lap.at(-1) as Way).to;
    if (end !== start) lap.push(...to(end, (way) => way.to === start));
  }
}

/** The shortest way, of one edge at least, whose last edge is one that is looked for. */
function wayTo(
  part: ReadonlySet<Node>,
  start: Node,
  isWay: (edge: Edge) => boolean,
  isThere: (way: Way) => boolean,
): Way[] | undefined {
  const reached = new Map<Node, Way>();
  const queue: Node[] = [start];
  for (const node of queue)
    for (const edge of node.edges) {
      if (!part.has(edge.to) || !isWay(edge)) continue;
      const last: Way = { ...edge, from: node };
      if (isThere(last)) {
        const lap = [last];
        for (let at = node; at !== start;) {
          const way = reached.get(at) as Way;
          lap.unshift(way);
          at = way.from;
        }
        return lap;
      }
      if (edge.to === start || reached.has(edge.to)) continue;
      reached.set(edge.to, last);
      queue.push(edge.to);
    }
  return undefined;
}

function agentsOf(part: ReadonlySet<Node>, isWay: (edge: Edge) => boolean): string[] {
  const agents = new Set<string>();
  for (const node of part)
    for (const edge of node.edges)
      if (part.has(edge.to) && isWay(edge)) {
        if (edge.step.agent !== undefined) agents.add(edge.step.agent);
        for (const agent of edge.step.restarted) agents.add(agent);
      }
  return [...agents];
}

/** Tarjan's strongly connected components, without recursion: the graph may be deeper than the stack. */
function connectedParts(states: ReadonlySet<Node>, isWay: (edge: Edge) => boolean): Set<Node>[] {
  const parts: Set<Node>[] = [];
  const index = new Map<Node, number>();
  const low = new Map<Node, number>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  for (const root of states) {
    if (index.has(root)) continue;
    const work: { node: Node; next: number }[] = [{ node: root, next: 0 }];
    while (work.length > 0) {
      const top = work[work.length - 1]!;
      const { node } = top;
      if (top.next === 0) {
        index.set(node, index.size);
        low.set(node, index.get(node)!);
        open.push(node);
        isOpen.add(node);
      }
      const edge = node.edges[top.next];
      if (edge !== undefined) {
        top.next += 1;
        if (!states.has(edge.to) || !isWay(edge)) continue;
        if (!index.has(edge.to)) work.push({ node: edge.to, next: 0 });
        else if (isOpen.has(edge.to)) low.set(node, Math.min(low.get(node)!, index.get(edge.to)!));
        continue;
      }
      work.pop();
      const above = work[work.length - 1];
      if (above !== undefined) low.set(above.node, Math.min(low.get(above.node)!, low.get(node)!));
      if (low.get(node) !== index.get(node)) continue;
      const part = new Set<Node>();
      for (let member = open.pop()!; ; member = open.pop()!) {
        isOpen.delete(member);
        part.add(member);
        if (member === node) break;
      }
      parts.push(part);
    }
  }
  return parts;
}
