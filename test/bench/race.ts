/**
 * A race: the contenders of one workload, each in a process of its own, in turns.
 *
 *     warm up A, B, C │ A B C │ A B C │ A B C │ …     each letter: half a round that is discarded, and a round
 *
 * How many operations a round has is found for each contender while it warms up, so that all rounds
 * take about as long; what is compared is per operation.
 */
import { hasErlang, takesPart, type Contender } from './contenders.ts';
import { openErlang } from './erlang-runner.ts';
import { openNode } from './node-runner.ts';
import type { Round, Runner } from './runner.ts';
import type { Workload } from './workload.ts';

/** What a contender did in one workload, or why it did nothing. */
export interface Entry {
  readonly workload: Workload;
  readonly contender: string;
  readonly rounds: readonly Round[];
  /** Set when there are no rounds. */
  readonly absent?: 'no erl' | 'failed';
}

export interface RaceOptions {
  readonly rounds: number;
  /** Where to write CPU profiles. */
  readonly profileTo: string | undefined;
  readonly progress: (text: string) => void;
}

const ROUND_MS = 500;

interface Runs {
  readonly contender: Contender;
  readonly runner: Runner;
  operations: number;
  readonly rounds: Round[];
  /** Why it runs no more rounds; the others go on. */
  failed: string | undefined;
}

async function attempt(runs: Runs, run: () => Promise<unknown>): Promise<void> {
  if (runs.failed !== undefined) return;
  try {
    await run();
  } catch (error) {
    runs.failed = error instanceof Error ? error.message : String(error);
  }
}

/** Runs a workload with all contenders that have a form of it. */
export async function race(
  workload: Workload,
  contenders: readonly Contender[],
  { rounds, profileTo, progress }: RaceOptions,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const running: Runs[] = [];
  try {
    for (const contender of contenders.filter((each) => takesPart(each, workload))) {
      const { name, erlang } = contender;
      if (erlang !== undefined && !hasErlang()) {
        entries.push({ workload, contender: name, rounds: [], absent: 'no erl' });
        continue;
      }
      progress(`${workload.name}: ${name} warms up`);
      const runner =
        erlang === undefined
          ? openNode(name, workload.name, profileTo)
          : openErlang(name, erlang, workload);
      const runs: Runs = { contender, runner, operations: 0, rounds: [], failed: undefined };
      running.push(runs);
      await attempt(runs, async () => (runs.operations = await warmUp(runner, workload)));
    }
    for (let i = 1; i <= rounds; i += 1) {
      progress(`${workload.name}: round ${i} of ${rounds}`);
      for (const runs of running) {
        await attempt(runs, async () => {
          await reheat(runs, workload);
          runs.rounds.push(await runs.runner.round(runs.operations));
        });
      }
    }
  } finally {
    await Promise.allSettled(running.map(({ runner }) => runner.close()));
  }
  for (const { contender, rounds: done, failed } of running) {
    const entry = { workload, contender: contender.name };
    if (failed === undefined) entries.push({ ...entry, rounds: done });
    else {
      progress(`${workload.name}: ${failed}`);
      entries.push({ ...entry, rounds: [], absent: 'failed' });
    }
  }
  return contenders.flatMap(({ name }) => entries.filter((entry) => entry.contender === name));
}

/**
 * Half a round that is discarded. While the others have their turns V8 tidies up an idle process, and
 * throws away code of which no object is left; it comes back in the first tenths of a second.
 */
async function reheat({ runner, operations }: Runs, { unit, step }: Workload): Promise<void> {
  if (unit === 'ops/s') await runner.round(Math.ceil(operations / 2 / step) * step);
}

/** Runs until the code is hot, and gives the operations of a round that takes its time. */
async function warmUp(runner: Runner, { unit, step }: Workload): Promise<number> {
  if (unit !== 'ops/s') {
    await runner.round(step);
    return step;
  }
  let operations = step;
  for (;;) {
    const { cpuNs } = await runner.round(operations);
    if (cpuNs >= (ROUND_MS / 2) * 1e6) break;
    operations *= cpuNs < 20e6 ? 8 : 2;
  }
  // Hot now: one more to see how many fit.
  const { cpuNs } = await runner.round(operations);
  return Math.max(step, Math.round((operations * ROUND_MS * 1e6) / cpuNs / step) * step);
}
