/**
 * Jobs: the search of a scenario in several threads at once, each with a seed of its own.
 */
import { Worker } from 'node:worker_threads';
import type { CheckOptions, Progress } from '../simulation/index.ts';
import { merge, type Checked } from './check.ts';
import type { Found } from './load.ts';
import { Misuse } from './misuse.ts';

/** What a thread is to do. */
export interface Job {
  readonly file: string;
  readonly name: string;
  readonly options: CheckOptions;
}

/** What a thread tells: how far it is, and what came out at last. */
export type Told =
  { readonly progress: Progress } | { readonly checked: Checked } | { readonly misuse: string };

const SCHEDULES = 500;

/** Checks a scenario in as many threads. The first alone searches exhaustively: it would do so anew in each. */
export async function checkInJobs(
  { file, name }: Found,
  { onProgress, ...options }: CheckOptions,
  jobs: number,
): Promise<Checked> {
  const share = Math.ceil((options.schedules ?? SCHEDULES) / jobs);
  const seed = (options.seed ?? 1) * jobs;
  const far: Progress[] = Array<Progress>(jobs).fill({ states: 0, schedules: 0 });
  const parts = Array.from({ length: jobs }, (_, index) => {
    const own = { ...options, schedules: share, seed: seed + index };
    const job = { file, name, options: index === 0 ? own : { ...own, exhaustiveMs: 0 } };
    return run(job, (progress) => {
      far[index] = progress;
      onProgress?.(together(far));
    });
  });
  return { ...merge(await Promise.all(parts)), seed: options.seed ?? 1 };
}

function together(parts: readonly Progress[]): Progress {
  const sum = (field: keyof Progress): number => parts.reduce((all, part) => all + part[field], 0);
  return { states: sum('states'), schedules: sum('schedules') };
}

function run(job: Job, onProgress: (progress: Progress) => void): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(entry(), { eval: true, workerData: job });
    worker.on('message', (told: Told) => {
      if ('progress' in told) onProgress(told.progress);
      else if ('checked' in told) resolve(told.checked);
      else reject(new Misuse(told.misuse));
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
