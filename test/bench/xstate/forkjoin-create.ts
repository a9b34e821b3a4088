import type { AnyActorRef } from 'xstate';
import { createActor, fromTransition } from 'xstate';
import type { Rate } from '../workload.ts';
import { fork } from './fork.ts';

type Work = { readonly type: 'work'; readonly from: AnyActorRef };
type Stop = { readonly type: 'xstate.stop' };

export async function open(): Promise<Rate> {
  const logic = fromTransition((state: undefined, event: Work | Stop) => {
    if (event.type === 'work') event.from.send({ type: 'done' });
    return state;
  }, undefined);
  return fork((from) => {
    const actor = createActor(logic).start();
    actor.send({ type: 'work', from });
    actor.stop();
  });
}
