import type { AnyActorRef } from 'xstate';
import { Completion, type Rate } from '../workload.ts';
import { start } from './start.ts';

export type Next = { readonly type: 'next'; readonly replyTo: AnyActorRef };
type ToAsker =
  | { readonly type: 'start'; readonly asks: number }
  | { readonly type: 'answer'; readonly number: number };

/** Who asks, one request after the other; XState has no ask, so the answer is an event. */
export function askOf(server: AnyActorRef): Rate {
  const completion = new Completion();
  let before = 0;
  let left = 0;
  const asker = start(0, (state, event: ToAsker, replyTo) => {
    if (event.type === 'start') left = event.asks;
    else {
      left -= 1;
      if (left === 0) {
        completion.done(event.number - before);
        before = event.number;
        return state;
      }
    }
    server.send({ type: 'next', replyTo });
    return state;
  });
  return (asks) => completion.after(() => asker.send({ type: 'start', asks }));
}
