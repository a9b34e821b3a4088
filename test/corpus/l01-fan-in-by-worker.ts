/**
 * L01: a fan-in that keys its results by worker.
 *
 * Ag gives two jobs to workers, and a router may give both to the same one. The buggy Ag counts
 * workers, not jobs: two results of one worker are one entry, and it waits for the other for ever.
 */
import type { ReplyTo } from 'troupe';
import { choose, type Scenario } from 'troupe/simulation';
import { agent, at, client, ok, stateful, type Ok, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

type Work = { readonly type: 'work'; readonly job: number };
type Result = { readonly type: 'result'; readonly job: number; readonly worker: string };
interface Gathered {
  readonly asked?: { readonly type: 'req'; readonly replyTo: ReplyTo<Ok> };
  readonly keys: readonly (string | number)[];
}

const program = (name: string, keyOf: (result: Result) => string | number): Scenario => ({
  name,
  setup(stage) {
    for (const worker of ['W1', 'W2'])
      stage.spawn(
        agent<Work>(({ job }, ctx) =>
          ctx.send(at<Result>(stage, 'Ag'), { type: 'result', job, worker }),
        ),
        { id: worker },
      );
    const ag = stage.spawn(
      stateful<Gathered, Request<'req'> | Result>({ keys: [] }, (state, event, ctx) => {
        if (event.type === 'req') {
          ctx.defer(event);
          ctx.send(at<Work>(stage, 'W1'), { type: 'work', job: 1 });
          ctx.send(at<Work>(stage, choose('worker', ['W2', 'W1'])), { type: 'work', job: 2 });
          return { asked: event, keys: [] };
        }
        const keys = [...new Set([...state.keys, keyOf(event)])];
        if (keys.length === 2 && state.asked !== undefined) ctx.reply(state.asked, ok);
        return { ...state, keys };
      }),
      { id: 'Ag' },
    );
    client(stage, 'C', ag, 'req');
  },
});

export const pair: Pair = {
  id: 'L01',
  title: 'a fan-in that keys its results by worker',
  expected: ['STUCK'],
  e: 1,
  culprits: ['Ag'],
  buggy: program('L01 buggy', ({ worker }) => worker),
  correct: program('L01 correct', ({ job }) => job),
};
