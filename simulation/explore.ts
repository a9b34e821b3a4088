/**
 * The exploration of a scenario: FIFO first, then every schedule if they are few, then a portfolio
 * of strategies that each look elsewhere.
 */
import * as fc from 'fast-check';
import { InvalidOption, createClock } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { PairCoverage } from './coverage.ts';
import { Dice } from './dice.ts';
import { exhaust, type Exhausted } from './exhaustive.ts';
import { repeating } from './recurrence.ts';
import { divergence, type Trace } from './repeat.ts';
import type { Failure, Minimal, Report, SearchBound } from './report.ts';
import type { Run } from './run.ts';
import { checkScenario, type Scenario } from './scenario.ts';
import { LENGTHS, movesOf, replay, runSchedule, type Lengths, type Move } from './schedule.ts';
import { shrink } from './shrink.ts';
import { fifo } from './strategies/fifo.ts';
import { PORTFOLIO, STRATEGIES, type StrategyName } from './strategies/portfolio.ts';
import type { StrategyFactory } from './strategies/strategy.ts';
import type { Step } from './step.ts';
import { TokenStore } from './store.ts';
import { BadToken, encodeToken, nameOf, replayToken, type Replayed } from './token.ts';
import { isSameBug, signatureOf, type Violation } from './violation.ts';

/** How much is tried. */
export interface CheckOptions {
  /** Schedules of the portfolio; default 500. */
  readonly schedules?: number;
  /** Milliseconds of real time for everything; default no limit. */
  readonly timeMs?: number;
  /**
   * Milliseconds of real time for the exhaustive search; default 300. 0 leaves it out. With the
   * strategy `exhaustive` the default is `timeMs`, or 30,000 without one.
   */
  readonly exhaustiveMs?: number;
  /** States of the exhaustive search; default 20,000. */
  readonly statesMax?: number;
  /** Steps of one schedule before its fair end; default 200. */
  readonly stepsMax?: number;
  /** What all chance follows from; default 1. */
  readonly seed?: number;
  /** How many different bugs are looked for; default 1: the first ends the exploration. */
  readonly failures?: number;
  /** One strategy for all schedules; default `portfolio`: all of them in turn. */
  readonly strategy?: StrategyName | 'exhaustive' | 'portfolio';
  /**
   * A folder in which the tokens of failures are kept; what is kept there is tried first. Default of
   * `verify` and of the command: `.troupe` beside the file. Default of `explore`: `false`, none.
   */
  readonly storeFolder?: string | false;
  /** Told some ten times a second how far the exploration is; default nobody. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How far an exploration is. */
export interface Progress {
  /** States that the exhaustive search has seen. */
  readonly states: number;
  /** Schedules that were run. */
  readonly schedules: number;
}

type Settings = Required<Omit<CheckOptions, 'storeFolder' | 'onProgress'>>;

/** Time between two calls of `onProgress`. */
const PROGRESS_MS = 100;

/** Steps of a fair end once something is suspected. */
const SUSPECTED_STEPS_MAX = 300;

/** Time for the exhaustive search where it is all that was asked for: endless states must end too. */
const EXHAUSTIVE_ALONE_MS = 30_000;

const DEFAULTS = {
  schedules: 500,
  timeMs: Infinity,
  exhaustiveMs: 300,
  statesMax: 20_000,
  stepsMax: LENGTHS.stepsMax,
  seed: 1,
  failures: 1,
} as const;

/** Explores a scenario and says what it found. Throws `InvalidOption` for a scenario that makes no sense. */
export function explore<W = undefined>(
  scenario: Scenario<W>,
  options: CheckOptions = {},
): Report<W> {
  checkScenario(scenario);
  const settings = checkSettings(options);
  const [workload] = workloads(scenario, settings.seed, 1) as [W];
  return repeating(scenario, workload, settings.stepsMax, () =>
    new Exploration(scenario, settings, options).report(),
  );
}

/** One exploration: what has been tried, and what was found. */
class Exploration<W> {
  readonly #scenario: Scenario<W>;
  readonly #settings: Settings;
  readonly #store: TokenStore | undefined;
  readonly #onProgress: CheckOptions['onProgress'];
  readonly #clock = createClock();
  readonly #startMs = this.#clock.now();
  readonly #coverage = new PairCoverage();
  readonly #warnings: Violation[] = [];
  readonly #failures: Failure<W>[] = [];
  /** The signatures of what was found: runs look past it. */
  readonly #beside: string[] = [];
  /** The workload of FIFO and of the exhaustive search. */
  readonly #first: W;
  /** The steps of the plainest order, from which strategies learn. */
  #plain: readonly Step[] | undefined;
  #schedules = 0;
  #steps = 0;
  #states = 0;
  #stoppedBy: SearchBound | undefined;
  #isProved = false;
  #toldAtMs = this.#startMs;

