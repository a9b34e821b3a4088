/**
 * D02: two agents that ask each other.
 *
 * X is asked to `go`, asks the other and waits for the answer, deaf. When both do so at the same
 * time, neither ever hears the other. The correct ones keep the request and go on: the answer comes
 * as a message like any other.
 */
import type { ReplyTo } from 'troupe';
import type { Scenario, Stage } from 'troupe/simulation';
import { relayed as through } from './families/way.ts';
import { agent, at, client, ok, type Ok, type Request } from './notation.ts';
import type { Pair, Variant } from './pair.ts';

/** The question that does not deafen whoever asks: it carries what it is for, and so does its answer. */
type Question = { readonly type: 'q'; readonly of: Kept; readonly from: string };
type Result = { readonly type: 'result'; readonly of: Kept };
type Kept = { readonly replyTo: ReplyTo<Ok> };

function deaf(stage: Stage): void {
  const peer = (other: string) =>
    agent<Request<'go' | 'q'>>(function* (event, ctx) {
      if (event.type === 'go') yield* ctx.ask(at<Request<'go' | 'q'>>(stage, other), { type: 'q' });
      ctx.reply(event, ok);
    });
  stage.spawn(peer('B'), { id: 'A' });
  stage.spawn(peer('A'), { id: 'B' });
}

function hearing(stage: Stage): void {
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
  stage.spawn(peer('A', 'B'), { id: 'A' });
  stage.spawn(peer('B', 'A'), { id: 'B' });
}

/** X1: the program with h agents in the link from C2 to B. */
export const relayed = (h: number, variant: Variant): Scenario => ({
  name: `D02 ${variant}, ${h} hops`,
  setup(stage) {
    if (variant === 'buggy') deaf(stage);
    else hearing(stage);
    client(stage, 'C1', at<Request<'go'>>(stage, 'A'), 'go');
    client(stage, 'C2', through(h)<Request<'go'>>(stage, 'B'), 'go');
  },
});

export const pair: Pair = {
  id: 'D02',
  title: 'two agents that ask each other',
  expected: ['DEADLOCK'],
  e: 0,
  culprits: ['A', 'B'],
  buggy: relayed(0, 'buggy'),
  correct: relayed(0, 'correct'),
};
