/**
 * H01: a task that two agents hand to each other for ever. The correct ones count, and somebody
 * does it in the end.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { agent, at } from './notation.ts';
import type { Pair } from './pair.ts';

type Task = { readonly type: 'task'; readonly hops: number };

const handoff = (name: string, next: (hops: number) => number, hopsMax: number): Scenario => ({
  name,
  setup(stage) {
    task('t');
    const peer = (other: string) =>
      agent<Task>((event, ctx) => {
        if (event.hops >= hopsMax) done('t');
        else ctx.send(at<Task>(stage, other), { type: 'task', hops: next(event.hops) });
      });
    const a = stage.spawn(peer('B'), { id: 'A' });
    stage.spawn(peer('A'), { id: 'B' });
    stage.send(a, { type: 'task', hops: 0 });
  },
});

export const pair: Pair = {
  id: 'H01',
  title: 'a task that two agents hand to each other',
  expected: ['LIVELOCK', 'HANDOFF_LOOP'],
  e: 0,
  culprits: ['A', 'B'],
  buggy: handoff('H01 buggy', (hops) => hops, 6),
  correct: handoff('H01 correct', (hops) => hops + 1, 6),
};