  constructor(
    scenario: Scenario<W>,
    settings: Settings,
    { storeFolder = false, onProgress }: Pick<CheckOptions, 'storeFolder' | 'onProgress'>,
  ) {
    this.#scenario = scenario;
    this.#settings = settings;
    this.#onProgress = onProgress;
    this.#store = storeFolder === false ? undefined : new TokenStore(storeFolder, nameOf(scenario));
    [this.#first] = workloads(scenario, settings.seed, 1) as [W];
  }

  /** What was kept first, then the plainest order, then all orders if they are few, then samples. */
  report(): Report<W> {
    const { strategy, exhaustiveMs } = this.#settings;
    const isPortfolio = strategy === 'portfolio';
    this.#replayRemembered();
    if (isPortfolio || strategy === 'fifo') this.#runFifo();
    if (strategy === 'exhaustive' || (isPortfolio && exhaustiveMs > 0)) this.#searchAll();
    if (strategy !== 'exhaustive') this.#sample(strategy);
    const [failure] = this.#failures;
    return {
      name: nameOf(this.#scenario),
      verdict: failure?.violation.verdict ?? (this.#isProved ? 'PROVED' : 'PASS'),
      states: this.#states,
      schedules: this.#schedules,
      steps: this.#steps,
      tookMs: this.#clock.now() - this.#startMs,
      failure,
      failures: this.#failures,
      stoppedBy: this.#stoppedBy,
      warnings: this.#warnings,
      coverage: this.#coverage.result,
    };
  }

  // ── What is tried ───────────────────────────────────────────────────────────────────────────

  #replayRemembered(): void {
    for (const token of this.#store?.tokens ?? []) {
      if (this.#isDone) return;
      const again = replayRemembered(this.#scenario, token);
      if (again === undefined) continue;
      this.#schedules += 1;
      this.#steps += again.steps.length;
      if (!isHard(again.violation)) continue;
      const { case: kept } = again;
      const found = this.#failed(again, kept.workload, 'remembered', movesOf(again), kept.beside);
      const fresh = found?.minimal?.token;
      // The program has changed: the same bug has another token now.
      if (fresh !== undefined && fresh !== token) this.#store?.forget(token);
    }
  }

  #runFifo(): void {
    if (this.#isDone) return;
    const run = this.#counted(
      runSchedule(this.#scenario, this.#first, fifo(), undefined, this.#lengths, this.#beside),
    );
    // Its fair end is long, and shows no other races.
    this.#plain = run.steps.slice(0, this.#settings.stepsMax);
    if (isHard(run.violation)) this.#failed(run, this.#first, 'fifo');
    else if (run.violation !== undefined) this.#warnings.push(run.violation);
  }

  #searchAll(): void {
    if (this.#isDone) return;
    let found = this.#exhaust(false);
    // Who looks at the clock may do something else in the same state at another time.
    if (found.closed && found.readClock) found = this.#exhaust(true);
    const { closed, stoppedBy, states, violation, moves, drew } = found;
    this.#states = states;
    this.#stoppedBy = stoppedBy;
    if (violation !== undefined) {
      const run = replay(this.#scenario, this.#first, moves, this.#beside);
      const { steps, setup } = run;
      const trace = { steps, setup, violation: run.violation ?? run.judged(violation) };
      this.#failed(trace, this.#first, 'exhaustive', moves);
    } else
      this.#isProved =
        closed &&
        !drew &&
        this.#scenario.workload === undefined &&
        // What was looked past has cut nothing short, but it is there.
        this.#failures.length === 0;
  }

  #exhaust(timed: boolean): Exhausted {
    const { statesMax, stepsMax, exhaustiveMs } = this.#settings;
    const untilMs = this.#clock.now() + exhaustiveMs;
    const isOver = (states: number): boolean => {
      this.#tell({ states, schedules: this.#schedules });
      return this.#clock.now() >= untilMs || this.#isOver;
    };
    const limits = { statesMax, depthMax: stepsMax, isOver, timed };
    const found = exhaust(this.#scenario, this.#first, limits, this.#beside);
    this.#schedules += found.runs;
    return found;
  }

  #sample(strategy: StrategyName | 'portfolio'): void {
    const { seed, schedules } = this.#settings;
    if (this.#isProved || this.#isDone) return;
    const drawn = workloads(this.#scenario, seed, schedules);
    const factories = new Map<StrategyName, StrategyFactory>();
    for (let index = 0; index < schedules && !this.#isOver && !this.#isDone; index += 1) {
      const name =
        strategy === 'portfolio' ? (PORTFOLIO[index % PORTFOLIO.length] as StrategyName) : strategy;
      const factory = factories.get(name) ?? STRATEGIES[name](this.#plain);
      factories.set(name, factory);
      const dice = new Dice(seed * 1_000_003 + index);
      const workload = drawn[index] as W;
      // FIFO leaves nothing to chance, nor does its fair end.
      const chance = name === 'fifo' ? undefined : dice;
      const way = factory(dice);
      const run = this.#counted(
        runSchedule(this.#scenario, workload, way, chance, this.#lengths, this.#beside),
      );
      if (isHard(run.violation)) this.#failed(run, workload, name);
      else if (run.violation !== undefined && this.#warnings.length === 0)
        this.#warnings.push(run.violation);
      this.#tell({ states: this.#states, schedules: this.#schedules });
    }
  }

  #tell(progress: Progress): void {
    if (this.#onProgress === undefined) return;
    const nowMs = this.#clock.now();
    if (nowMs - this.#toldAtMs < PROGRESS_MS) return;
    this.#toldAtMs = nowMs;
    this.#onProgress(progress);
  }

  // ── What is known ───────────────────────────────────────────────────────────────────────────

  get #isOver(): boolean {
    return this.#clock.now() - this.#startMs >= this.#settings.timeMs;
  }

  /** As many bugs have been found as were looked for, or none of them counts. */
  get #isDone(): boolean {
    return (
      this.#failures.length >= this.#settings.failures ||
      this.#failures[0]?.violation.verdict === 'NONDETERMINISTIC'
    );
  }

  /** A suspicion is not looked for twice at full length: it takes the time of a hundred other schedules. */
  get #lengths(): Lengths {
    const full = { ...LENGTHS, stepsMax: this.#settings.stepsMax };
    return this.#warnings.length === 0 ? full : { ...full, fairStepsMax: SUSPECTED_STEPS_MAX };
  }

  #counted(run: Run<W>): Run<W> {
    this.#schedules += 1;
    this.#steps += run.steps.length;
    this.#coverage.add(run.steps);
    return run;
  }

  /** Takes a run that failed into account; the failure, unless it is of a bug that is known. */
  #failed(
    run: Trace,
    workload: W,
    strategy: string,
    moves: readonly Move[] = movesOf(run),
    past: readonly string[] = this.#beside,
  ): Failure<W> | undefined {
    const found = run.violation as Violation;
    const beside = past.length === 0 ? undefined : [...past];
    this.#beside.push(signatureOf(found));
    if (this.#failures.some(({ violation }) => isSameBug(found, violation))) return undefined;
    // What does not repeat is no finding about an order, whatever it looked like.
    const violation = divergence(this.#scenario, workload, moves, run, beside) ?? found;
    const { setup, steps } = run;
    const schedule = this.#schedules;
    const common = { violation, workload, strategy, schedule, moves, steps, setup };
    const failure: Failure<W> = { ...common, ...(beside && { beside }) };
    const minimal = violation === found ? minimalOf(this.#scenario, failure) : undefined;
    if (minimal !== undefined) {
      this.#store?.remember(minimal.token);
      this.#beside.push(signatureOf(minimal.violation));
    }
    this.#failures.push(minimal === undefined ? failure : { ...failure, minimal });
    return this.#failures.at(-1);
  }
}

/** The replay of a kept token; undefined when it cannot be used any more. */
function replayRemembered<W>(scenario: Scenario<W>, token: string): Replayed<W> | undefined {
  try {
    return replayToken(scenario, token);
  } catch (error) {
    if (error instanceof BadToken) return undefined;
    throw error;
  }
}

function isHard(violation: Violation | undefined): boolean {
  return violation?.certainty === 'proved';
}

/** The failure, shrunk; undefined when no case leads to it. */
function minimalOf<W>(scenario: Scenario<W>, failure: Failure<W>): Minimal<W> | undefined {
  const shrunk = shrink(scenario, failure);
  if (shrunk === undefined) return undefined;
  const { case: found, run, violation, replays } = shrunk;
  const { steps, setup } = run;
  const token = encodeToken(nameOf(scenario), found, run);
  return { case: found, steps, setup, violation, replays, token };
}

function workloads<W>({ workload }: Scenario<W>, seed: number, count: number): W[] {
  if (workload === undefined) return Array<W>(count).fill(undefined as W);
  return fc.sample(workload, { numRuns: count, seed });
}

function checkSettings(options: CheckOptions): Settings {
  checkOptions(
    options,
    [...Object.keys(DEFAULTS), 'strategy', 'storeFolder', 'onProgress'],
    'check',
  );
  const { strategy = 'portfolio', storeFolder, onProgress, ...given } = options;
  const exhaustiveMs =
    strategy === 'exhaustive' ? (options.timeMs ?? EXHAUSTIVE_ALONE_MS) : DEFAULTS.exhaustiveMs;
  const settings: Settings = { ...DEFAULTS, exhaustiveMs, strategy, ...given };
  for (const field of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const number = settings[field];
    if (typeof number !== 'number' || Number.isNaN(number) || (number < 0 && field !== 'seed'))
      throw new InvalidOption({ field: `check.${field}`, given: number, allowed: 'a number >= 0' });
  }
  const hasFolder = typeof storeFolder === 'string' && storeFolder !== '';
  if (storeFolder !== undefined && storeFolder !== false && !hasFolder)
    throw new InvalidOption({
      field: 'check.storeFolder',
      given: storeFolder,
      allowed: 'the path of a folder, or false',
    });
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new InvalidOption({
      field: 'check.onProgress',
      given: onProgress,
      allowed: 'a function',
    });
  if (!Number.isInteger(settings.failures) || settings.failures < 1)
    throw new InvalidOption({
      field: 'check.failures',
      given: settings.failures,
      allowed: 'an integer >= 1',
    });
  const names = [...Object.keys(STRATEGIES), 'exhaustive', 'portfolio'];
  if (!names.includes(strategy))
    throw new InvalidOption({
      field: 'check.strategy',
      given: strategy,
      allowed: names.join(', '),
    });
  return settings;
}
