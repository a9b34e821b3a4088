/**
 * Jobs: the search of a scenario in several threads at once, each with a seed of its own.
 */
import { Worker } from 'node:worker_threads';
import type { CheckOptions } from '../simulation/index.ts';
import { merge, type Checked } from './check.ts';
import type { Found } from './load.ts';
import { Misuse } from './misuse.ts';

/** What a thread is to do. */
export interface Job {
  readonly file: string;
  readonly name: string;
  readonly options: CheckOptions;
}

/** What a thread answers. */
export type Answer = { readonly checked: Checked } | { readonly misuse: string };

const SCHEDULES = 500;

/** Checks a scenario in as many threads. The first alone searches exhaustively: it would do so anew in each. */
export async function checkInJobs(
  { file, name }: Found,
  options: CheckOptions,
  jobs: number,
): Promise<Checked> {
  const share = Math.ceil((options.schedules ?? SCHEDULES) / jobs);
  const seed = (options.seed ?? 1) * jobs;
  const parts = Array.from({ length: jobs }, (_, index) => {
    const own = { ...options, schedules: share, seed: seed + index };
    return run({ file, name, options: index === 0 ? own : { ...own, exhaustiveMs: 0 } });
  });
  return { ...merge(await Promise.all(parts)), seed: options.seed ?? 1 };
}

function run(job: Job): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(entry(), { eval: true, workerData: job });
    worker.once('message', (answer: Answer) => {
      if ('checked' in answer) resolve(answer.checked);
      else reject(new Misuse(answer.misuse));
    });
    worker.once('error', reject);
    worker.once('exit', () =>
      reject(new Misuse(`the thread that checks "${job.name}" ended early`)),
    );
  });
}

/** The code of a thread. A checkout runs from its sources, and tsx does not follow into threads by itself. */
function entry(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const url = new URL(`./worker.${isSource ? 'ts' : 'js'}`, import.meta.url).href;
  const load = `import(${JSON.stringify(url)})`;
  if (!isSource) return load;
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return `import(${tsx}).then(({ register }) => { register(); return ${load}; })`;
}
