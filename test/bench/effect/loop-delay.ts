import { Effect, Queue } from 'effect';
import type { Loop } from '../workload.ts';
import { makeInbox, post, type Inbox } from './actor.ts';

type Token = { readonly to: Inbox<Token>; readonly from: Inbox<Token> };

export async function open(): Promise<Loop> {
  let hops = 0;
  let on = false;
  const receive = ({ to, from }: Token): Effect.Effect<unknown> => {
    hops += 1;
    return on ? Queue.offer(to, { to: from, from: to }) : Effect.void;
  };
  const a: Inbox<Token> = startYielding(receive);
  const b: Inbox<Token> = startYielding(receive);
  return {
    start() {
      on = true;
      post(a, { to: b, from: a });
    },
    hops: () => hops,
    stop: () => (on = false),
  };
}

/** Its `forever` yields after each round unless it is told not to, and only then do timers fire. */
function startYielding(receive: (token: Token) => Effect.Effect<unknown>): Inbox<Token> {
  const inbox = makeInbox<Token>();
  Effect.runFork(Effect.forever(Effect.flatMap(Queue.take(inbox), receive)));
  return inbox;
}
