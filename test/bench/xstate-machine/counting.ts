import { createActor } from 'xstate';
import { machine } from '../machines/counting.ts';
import { Completion, type Rate } from '../workload.ts';
import { produce } from '../xstate/producer.ts';

export async function open(): Promise<Rate> {
  return produce(createActor(machine()).start(), new Completion());
}
