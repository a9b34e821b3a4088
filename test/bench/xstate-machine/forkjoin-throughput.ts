import { createActor } from 'xstate';
import { machine } from '../machines/forkjoin-throughput.ts';
import { Completion, WORKERS, type Rate } from '../workload.ts';
import { drive } from '../xstate/driver.ts';

export async function open(): Promise<Rate> {
  const logic = machine();
  const workers = Array.from({ length: WORKERS }, () => createActor(logic).start());
  return drive(workers, new Completion());
}
