/**
 * The exploration of a scenario: FIFO first, then every schedule if they are few, then a portfolio
 * of strategies that each look elsewhere.
 */
import * as fc from 'fast-check';
import { InvalidOption, createClock } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { PairCoverage } from './coverage.ts';
import { Dice } from './dice.ts';
import { Drifted, exhaust } from './exhaustive.ts';
import { differenceOf, trailOf } from './recurrence.ts';
import { divergence, type Trace } from './repeat.ts';
import type { Failure, Minimal, Report } from './report.ts';
import type { Run } from './run.ts';
import { checkScenario, type Scenario } from './scenario.ts';
import { LENGTHS, movesOf, replay, runSchedule, type Lengths, type Move } from './schedule.ts';
import { shrink } from './shrink.ts';
import { fifo } from './strategies/fifo.ts';
import { PORTFOLIO, STRATEGIES, type StrategyName } from './strategies/portfolio.ts';
import type { StrategyFactory } from './strategies/strategy.ts';
import { TokenStore } from './store.ts';
import { BadToken, encodeToken, nameOf, replayToken, type Replayed } from './token.ts';
import { withTraps } from './traps.ts';
import type { Violation } from './violation.ts';

/** How much is tried. */
export interface CheckOptions {
  /** Schedules of the portfolio; default 500. */
  readonly schedules?: number;
  /** Milliseconds of real time for everything; default no limit. */
  readonly timeMs?: number;
  /** Milliseconds of real time for the exhaustive search; default 300. 0 leaves it out. */
  readonly exhaustiveMs?: number;
  /** States of the exhaustive search; default 20,000. */
  readonly statesMax?: number;
  /** Steps of one schedule before its fair end; default 200. */
  readonly stepsMax?: number;
  /** What all chance follows from; default 1. */
  readonly seed?: number;
  /** One strategy for all schedules; default `portfolio`: all of them in turn. */
  readonly strategy?: StrategyName | 'exhaustive' | 'portfolio';
  /**
   * A folder, such as `.troupe` beside the tests, in which the tokens of failures are kept; what is
   * kept there is tried first. Default none: nothing is written.
   */
  readonly storeFolder?: string;
}

type Settings = Required<Omit<CheckOptions, 'strategy' | 'storeFolder'>>;

/** Steps of a fair end once something is suspected. */
const SUSPECTED_STEPS_MAX = 300;

const DEFAULTS: Settings = {
  schedules: 500,
  timeMs: Infinity,
  exhaustiveMs: 300,
  statesMax: 20_000,
  stepsMax: LENGTHS.stepsMax,
  seed: 1,
};

/** Explores a scenario and says what it found. Throws `InvalidOption` for a scenario that makes no sense. */
export function explore<W = undefined>(
  scenario: Scenario<W>,
  options: CheckOptions = {},
): Report<W> {
  checkScenario(scenario);
  const settings = checkSettings(options);
  return withTraps(() => {
    const [workload] = workloads(scenario, settings.seed, 1) as [W];
    const first = trailOf(scenario, workload, settings.stepsMax);
    let found: Report<W> | undefined;
    let why: string | undefined;
    try {
      found = search(scenario, settings, options);
      if (found.verdict === 'NONDETERMINISTIC') return found;
    } catch (error) {
      if (!(error instanceof Drifted)) throw error;
      why = error.message;
    }
    const again = trailOf(scenario, workload, settings.stepsMax);
    why ??= differenceOf(first, again);
    return why === undefined && found !== undefined
      ? found
      : doesNotRepeat(scenario, again.run, workload, why ?? '', found);
  });
}

/** The report of a scenario whose runs do not repeat: what else was found in it does not count. */
function doesNotRepeat<W>(
  { name = 'scenario' }: Scenario<W>,
  run: Run<W>,
  workload: W,
  why: string,
  found: Report<W> | undefined,
): Report<W> {
  const violation: Violation = {
    verdict: 'NONDETERMINISTIC',
    message: `a run does not repeat: ${why}; look for what outlives a run, such as a variable of a module`,
    agents: [],
    obligations: [],
    certainty: 'proved',
  };
  const { setup, steps } = run;
  const moves = movesOf(run);
  const nothing = { states: 0, schedules: 1, steps: steps.length, tookMs: 0, warnings: [] };
  const coverage = { pairsFlipped: 0, pairsOneWay: [] };
  return {
    ...(found ?? { name, ...nothing, coverage }),
    verdict: 'NONDETERMINISTIC',
    failure: { violation, workload, strategy: 'fifo', schedule: 1, moves, steps, setup },
  };
}

