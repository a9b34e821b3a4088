import { createActor } from 'xstate';
import { machine } from '../machines/forkjoin-create.ts';
import type { Rate } from '../workload.ts';
import { fork } from '../xstate/fork.ts';

export async function open(): Promise<Rate> {
  const logic = machine();
  return fork((from) => createActor(logic).start().send({ type: 'work', from }));
}
