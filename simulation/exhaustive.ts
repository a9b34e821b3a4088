/**
 * Exhaustive search: every schedule of a scenario, as long as its states are few. When the search
 * closes, what it has not found does not exist, for this workload and these faults.
 *
 * Agents cannot be copied, so a state is reached by running to it again. The search goes deep first:
 * as long as a step leads to a new state, the same run goes on. Two steps of different agents lead
 * to the same state in either order, so one order is run and the other only noted:
 *
 *          a ┌──▶ s1 ──┐ b
 *     s ─────┤         ├──▶ s3        (s2, a) is known without a run
 *          b └──▶ s2 ··┘ a
 */
import { hash } from './digest.ts';
import { fairLoopIn, type Edge, type Node } from './fair-graph.ts';
import type { SearchBound } from './report.ts';
import { Run } from './run.ts';
import type { Choice, Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { SETUP, chooserOf, take, type Move } from './schedule.ts';
import type { Violation } from './violation.ts';

/** What the search came to. */
export interface Exhausted {
  /** Every state has been visited. */
  readonly closed: boolean;
  /** What ended it before. */
  readonly stoppedBy: SearchBound | undefined;
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
  /** Says whether the time is up, after so many states. */
  readonly isOver: (states: number) => boolean;
  /** Whether the time belongs to the state. */
  readonly timed?: boolean;
}

/** Visits every state that a scenario can come to. */
export function exhaust<W>(
  scenario: Scenario<W>,
  workload: W,
  limits: SearchLimits,
  beside: readonly string[] = [],
): Exhausted {
  return new Search(scenario, workload, limits, beside).all();
}

/** A run does not repeat: an event that was there is not there any more. */
export class Drifted extends Error {
  override readonly name = 'Drifted';

  constructor(id: string) {
    super(`the event ${id} does not come again`);
  }
}

/** A state that has been visited, and what is left to try from it. */
interface Visited extends Node {
  readonly parent: Visited | undefined;
  /** What led here from the parent. */
  readonly move: Move;
  readonly depth: number;
  readonly edges: Way[];
  readonly left: Move[];
}

interface Way extends Edge {
  readonly to: Visited;
  readonly move: Move;
}

class Search<W> {
  readonly #scenario: Scenario<W>;
  readonly #workload: W;
  readonly #limits: SearchLimits;
  readonly #beside: readonly string[];
  readonly #visited = new Map<number, Visited>();
  /** The states that have something left to try, the newest last. */
  readonly #stack: Visited[] = [];
  /** The setup is a step too: its choices are the first that branch. */
  readonly #setups: Move[] = [{ id: SETUP, choices: [] }];
  #runs = 0;
  /** The run that is under way, and the state that it is in. */
  #run!: Run<W>;
  #at: Visited | undefined;
  #stoppedBy: SearchBound | undefined;
  #drew = false;
  #readClock = false;
  #tookTime = false;

  constructor(scenario: Scenario<W>, workload: W, limits: SearchLimits, beside: readonly string[]) {
    this.#scenario = scenario;
    this.#workload = workload;
    this.#limits = limits;
    this.#beside = beside;
  }

  all(): Exhausted {
    for (;;) {
      const failed = this.#stack.length === 0 ? this.#nextSetup() : this.#next();
      if (failed !== undefined) return this.#result(false, this.#run.violation, failed);
      const isDone = this.#stack.length === 0 && this.#setups.length === 0;
      if (isDone) break;
      if (this.#limits.isOver(this.#visited.size)) this.#stoppedBy = 'time';
      else if (this.#visited.size >= this.#limits.statesMax) this.#stoppedBy = 'states';
      else continue;
      break;
    }
    const loop = fairLoopIn([...this.#visited.values()]);
    if (loop !== undefined) {
      const into = movesTo(loop.entry as Visited);
      const lap = loop.lap.map((way) => (way as Way).move);
      const violation = { ...loop.violation, loopFrom: into.length - 1 };
      return this.#result(false, violation, [...into, ...lap]);
    }
    return this.#result(this.#stoppedBy === undefined, undefined, []);
  }

  #result(closed: boolean, violation: Violation | undefined, moves: readonly Move[]): Exhausted {
    return {
      closed,
      stoppedBy: this.#stoppedBy,
      states: this.#visited.size,
      runs: this.#runs,
      drew: this.#drew,
      readClock: this.#readClock && this.#tookTime,
      violation,
      moves,
    };
  }

  /** The state that the run is in, as a number. */
  #hash(): number {
    const { state, drew, readClock, core } = this.#run;
    const nowMs = core.clock.now();
    this.#drew ||= drew;
    this.#readClock ||= readClock;
    this.#tookTime ||= nowMs > 0;
    return this.#limits.timed === true ? hash(`${state} at ${nowMs}`) : state;
  }

  #begin(setup: Move): void {
    this.#run = new Run(this.#scenario, this.#workload, chooserOf(setup), this.#beside);
    this.#runs += 1;
  }

  /** A new first state; the way to a violation when there is one. */
  #nextSetup(): readonly Move[] | undefined {
    const move = this.#setups.pop() as Move;
    this.#begin(move);
    const { choices } = this.#run.setup;
    this.#setups.push(...otherMoves(move, choices));
    const made = movedBy(SETUP, choices);
    this.#at = this.#enter(undefined, made);
    return this.#run.violation === undefined ? undefined : [made];
  }

  /** Tries one more thing from the newest state; the way to a violation when there is one. */
  #next(): readonly Move[] | undefined {
    const from = this.#stack[this.#stack.length - 1] as Visited;
    const move = from.left.pop() as Move;
    if (from.left.length === 0) this.#stack.pop();
    if (this.#isKnown(from, move)) return undefined;
    if (this.#at !== from) this.#goTo(from);
    const step = take(this.#run, move);
    if (step === undefined) throw new Drifted(move.id);
    const others = otherMoves(move, step.choices);
    if (from.left.length === 0 && others.length > 0) this.#stack.push(from);
    from.left.push(...others);
    const made = movedBy(move.id, step.choices);
    if (this.#run.violation !== undefined) return [...movesTo(from), made];
    const to = this.#enter(from, made);
    if (this.#run.violation !== undefined) return [...movesTo(from), made];
    if (to !== undefined) from.edges.push({ step, to, move: made });
    return undefined;
  }

  #goTo(node: Visited): void {
    const [setup, ...moves] = movesTo(node);
    this.#begin(setup as Move);
    this.#run.isChecked = true;
    for (const move of moves) if (take(this.#run, move) === undefined) throw new Drifted(move.id);
    this.#run.isChecked = false;
    this.#at = node;
  }

  /** The state that the run has come to; undefined when it is too deep to be looked at. */
  #enter(parent: Visited | undefined, move: Move): Visited | undefined {
    const run = this.#run;
    if (run.violation !== undefined) return undefined;
    const state = this.#hash();
    const known = this.#visited.get(state);
    this.#at = undefined;
    if (known !== undefined) return known;
    const depth = (parent?.depth ?? -1) + 1;
    if (depth > this.#limits.depthMax) {
      this.#stoppedBy ??= 'steps';
      return undefined;
    }
    const enabled = run.enabled();
    if (enabled.length === 0) run.checkEnd();
    if (run.violation !== undefined) return undefined;
    const all = [...enabled, ...run.faults(enabled)];
    const node: Visited = {
      parent,
      move,
      depth,
      enabled: enabled.map(({ key }) => key),
      open: run.pending,
      edges: [],
      // The oldest is tried first, so that the search begins as FIFO does.
      left: all.map(({ id }) => ({ id, choices: [] })).reverse(),
    };
    this.#visited.set(state, node);
    if (node.left.length > 0) this.#stack.push(node);
    this.#at = node;
    return node;
  }

  /**
   * Whether it is known where a move leads: it could have come before the one that led here, and did
   * so in another branch, and the two do not touch each other. Its edges are noted.
   */
  #isKnown({ parent, move: last, edges }: Visited, move: Move): boolean {
    if (parent === undefined || move.choices.length > 0) return false;
    const lastStep = parent.edges.find((way) => isSame(way.move, last))?.step;
    const before = parent.edges.filter((way) => way.move.id === move.id);
    if (lastStep === undefined || before.length === 0) return false;
    const found: Way[] = [];
    for (const way of before) {
      const { step } = way;
      if (!step.isLocal || !lastStep.isLocal || step.agent === lastStep.agent) return false;
      const corner = way.to.edges.find((next) => isSame(next.move, last));
      if (corner === undefined) return false;
      found.push({ step, to: corner.to, move: way.move });
    }
    edges.push(...found);
    return true;
  }
}

function isSame(a: Move, b: Move): boolean {
  return a.id === b.id && a.choices.join() === b.choices.join();
}

function movedBy(id: string, choices: readonly Choice[]): Move {
  return { id, choices: choices.map(({ index }) => index) };
}

/** The options that a move did not take are moves of their own. */
function otherMoves(move: Move, made: Step['choices']): Move[] {
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
  for (let at: Visited | undefined = node; at !== undefined; at = at.parent) moves.push(at.move);
  return moves.reverse();
}