function search<W>(
  scenario: Scenario<W>,
  settings: Settings,
  { strategy = 'portfolio', storeFolder }: CheckOptions,
): Report<W> {
  const clock = createClock();
  const startMs = clock.now();
  const isOver = (): boolean => clock.now() - startMs >= settings.timeMs;
  const coverage = new PairCoverage();
  const warnings: Violation[] = [];
  const full = { ...LENGTHS, stepsMax: settings.stepsMax };
  // A suspicion is not looked for twice at full length: it takes the time of a hundred other schedules.
  const lengths = (): Lengths =>
    warnings.length === 0 ? full : { ...full, fairStepsMax: SUSPECTED_STEPS_MAX };
  const store =
    storeFolder === undefined ? undefined : new TokenStore(storeFolder, nameOf(scenario));
  let schedules = 0;
  let steps = 0;
  let states = 0;

  const report = (verdict: Report<W>['verdict'], failure?: Failure<W>): Report<W> => ({
    name: nameOf(scenario),
    verdict,
    states,
    schedules,
    steps,
    tookMs: clock.now() - startMs,
    failure,
    warnings,
    coverage: coverage.result,
  });
  const failed = (
    run: Trace,
    workload: W,
    strategy: string,
    moves: readonly Move[] = movesOf(run),
  ): Report<W> => {
    const { setup, steps: taken } = run;
    const found = run.violation as Violation;
    // What does not repeat is no finding about an order, whatever it looked like.
    const violation = divergence(scenario, workload, moves, run) ?? found;
    const failure: Failure<W> = {
      violation,
      workload,
      strategy,
      schedule: schedules,
      moves,
      steps: taken,
      setup,
    };
    const minimal = violation === found ? minimalOf(scenario, failure) : undefined;
    if (minimal !== undefined) store?.remember(minimal.token);
    return report(violation.verdict, minimal === undefined ? failure : { ...failure, minimal });
  };
  for (const token of store?.tokens ?? []) {
    const again = replayRemembered(scenario, token);
    if (again === undefined) continue;
    schedules += 1;
    steps += again.steps.length;
    if (!isHard(again.violation)) continue;
    const result = failed(again, again.case.workload, 'remembered');
    const fresh = result.failure?.minimal?.token;
    // The program has changed: the same bug has another token now.
    if (fresh !== undefined && fresh !== token) store?.forget(token);
    return result;
  }
  const count = (run: Run<W>): Run<W> => {
    schedules += 1;
    steps += run.steps.length;
    coverage.add(run.steps);
    return run;
  };

  const [first] = workloads(scenario, settings.seed, 1) as [W];
  if (strategy === 'portfolio' || strategy === 'fifo') {
    const run = count(runSchedule(scenario, first, fifo(), undefined, full));
    if (isHard(run.violation)) return failed(run, first, 'fifo');
    if (run.violation !== undefined) warnings.push(run.violation);
  }
  if (strategy === 'exhaustive' || (strategy === 'portfolio' && settings.exhaustiveMs > 0)) {
    const untilMs = strategy === 'exhaustive' ? Infinity : clock.now() + settings.exhaustiveMs;
    const limits = {
      statesMax: settings.statesMax,
      depthMax: settings.stepsMax,
      isOver: () => clock.now() >= untilMs || isOver(),
    };
    let found = exhaust(scenario, first, limits);
    schedules += found.runs;
    // Who looks at the clock may do something else in the same state at another time.
    if (found.closed && found.readClock) {
      found = exhaust(scenario, first, { ...limits, timed: true });
      schedules += found.runs;
    }
    const { closed, violation, moves, drew } = found;
    states = found.states;
    if (violation !== undefined) {
      const run = replay(scenario, first, moves);
      run.violation ??= run.judged(violation);
      return failed(run, first, 'exhaustive', moves);
    }
    if (closed && !drew && scenario.workload === undefined) return report('PROVED');
    if (strategy === 'exhaustive') return report('PASS');
  }
  const drawn = workloads(scenario, settings.seed, settings.schedules);
  const factories = new Map<StrategyName, StrategyFactory>();
  const factoryOf = (name: StrategyName): StrategyFactory => {
    const factory = factories.get(name) ?? STRATEGIES[name]();
    factories.set(name, factory);
    return factory;
  };
  for (let index = 0; index < settings.schedules && !isOver(); index += 1) {
    const name =
      strategy === 'portfolio'
        ? (PORTFOLIO[index % PORTFOLIO.length] as StrategyName)
        : (strategy as StrategyName);
    const dice = new Dice(settings.seed * 1_000_003 + index);
    const workload = drawn[index] as W;
    // FIFO leaves nothing to chance, nor does its fair end.
    const chance = name === 'fifo' ? undefined : dice;
    const run = count(runSchedule(scenario, workload, factoryOf(name)(dice), chance, lengths()));
    if (isHard(run.violation)) return failed(run, workload, name);
    if (run.violation !== undefined && warnings.length === 0) warnings.push(run.violation);
  }
  return report('PASS');
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
  checkOptions(options, [...Object.keys(DEFAULTS), 'strategy', 'storeFolder'], 'check');
  const settings = { ...DEFAULTS, ...options };
  for (const field of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const given = settings[field];
    if (typeof given !== 'number' || Number.isNaN(given) || (given < 0 && field !== 'seed'))
      throw new InvalidOption({ field: `check.${field}`, given, allowed: 'a number >= 0' });
  }
  const { strategy, storeFolder } = options;
  if (storeFolder !== undefined && (typeof storeFolder !== 'string' || storeFolder === ''))
    throw new InvalidOption({
      field: 'check.storeFolder',
      given: storeFolder,
      allowed: 'the path of a folder',
    });
  const names = [...Object.keys(STRATEGIES), 'exhaustive', 'portfolio'];
  if (strategy !== undefined && !names.includes(strategy))
    throw new InvalidOption({
      field: 'check.strategy',
      given: strategy,
      allowed: names.join(', '),
    });
  return settings;
}
