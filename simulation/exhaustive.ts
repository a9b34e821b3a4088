/**
 * Exhaustive search: every schedule of a scenario, as long as its states are few. When the search
 * closes, what it has not found does not exist, for this workload and these faults.
 *
 * Agents cannot be copied, so a state is reached by running to it again. The search goes deep first:
 * as long as a step leads to a new state, the same run goes on.
 */
import { hash } from './digest.ts';
import { fairLoopIn, type Node } from './fair-graph.ts';
import { Run, type Choice } from './run.ts';
import type { Scenario } from './scenario.ts';
import { SETUP, chooserOf, take, type Move } from './schedule.ts';
import type { Violation } from './violation.ts';

/** What the search came to. */
export interface Exhausted {
  /** Every state has been visited. */
  readonly closed: boolean;
  readonly states: number;
  readonly runs: number;
  /** Chance decided something. */
  readonly drew: boolean;
  /** Agents looked at the clock, and it went on. */
  readonly readClock: boolean;
  readonly violation: Violation | undefined;
  /** The way to the violation. */
  readonly moves: readonly Move[];
}

/** Bounds of the search. */
export interface SearchLimits {
  readonly statesMax: number;
  readonly depthMax: number;
  /** Says whether the time is up. */
  readonly isOver: () => boolean;
  /** Whether the time belongs to the state. */
  readonly timed?: boolean;
}

interface Visited extends Node {
  readonly parent: Visited | undefined;
  readonly move: Move | undefined;
  readonly depth: number;
  /** What is to be tried from here. */
  readonly left: Move[];
}

/** Visits every state that a scenario can come to. */
export function exhaust<W>(scenario: Scenario<W>, workload: W, limits: SearchLimits): Exhausted {
  const visited = new Map<number, Visited>();
  /** Nodes that have something left to try, the newest last. */
  const stack: Visited[] = [];
  let runs = 0;
  let run!: Run<W>;
  let cut = false;
  let drew = false;
  let wasRead = false;
  let wentOn = false;
  const textOf = (): number => {
    drew ||= run.drew;
    wasRead ||= run.readClock;
    wentOn ||= run.world.nowMs > 0;
    return hash(limits.timed === true ? `${run.text}${run.world.nowMs}` : run.text);
  };
  /** The setup is a step too: its choices are the first that branch. */
  const setups: Move[] = [];
  const begin = (setup: Move): Run<W> => new Run(scenario, workload, chooserOf(setup));

  const failed = (violation: Violation, moves: Move[]): Exhausted => ({
    closed: false,
    states: visited.size,
    runs,
    drew,
    readClock: wasRead && wentOn,
    violation,
    moves,
  });
  const enter = (
    text: number,
    parent: Visited | undefined,
    move: Move | undefined,
  ): Visited | undefined => {
    const enabled = run.enabled();
    if (enabled.length === 0) run.checkEnd();
    if (run.violation !== undefined) return undefined;
    const all = [...enabled, ...run.faults(enabled)];
    const node: Visited = {
      parent,
      move,
      depth: (parent?.depth ?? -1) + 1,
      enabled: enabled.map(({ key }) => key),
      open: run.obligations,
      edges: [],
      // The oldest is tried first, so that the search begins as FIFO does.
      left: all.map(({ id }) => ({ id, choices: [] })).reverse(),
    };
    visited.set(text, node);
    if (node.left.length > 0) stack.push(node);
    return node;
  };

  let at: Visited | undefined;
  setups.push({ id: SETUP, choices: [] });
  while (stack.length > 0 || setups.length > 0) {
    if (stack.length === 0) {
      const setup = setups.pop() as Move;
      run = begin(setup);
      runs += 1;
      const made = movedBy(setup.id, run.setup.choices);
      setups.push(...otherChoices(setup, run.setup.choices));
      if (run.violation !== undefined) return failed(run.violation, [made]);
      const text = textOf();
      if (visited.has(text)) continue;
      at = enter(text, undefined, made);
      if (at === undefined) return failed(run.violation as unknown as Violation, [made]);
      continue;
    }
    if (limits.isOver() || visited.size >= limits.statesMax) {
      cut = true;
      break;
    }
    const from = stack[stack.length - 1] as Visited;
    if (at !== from) {
      const [setup, ...moves] = movesTo(from);
      run = begin(setup as Move);
      runs += 1;
      for (const move of moves) take(run, move);
      at = from;
    }
    const move = from.left.pop() as Move;
    if (from.left.length === 0) stack.pop();
    const step = take(run, move);
    if (step === undefined) throw new Drifted(move.id);
    const made = movedBy(move.id, step.choices);
    const others = otherChoices(move, step.choices);
    if (from.left.length === 0 && others.length > 0) stack.push(from);
    from.left.push(...others);
    if (run.violation !== undefined) return failed(run.violation, [...movesTo(from), made]);
    const text = textOf();
    let to: Visited | undefined = visited.get(text);
    if (to === undefined) {
      if (from.depth >= limits.depthMax) {
        cut = true;
        at = undefined;
        continue;
      }
      to = enter(text, from, made);
      if (to === undefined)
        return failed(run.violation as unknown as Violation, [...movesTo(from), made]);
      at = to;
    } else at = undefined;
    from.edges.push({ step, to });
  }
  const nodes = [...visited.values()];
  const loop = fairLoopIn(nodes);
  if (loop !== undefined) {
    const entry = loop.entry as Visited;
    return failed(loop.violation, [...movesTo(entry)]);
  }
  return {
    closed: !cut,
    states: visited.size,
    runs,
    drew,
    readClock: wasRead && wentOn,
    violation: undefined,
    moves: [],
  };
}

/** A run does not repeat: an event that was there is not there any more. */
export class Drifted extends Error {
  override readonly name = 'Drifted';
  constructor(id: string) {
    super(`the event ${id} does not come again`);
  }
}

function movedBy(id: string, choices: readonly Choice[]): Move {
  return { id, choices: choices.map(({ index }) => index) };
}

/** The options that a move did not take are moves of their own. */
function otherChoices(move: Move, made: readonly Choice[]): Move[] {
  const others: Move[] = [];
  for (let position = move.choices.length; position < made.length; position += 1) {
    const before = made.slice(0, position).map(({ index }) => index);
    for (let index = (made[position]?.count ?? 1) - 1; index >= 1; index -= 1)
      others.push({ id: move.id, choices: [...before, index] });
  }
  return others;
}

function movesTo(node: Visited): Move[] {
  const moves: Move[] = [];
  for (let at: Visited | undefined = node; at?.move !== undefined; at = at.parent)
    moves.push(at.move);
  return moves.reverse();
}
