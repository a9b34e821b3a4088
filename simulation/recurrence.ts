/**
 * Recurrence: whether the same schedule goes the same way again after others have run. When it does
 * not, something outlives a run, such as a variable of a module, and no finding counts.
 */
import { Drifted } from './exhaustive.ts';
import type { Report } from './report.ts';
import { Run } from './run.ts';
import type { Scenario } from './scenario.ts';
import { movesOf } from './schedule.ts';
import { withTraps } from './traps.ts';
import type { Violation } from './violation.ts';

/** Explores with the traps set; what is found counts only if FIFO goes the same way before and after. */
export function repeating<W>(
  scenario: Scenario<W>,
  workload: W,
  stepsMax: number,
  search: () => Report<W>,
): Report<W> {
  return withTraps(() => {
    const first = trailOf(scenario, workload, stepsMax);
    let found: Report<W> | undefined;
    let why: string | undefined;
    try {
      found = search();
      if (found.verdict === 'NONDETERMINISTIC') return found;
    } catch (error) {
      if (!(error instanceof Drifted)) throw error;
      why = error.message;
    }
    const again = trailOf(scenario, workload, stepsMax);
    why ??= differenceOf(first, again);
    if (why === undefined && found !== undefined) return found;
    return doesNotRepeat(scenario, workload, again.run, why ?? '', found);
  });
}

/** The report of a scenario whose runs do not repeat: what else was found in it does not count. */
function doesNotRepeat<W>(
  { name = 'scenario' }: Scenario<W>,
  workload: W,
  run: Run<W>,
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
  const nothing: Omit<Report<W>, 'verdict' | 'failure' | 'failures'> = {
    name,
    states: 0,
    schedules: 1,
    steps: steps.length,
    tookMs: 0,
    stoppedBy: undefined,
    warnings: [],
    coverage: { pairsFlipped: 0, pairsOneWay: [] },
  };
  const failure = { violation, workload, strategy: 'fifo', schedule: 1, moves, steps, setup };
  return {
    ...(found ?? nothing),
    verdict: 'NONDETERMINISTIC',
    failure,
    failures: [failure],
  };
}

/** One run of FIFO: its events, and the digest of the state after each. */
export interface Trail<W> {
  readonly run: Run<W>;
  readonly digests: readonly number[];
}

/** Runs FIFO for so many steps at most. */
export function trailOf<W>(scenario: Scenario<W>, workload: W, stepsMax: number): Trail<W> {
  const run = new Run(scenario, workload);
  const digests: number[] = [run.state];
  while (digests.length <= stepsMax && run.violation === undefined) {
    const [oldest] = run.enabled();
    if (oldest === undefined) break;
    run.step(oldest);
    digests.push(run.state);
  }
  return { run, digests };
}

/** In one line: where two runs of one schedule differ first; undefined when they do not. */
export function differenceOf<W>(first: Trail<W>, again: Trail<W>): string | undefined {
  const { length } = first.digests;
  for (let step = 0; step < Math.max(length, again.digests.length); step += 1) {
    const before = idAt(first, step);
    const after = idAt(again, step);
    if (before !== after)
      return `step ${step} was ${before} in the first run and is ${after} in a later one`;
    if (first.digests[step] !== again.digests[step])
      return `${step === 0 ? 'the setup' : `step ${step}, ${before},`} led to one state in the first run and leads to another in a later one`;
  }
  return undefined;
}

function idAt<W>({ run }: Trail<W>, step: number): string {
  return step === 0 ? 'the setup' : (run.steps[step - 1]?.id ?? 'nothing');
}
