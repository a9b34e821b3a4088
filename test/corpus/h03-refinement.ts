/**
 * H03: a writer and a critic.
 *
 * The critic wants a score of 5, and the buggy writer never gets beyond 4. The correct one gets
 * better each time and needs some 25 hops between the same two agents: many hops are no loop.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { agent, at } from './notation.ts';
import type { Pair } from './pair.ts';

type Draft = { readonly type: 'draft'; readonly score: number };
type Review = { readonly type: 'review'; readonly score: number };

const refinement = (name: string, better: (score: number) => number, enough: number): Scenario => ({
  name,
  setup(stage) {
    task('text');
    const writer = stage.spawn(
      agent<Draft>(({ score }, ctx) =>
        ctx.send(at<Review>(stage, 'Cr'), { type: 'review', score: better(score) }),
      ),
      { id: 'Wr' },
    );
    stage.spawn(
      agent<Review>(({ score }, ctx) => {
        if (score >= enough) done('text');
        else ctx.send(writer, { type: 'draft', score });
      }),
      { id: 'Cr' },
    );
    stage.send(writer, { type: 'draft', score: 3 });
  },
});

export const pair: Pair = {
  id: 'H03',
  title: 'a writer and a critic',
  expected: ['LIVELOCK', 'HANDOFF_LOOP'],
  e: 0,
  culprits: ['Wr', 'Cr'],
  buggy: refinement('H03 buggy', (score) => (score === 3 ? 4 : 3), 5),
  correct: refinement('H03 correct', (score) => score + 1, 15),
};
