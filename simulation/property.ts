/**
 * Schedules as values of fast-check: `fc.assert(fc.property(cases(scenario), holds))`. Its seed and
 * path replay a failure, and it shrinks one as it shrinks everything else.
 *
 *     drawn: workload, strategy, seed ──▶ fails ──▶ as a case ──▶ smaller cases and workloads
 *
 * What a value shrinks to follows from the value alone, since a schedule that was drawn is just run
 * again. So nothing is remembered between two runs, and a path means the same every time.
 */
import * as fc from 'fast-check';
import { TroupeError } from '../runtime/index.ts';
import type { Case } from './case.ts';
import { reasons } from './reasons.ts';
import { Dice } from './dice.ts';
import { follow } from './follow.ts';
import type { Run } from './run.ts';
import { checkScenario, type Scenario } from './scenario.ts';
import { movesOf, runSchedule } from './schedule.ts';
import { casesOf } from './shrink.ts';
import { STRATEGIES, type StrategyName } from './strategies/portfolio.ts';
import { encodeToken, nameOf } from './token.ts';
import { withTraps } from './traps.ts';
import { isSameBug, type Violation } from './violation.ts';

/** Strategies that need nothing of earlier runs. */
const DRAWN: readonly StrategyName[] = ['pctcp', 'pos', 'pctcp', 'random', 'delays'];

/** Where a schedule comes from: it was drawn, or it is a case that another came down to. */
type Source<W> =
  | { readonly strategy: StrategyName; readonly seed: number; readonly workload: W }
  | { readonly case: Case<W>; readonly bug: Violation };

/** One schedule of a scenario, to be run. */
export class Trial<W = unknown> {
  readonly #scenario: Scenario<W>;
  readonly #source: Source<W>;
  #run: Run<W> | undefined;

  constructor(scenario: Scenario<W>, source: Source<W>) {
    this.#scenario = scenario;
    this.#source = source;
  }

  get workload(): W {
    return 'case' in this.#source ? this.#source.case.workload : this.#source.workload;
  }

  /** What goes wrong in it. Of a case it is the bug that it was made for, or nothing. */
  get violation(): Violation | undefined {
    const { violation } = this.#ran;
    if (violation?.certainty !== 'proved') return undefined;
    return !('case' in this.#source) || isSameBug(violation, this.#source.bug)
      ? violation
      : undefined;
  }

  /** Replays it, when it is a case. */
  get token(): string | undefined {
    if (!('case' in this.#source)) return undefined;
    return encodeToken(nameOf(this.#scenario), this.#source.case, this.#ran);
  }

  /** The same schedule on less, as far as it is known without a run which that is. */
  *smaller(workloads: (workload: W) => Iterable<W>): Generator<Trial<W>> {
    if (!('case' in this.#source)) {
      yield* this.#asCases();
      return;
    }
    const { case: whole, bug } = this.#source;
    const less = (change: Partial<Case<W>>): Trial<W> =>
      new Trial(this.#scenario, { case: { ...whole, ...change }, bug });
    for (const choices of parts(Object.entries(whole.choices)))
      yield less({ choices: Object.fromEntries(choices) });
    for (const faults of parts(whole.faults)) yield less({ faults });
    for (const constraints of parts(whole.constraints)) yield less({ constraints });
    for (const workload of workloads(whole.workload)) yield less({ workload });
  }

  toString(): string {
    const workload =
      this.#scenario.workload === undefined ? '' : ` on ${fc.stringify(this.workload)}`;
    if ('case' in this.#source)
      return `schedule${workload}: ${reasons(this.#source.case).join(' ')}`;
    return `schedule of ${this.#source.strategy}, seed ${this.#source.seed}${workload}`;
  }

  *#asCases(): Generator<Trial<W>> {
    const { violation: bug } = this;
    if (bug === undefined) return;
    const { steps, setup } = this.#ran;
    const { workload } = this;
    const failure = { violation: bug, workload, moves: movesOf(this.#ran), steps, setup };
    for (const found of casesOf(this.#scenario, failure))
      yield new Trial(this.#scenario, { case: found, bug });
  }

  get #ran(): Run<W> {
    return (this.#run ??= withTraps(() => this.#go()));
  }

  #go(): Run<W> {
    if ('case' in this.#source) return follow(this.#scenario, this.#source.case);
    const { strategy, seed, workload } = this.#source;
    const dice = new Dice(seed);
    const factory = STRATEGIES[strategy]();
    // PCTCP goes deeper from run to run; here the seed says how deep.
    for (let left = seed % 3; left > 0; left -= 1) factory(new Dice(seed));
    return runSchedule(this.#scenario, workload, factory(dice), dice);
  }
}

/** A schedule has failed in a property of fast-check. */
export class TrialFailed extends TroupeError {
  readonly code = 'TRIAL_FAILED';

  constructor(trial: Trial<never>, { verdict, message, cause }: Violation) {
    const { token } = trial;
    const text = `${verdict}: ${message}${token === undefined ? '' : `\ntoken ${token}`}`;
    super(text, { verdict, token }, { cause });
  }
}

/** The property of every schedule: nothing goes wrong in it. Throws {@link TrialFailed}. */
export function holds<W>(trial: Trial<W>): void {
  const { violation } = trial;
  if (violation !== undefined) throw new TrialFailed(trial as unknown as Trial<never>, violation);
}

/**
 * The schedules of a scenario, for `fc.assert(fc.property(cases(scenario), holds))`.
 */
export function cases<W = undefined>(scenario: Scenario<W>): fc.Arbitrary<Trial<W>> {
  checkScenario(scenario);
  return new CaseArbitrary(scenario);
}

class CaseArbitrary<W> extends fc.Arbitrary<Trial<W>> {
  readonly #scenario: Scenario<W>;

  constructor(scenario: Scenario<W>) {
    super();
    this.#scenario = scenario;
  }

  generate(random: fc.Random, bias: number | undefined): fc.Value<Trial<W>> {
    const { workload } = this.#scenario;
    const drawn = workload?.generate(random, bias).value_ as W;
    const strategy = DRAWN[random.nextInt(0, DRAWN.length - 1)] as StrategyName;
    const seed = random.nextInt(1, 1_000_000);
    const trial = new Trial(this.#scenario, { strategy, seed, workload: drawn });
    return new fc.Value(trial, undefined);
  }

  canShrinkWithoutContext(value: unknown): value is Trial<W> {
    return value instanceof Trial;
  }

  shrink(trial: Trial<W>): fc.Stream<fc.Value<Trial<W>>> {
    const { workload: arbitrary } = this.#scenario;
    const workloads = (workload: W): Iterable<W> =>
      arbitrary?.canShrinkWithoutContext(workload) === true
        ? arbitrary.shrink(workload, undefined).map(({ value }) => value)
        : [];
    return fc.stream(trial.smaller(workloads)).map((smaller) => new fc.Value(smaller, undefined));
  }
}

/** A list without all of it, without each half, each quarter …, and without each single item. */
function* parts<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let size = items.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < items.length; from += size)
      yield [...items.slice(0, from), ...items.slice(from + size)];
}
