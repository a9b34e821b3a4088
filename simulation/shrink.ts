/**
 * The shrinker: from a schedule that fails to the least that makes it fail. What it takes away are
 * constraints, faults, choices and parts of the workload, never steps; so what is left is the reason.
 *
 *     moves ─▶ everything that may have mattered ─▶ less and less of it ─▶ one race, one fault …
 *              (constraints.ts)                      (each tried by follow.ts)
 */
import type { Arbitrary } from 'fast-check';
import { sizeOf, type Case, type Constraint } from './case.ts';
import { caseOf, choicesOf } from './constraints.ts';
import { anyOf, follow } from './follow.ts';
import { orderId } from './hold.ts';
import type { Failure } from './report.ts';
import { Run } from './run.ts';
import type { Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { LENGTHS, chooserOf, endFairly, take, type Move } from './schedule.ts';
import { FAIR_ORDERS, roundRobin } from './strategies/round-robin.ts';
import { isSameBug, type Violation } from './violation.ts';

/** Runs that one failure is worth. */
const REPLAYS_MAX = 200;
/** Of these, runs for a smaller workload. */
const WORKLOADS_MAX = 60;

/** What a failure came down to. */
export interface Shrunk<W> {
  readonly case: Case<W>;
  readonly run: Run<W>;
  readonly violation: Violation;
  readonly replays: number;
}

/** What must be known of a failure. */
export type Failed<W> = Pick<
  Failure<W>,
  'violation' | 'workload' | 'moves' | 'steps' | 'setup' | 'beside'
>;

/** Shrinks a failure; undefined when no case leads to it. */
export function shrink<W>(scenario: Scenario<W>, failure: Failed<W>): Shrunk<W> | undefined {
  return new Shrinker(scenario, failure).shrunk();
}

/** Cases that should fail as a schedule did, the smallest first. */
export function casesOf<W>(scenario: Scenario<W>, failure: Failed<W>): Iterable<Case<W>> {
  return new Shrinker(scenario, failure).candidates();
}

class Shrinker<W> {
  readonly #scenario: Scenario<W>;
  readonly #failure: Failed<W>;
  #replays = 0;
  #best: { readonly case: Case<W>; readonly run: Run<W> } | undefined;

  constructor(scenario: Scenario<W>, failure: Failed<W>) {
    this.#scenario = scenario;
    this.#failure = failure;
  }

  shrunk(): Shrunk<W> | undefined {
    for (const candidate of this.candidates()) if (this.#fails(candidate)) break;
    if (this.#best === undefined) return undefined;
    this.#smallerWorkload();
    for (let before = Infinity; this.size < before;) {
      before = this.size;
      this.#fewerChoices();
      this.#fewerFaults();
      this.#fewerConstraints();
    }
    this.#smallerWorkload();
    const { case: found, run } = this.#best;
    return { case: found, run, violation: run.violation as Violation, replays: this.#replays };
  }

  get size(): number {
    return sizeOf(this.#case);
  }

  get #case(): Case<W> {
    return (this.#best as { case: Case<W> }).case;
  }

  /** Runs a case, and keeps it when it shows the bug. */
  #fails(candidate: Case<W>): boolean {
    if (this.#replays >= REPLAYS_MAX) return false;
    this.#replays += 1;
    const run = follow(this.#scenario, candidate);
    if (run.violation === undefined || !isSameBug(run.violation, this.#failure.violation))
      return false;
    this.#best = { case: candidate, run };
    return true;
  }

  #less(change: Partial<Case<W>>): boolean {
    return this.#fails({ ...this.#case, ...change });
  }

  // ── Where it begins ─────────────────────────────────────────────────────────────────────────

  /** Cases that should fail as the schedule did, the smallest first. */
  *candidates(): Generator<Case<W>> {
    const { workload, moves, steps, setup, violation, beside } = this.#failure;
    const isLoop = violation.loopFrom !== undefined;
    const whole = caseOf(this.#scenario, workload, moves, beside);
    const made = [...setup.choices, ...steps.flatMap((step) => step.choices)];
    const choices = isLoop ? choicesOf(made, true) : whole.choices;
    const plain: Case<W> = { ...whole, choices, constraints: [] };
    yield plain;
    if (!isLoop) {
      yield { ...plain, constraints: this.#broken(plain, whole.constraints) };
      yield { ...plain, constraints: whole.constraints };
      yield { ...plain, constraints: whole.constraints, fairSoon: true };
      return;
    }
    const orders = Array.from({ length: FAIR_ORDERS }, (_, fairOrder) =>
      fairOrder === 0 ? {} : { fairOrder },
    );
    const lap = { keys: steps.map(({ key }) => key), from: violation.loopFrom ?? 0 };
    yield { ...plain, fairSoon: true };
    yield { ...plain, lap, fairSoon: true };
    for (const order of orders.slice(1)) {
      yield { ...plain, ...order };
      yield { ...plain, ...order, fairSoon: true };
    }
    // A loop has all the constraints of all its laps. Only what leads into it matters.
    const into = moves.slice(0, (violation.loopFrom ?? 0) + 1);
    for (const order of orders) {
      if (!this.#loopsAfter(into, choices, order.fairOrder)) continue;
      const way = this.#shortestWay(into, choices, order.fairOrder);
      const { constraints, faults } = caseOf(this.#scenario, workload, way, beside);
      const led = { ...plain, ...order, faults };
      const broken = this.#broken(plain, constraints);
      yield { ...led, constraints: broken };
      yield { ...led, constraints: broken, fairSoon: true };
      yield { ...led, constraints, fairSoon: true };
      yield { ...led, constraints };
    }
  }

  /** The constraints that FIFO breaks. Those that it keeps by itself are seldom worth a try. */
  #broken(plain: Case<W>, constraints: readonly Constraint[]): Constraint[] {
    const at = new Map<string, number>();
    follow(this.#scenario, plain).steps.forEach(({ id }: Step, index) =>
      at.set(orderId(id), index),
    );
    this.#replays += 1;
    return constraints.filter(
      ({ before, after }) => at.has(after) && (at.get(before) ?? Infinity) > (at.get(after) ?? 0),
    );
  }

  /** The moves that must be made exactly, so that the fair end falls into the loop. */
  #shortestWay(into: readonly Move[], choices: Case['choices'], order?: number): readonly Move[] {
    const first = (length: number): readonly Move[] => into.slice(0, length + 1);
    let good = into.length - 1;
    let bad = -1;
    for (let length = 0; length < good; length = length === 0 ? 1 : length * 2) {
      if (this.#loopsAfter(first(length), choices, order)) good = length;
      else bad = length;
    }
    while (good - bad > 1) {
      const middle = (good + bad) >> 1;
      if (this.#loopsAfter(first(middle), choices, order)) good = middle;
      else bad = middle;
    }
    return first(good);
  }

  #loopsAfter(
    [setup, ...moves]: readonly Move[],
    choices: Case['choices'],
    order: number | undefined,
  ): boolean {
    this.#replays += 1;
    const { workload, beside } = this.#failure;
    const run = new Run(this.#scenario, workload, setup && chooserOf(setup), beside);
    for (const move of moves)
      if (run.violation !== undefined || take(run, move) === undefined) return false;
    const chooser = (id: string, count: number): number =>
      Math.min(choices[anyOf(id)] ?? 0, count - 1);
    endFairly(run, LENGTHS.fairStepsMax, chooser, roundRobin(order));
    return run.violation !== undefined && isSameBug(run.violation, this.#failure.violation);
  }

  // ── What is taken away ──────────────────────────────────────────────────────────────────────

  #fewerChoices(): void {
    const { choices } = this.#case;
    if (Object.keys(choices).length === 0 || this.#less({ choices: {} })) return;
    least(Object.entries(choices), (left) => this.#less({ choices: Object.fromEntries(left) }));
  }

  #fewerFaults(): void {
    if (this.#case.faults.length === 0 || this.#less({ faults: [] })) return;
    least(this.#case.faults, (faults) => this.#less({ faults }));
  }

  #fewerConstraints(): void {
    const { constraints } = this.#case;
    if (constraints.length === 0 || this.#less({ constraints: [] })) return;
    least(constraints, (left) => this.#less({ constraints: left }));
  }

  /** The workload shrinks as fast-check shrinks it, under the same constraints. */
  #smallerWorkload(): void {
    const arbitrary = this.#scenario.workload as Arbitrary<unknown> | undefined;
    if (arbitrary === undefined) return;
    let left = WORKLOADS_MAX;
    for (let again = true; again && left > 0;) {
      again = false;
      const { workload } = this.#case;
      if (!arbitrary.canShrinkWithoutContext(workload)) return;
      for (const { value } of arbitrary.shrink(workload as never, undefined)) {
        if ((left -= 1) < 0) return;
        again = this.#less({ workload: value as W });
        if (again) break;
      }
    }
  }
}

/**
 * A least part of a list that still passes a test, in the sense that no single item of it can go
 * (Zeller and Hildebrandt, 2002). The test has been passed by the whole list, and not by none of it.
 */
export function least<T>(
  items: readonly T[],
  passes: (part: readonly T[]) => boolean,
): readonly T[] {
  let left = items;
  for (let parts = 2; left.length > 1;) {
    const size = Math.ceil(left.length / parts);
    let smaller: readonly T[] | undefined;
    for (let from = 0; from < left.length && smaller === undefined; from += size) {
      const rest = [...left.slice(0, from), ...left.slice(from + size)];
      if (passes(rest)) smaller = rest;
    }
    if (smaller !== undefined) {
      left = smaller;
      parts = Math.max(parts - 1, 2);
    } else if (size === 1) break;
    else parts = Math.min(parts * 2, left.length);
  }
  return left;
}
