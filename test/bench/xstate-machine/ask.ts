import { createActor } from 'xstate';
import { machine } from '../machines/ask.ts';
import type { Rate } from '../workload.ts';
import { askOf } from '../xstate/asker.ts';

export async function open(): Promise<Rate> {
  return askOf(createActor(machine()).start());
}
