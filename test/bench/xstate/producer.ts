import type { AnyActorRef } from 'xstate';
import { BATCH, type Completion, type Rate } from '../workload.ts';
import { start } from './start.ts';

export type ToCounter =
  { readonly type: 'increment' } | { readonly type: 'read'; readonly from: AnyActorRef };
type ToProducer =
  | { readonly type: 'start'; readonly sends: number }
  | { readonly type: 'total'; readonly total: number };

/** The producer of `counting`, for a counter of either kind. */
export function produce(counter: AnyActorRef, completion: Completion): Rate {
  let before = 0;
  const producer = start(0, (sends, event: ToProducer, from) => {
    const goal = event.type === 'start' ? event.sends : sends;
    if (event.type === 'total' && event.total - before >= goal) {
      completion.done(event.total - before);
      before = event.total;
      return goal;
    }
    for (let i = 0; i < BATCH; i += 1) counter.send({ type: 'increment' });
    counter.send({ type: 'read', from });
    return goal;
  });
  return (sends) => completion.after(() => producer.send({ type: 'start', sends }));
}
