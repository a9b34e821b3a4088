/**
 * D04: a callback into an agent that waits.
 *
 * K is asked to `start` and has W do a job. W finds that it needs the configuration, and asks K, who
 * is deaf until the job is done. The correct K sends the configuration along.
 */
import { agent, at, client, ok, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

export const pair: Pair = {
  id: 'D04',
  title: 'a callback into an agent that waits',
  expected: ['DEADLOCK'],
  e: 0,
  culprits: ['K', 'W'],
  buggy: {
    name: 'D04 buggy',
    setup(stage) {
      const w = at<Request<'job'>>(stage, 'W');
      const k = stage.spawn(
        agent<Request<'start' | 'cfg'>>(function* (event, ctx) {
          if (event.type === 'start') yield* ctx.ask(w, { type: 'job' });
          ctx.reply(event, ok);
        }),
        { id: 'K' },
      );
      stage.spawn(
        agent<Request<'job'>>(function* (event, ctx) {
          yield* ctx.ask(k, { type: 'cfg' });
          ctx.reply(event, ok);
        }),
        { id: 'W' },
      );
      client(stage, 'C', k, 'start');
    },
  },
  correct: {
    name: 'D04 correct',
    setup(stage) {
      type Job = Request<'job'> & { readonly cfg: string };
      const w = stage.spawn(
        agent<Job>((event, ctx) => ctx.reply(event, ok)),
        { id: 'W' },
      );
      const k = stage.spawn(
        agent<Request<'start'>>(function* (event, ctx) {
          yield* ctx.ask(w, { type: 'job', cfg: 'all that W needs' });
          ctx.reply(event, ok);
        }),
        { id: 'K' },
      );
      client(stage, 'C', k, 'start');
    },
  },
};
