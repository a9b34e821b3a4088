import { createActor, fromTransition, type EventObject } from 'xstate';
import type { Rate } from '../workload.ts';
import { restartOf } from './restarter.ts';

export async function open(): Promise<Rate> {
  const logic = fromTransition((state: undefined, { type }: EventObject) => {
    if (type === 'crash') throw new Error(type);
    return state;
  }, undefined);
  return restartOf(() => createActor(logic));
}
