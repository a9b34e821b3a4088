/**
 * A thread of `--jobs`: it loads the module itself, and answers with plain data.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { CheckOptions } from '../simulation/index.ts';
import { check } from './check.ts';
import type { Job, Told } from './jobs.ts';
import { loadScenarios } from './load.ts';
import { inShort } from './misuse.ts';

function tell(told: Told): void {
  parentPort?.postMessage(told);
}

async function answer({ file, name, options }: Job): Promise<Told> {
  try {
    const found = (await loadScenarios(file)).find((each) => each.name === name);
    if (found === undefined) return { misuse: `a thread does not find "${name}" in ${file}` };
    const onProgress: CheckOptions['onProgress'] = (progress) => tell({ progress });
    return { checked: check(found, { ...options, onProgress }) };
  } catch (error) {
    return { misuse: error instanceof Error ? error.message : inShort(error) };
  }
}

tell(await answer(workerData as Job));
