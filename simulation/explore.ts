/**
 * The exploration of a scenario: FIFO first, then every schedule if they are few, then a portfolio
 * of strategies that each look elsewhere.
 */
import * as fc from 'fast-check';
import { InvalidOption, createClock } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { PairCoverage } from './coverage.ts';
import { Dice } from './dice.ts';
import { exhaust } from './exhaustive.ts';
import { repeating } from './recurrence.ts';
import type { Failure, Report } from './report.ts';
import type { Choice, Run } from './run.ts';
import { checkScenario, type Scenario } from './scenario.ts';
import { LENGTHS, SETUP, replay, runSchedule, type Move } from './schedule.ts';
import { fifo } from './strategies/fifo.ts';
import { PORTFOLIO, STRATEGIES, type StrategyName } from './strategies/portfolio.ts';
import type { StrategyFactory } from './strategies/strategy.ts';
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
  /** One strategy for all schedules instead of the portfolio. */
  readonly strategy?: StrategyName | 'exhaustive';
}

const DEFAULTS: Required<Omit<CheckOptions, 'strategy'>> = {
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
  const [workload] = workloads(scenario, settings.seed, 1) as [W];
  return repeating(scenario, workload, settings.stepsMax, () =>
    search(scenario, settings, options.strategy),
  );
}

function search<W>(
  scenario: Scenario<W>,
  settings: Required<Omit<CheckOptions, 'strategy'>>,
  strategy: StrategyName | 'exhaustive' | 'portfolio' = 'portfolio',
): Report<W> {
  const clock = createClock();
  const startMs = clock.now();
  const isOver = (): boolean => clock.now() - startMs >= settings.timeMs;
  const coverage = new PairCoverage();
  const warnings: Violation[] = [];
  const lengths = { ...LENGTHS, stepsMax: settings.stepsMax };
  let schedules = 0;
  let steps = 0;
  let states = 0;

  const report = (verdict: Report<W>['verdict'], failure?: Failure<W>): Report<W> => ({
    name: scenario.name ?? 'scenario',
    verdict,
    states,
    schedules,
    steps,
    tookMs: clock.now() - startMs,
    failure,
    warnings,
    coverage: coverage.result,
  });
  const failed = (run: Run<W>, workload: W, strategy: string, moves = movesOf(run)): Report<W> => {
    const violation = run.violation as Violation;
    const { setup, steps: taken } = run;
    return report(violation.verdict, {
      violation,
      workload,
      strategy,
      schedule: schedules,
      moves,
      steps: taken,
      setup,
    });
  };
  const count = (run: Run<W>): Run<W> => {
    schedules += 1;
    steps += run.steps.length;
    coverage.add(run.steps);
    return run;
  };

  const [first] = workloads(scenario, settings.seed, 1) as [W];
  if (strategy === 'portfolio' || strategy === 'fifo') {
    const run = count(runSchedule(scenario, first, fifo(), undefined, lengths));
    if (isHard(run.violation)) return failed(run, first, 'fifo');
    if (run.violation !== undefined) warnings.push(run.violation);
  }
  if (strategy === 'exhaustive' || (strategy === 'portfolio' && settings.exhaustiveMs > 0)) {
    const endMs = (): number =>
      strategy === 'exhaustive' ? Infinity : clock.now() + settings.exhaustiveMs;
    let untilMs = endMs();
    const limits = {
      statesMax: settings.statesMax,
      depthMax: settings.stepsMax,
      isOver: () => clock.now() >= untilMs || isOver(),
    };
    let found = exhaust(scenario, first, limits);
    schedules += found.runs;
    // Who looks at the clock may do something else in the same state at another time.
    if (found.closed && found.readClock) {
      untilMs = endMs();
      found = exhaust(scenario, first, { ...limits, timed: true });
      schedules += found.runs;
    }
    const { closed, violation, moves, drew } = found;
    states = found.states;
    if (violation !== undefined) {
      const run = replay(scenario, first, moves);
      run.violation ??= violation;
      return failed(run, first, 'exhaustive', [...moves]);
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
    const run = count(runSchedule(scenario, workload, factoryOf(name)(dice), dice, lengths));
    if (isHard(run.violation)) return failed(run, workload, name);
    if (run.violation !== undefined && warnings.length === 0) warnings.push(run.violation);
  }
  return report('PASS');
}

function isHard(violation: Violation | undefined): boolean {
  return violation?.certainty === 'proved';
}

/** The exact way that a run took. */
function movesOf<W>({ setup, steps }: Run<W>): Move[] {
  const moveOf = (id: string, choices: readonly Choice[]): Move => ({
    id,
    choices: choices.map(({ index }) => index),
  });
  return [moveOf(SETUP, setup.choices), ...steps.map(({ id, choices }) => moveOf(id, choices))];
}

function workloads<W>({ workload }: Scenario<W>, seed: number, count: number): W[] {
  if (workload === undefined) return Array<W>(count).fill(undefined as W);
  return fc.sample(workload, { numRuns: count, seed });
}

function checkSettings(options: CheckOptions): Required<Omit<CheckOptions, 'strategy'>> {
  checkOptions(options, [...Object.keys(DEFAULTS), 'strategy'], 'check');
  const settings = { ...DEFAULTS, ...options };
  for (const field of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const given = settings[field];
    if (typeof given !== 'number' || Number.isNaN(given) || (given < 0 && field !== 'seed'))
      throw new InvalidOption({ field: `check.${field}`, given, allowed: 'a number >= 0' });
  }
  const { strategy } = options;
  if (strategy !== undefined && strategy !== 'exhaustive' && !(strategy in STRATEGIES)) {
    const allowed = [...Object.keys(STRATEGIES), 'exhaustive'].join(', ');
    throw new InvalidOption({ field: 'check.strategy', given: strategy, allowed });
  }
  return settings;
}
