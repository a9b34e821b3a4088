/**
 * L03: a router that drops whom to reply to.
 *
 * Ro passes a question on as a message of its own, and does nothing with the result. The correct one
 * forwards the request itself, and the worker answers it.
 */
import type { Scenario } from 'troupe/simulation';
import { agent, at, client, ok, type Request, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

const program = (name: string, forwards: boolean): Scenario => ({
  name,
  setup(stage) {
    stage.spawn(
      agent<Request<'q'> | Tell<'work'>>((event, ctx) => {
        if (event.type === 'q') ctx.reply(event, ok);
        else ctx.send(at<Tell<'result'>>(stage, 'Ro'), { type: 'result' });
      }),
      { id: 'W' },
    );
    const router = stage.spawn(
      agent<Request<'q'> | Tell<'result'>>((event, ctx) => {
        if (event.type === 'result') return;
        if (forwards) ctx.forward(at<Request<'q'>>(stage, 'W'), event);
        else {
          ctx.defer(event);
          ctx.send(at<Tell<'work'>>(stage, 'W'), { type: 'work' });
        }
      }),
      { id: 'Ro' },
    );
    client(stage, 'C', router, 'q');
  },
});

export const pair: Pair = {
  id: 'L03',
  title: 'a router that drops whom to reply to',
  // A router that does not even defer the request has lost it at once.
  expected: ['STUCK', 'LOST'],
  e: 0,
  culprits: ['Ro'],
  buggy: program('L03 buggy', false),
  correct: program('L03 correct', true),
};
