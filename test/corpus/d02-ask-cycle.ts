/**
 * D02: two agents that ask each other.
 *
 * X is asked to `go`, asks the other and waits for the answer, deaf. When both do so at the same
 * time, neither ever hears the other. The correct ones keep the request and go on: the answer comes
 * as a message like any other.
 */
import type { ReplyTo } from 'troupe';
import { agent, at, client, ok, type Ok, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

/** The question that does not deafen whoever asks: it carries what it is for, and so does its answer. */
type Question = { readonly type: 'q'; readonly of: Kept; readonly from: string };
type Result = { readonly type: 'result'; readonly of: Kept };
type Kept = { readonly replyTo: ReplyTo<Ok> };

export const pair: Pair = {
  id: 'D02',
  title: 'two agents that ask each other',
  expected: ['DEADLOCK'],
  e: 0,
  culprits: ['A', 'B'],
  buggy: {
    name: 'D02 buggy',
    setup(stage) {
      const peer = (other: string) =>
        agent<Request<'go' | 'q'>>(function* (event, ctx) {
          if (event.type === 'go')
            yield* ctx.ask(at<Request<'go' | 'q'>>(stage, other), { type: 'q' });
          ctx.reply(event, ok);
        });
      const a = stage.spawn(peer('B'), { id: 'A' });
      const b = stage.spawn(peer('A'), { id: 'B' });
      client(stage, 'C1', a, 'go');
      client(stage, 'C2', b, 'go');
    },
  },
  correct: {
    name: 'D02 correct',
    setup(stage) {
      const peer = (self: string, other: string) =>
        agent<Request<'go'> | Question | Result>((event, ctx) => {
          switch (event.type) {
            case 'go':
              ctx.defer(event);
              ctx.send(at<Question>(stage, other), { type: 'q', of: event, from: self });
              return;
            case 'q':
              ctx.send(at<Result>(stage, event.from), { type: 'result', of: event.of });
              return;
            case 'result':
              ctx.reply({ type: 'go', replyTo: event.of.replyTo }, ok);
          }
        });
      const a = stage.spawn(peer('A', 'B'), { id: 'A' });
      const b = stage.spawn(peer('B', 'A'), { id: 'B' });
      client(stage, 'C1', a, 'go');
      client(stage, 'C2', b, 'go');
    },
  },
};
