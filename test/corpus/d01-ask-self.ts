/**
 * D01: an agent asks itself.
 *
 * A is asked to `go` and asks itself to `ping` for that. It is deaf until the answer comes, and the
 * only one who could give it. The correct A sends itself the ping together with the request that
 * it is for, and answers that one later.
 */
import type { ReplyTo } from 'troupe';
import { agent, at, client, ok, type Ok, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

type Ping = { readonly type: 'ping'; readonly of: { readonly replyTo: ReplyTo<Ok> } };

export const pair: Pair = {
  id: 'D01',
  title: 'an agent that asks itself',
  expected: ['DEADLOCK'],
  e: 0,
  culprits: ['A'],
  buggy: {
    name: 'D01 buggy',
    setup(stage) {
      const self = at<Request<'go' | 'ping'>>(stage, 'A');
      const a = stage.spawn(
        agent<Request<'go' | 'ping'>>(function* (event, ctx) {
          if (event.type === 'go') yield* ctx.ask(self, { type: 'ping' });
          ctx.reply(event, ok);
        }),
        { id: 'A' },
      );
      client(stage, 'C', a, 'go');
    },
  },
  correct: {
    name: 'D01 correct',
    setup(stage) {
      const a = stage.spawn(
        agent<Request<'go'> | Ping>((event, ctx) => {
          if (event.type === 'go') {
            ctx.defer(event);
            ctx.send(ctx.self, { type: 'ping', of: event });
          } else ctx.reply({ type: 'go', replyTo: event.of.replyTo }, ok);
        }),
        { id: 'A' },
      );
      client(stage, 'C', a, 'go');
    },
  },
};
