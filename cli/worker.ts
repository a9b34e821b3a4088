/**
 * A thread of `--jobs`: it loads the module itself, and answers with plain data.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { check } from './check.ts';
import type { Answer, Job } from './jobs.ts';
import { loadScenarios } from './load.ts';
import { inShort } from './misuse.ts';

async function answer({ file, name, options }: Job): Promise<Answer> {
  try {
    const found = (await loadScenarios(file)).find((each) => each.name === name);
    if (found === undefined) return { misuse: `a thread does not find "${name}" in ${file}` };
    return { checked: check(found, options) };
  } catch (error) {
    return { misuse: error instanceof Error ? error.message : inShort(error) };
  }
}

parentPort?.postMessage(await answer(workerData as Job));
