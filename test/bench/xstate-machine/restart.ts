import { createActor } from 'xstate';
import { machine } from '../machines/restart.ts';
import type { Rate } from '../workload.ts';
import { restartOf } from '../xstate/restarter.ts';

export async function open(): Promise<Rate> {
  const logic = machine(() => undefined);
  return restartOf(() => createActor(logic));
}
