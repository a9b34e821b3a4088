/**
 * O01: a use overtakes the init that it needs.
 *
 * A sends `init` to C, and then has B send `use`. Nothing says which of them comes first. The correct
 * C puts a use aside until the init has come.
 */
import { requires, type Scenario } from 'troupe/simulation';
import { direct, type Way } from './families/way.ts';
import { agent, at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

/** The way is that from B to C. */
export const initUseRace = (stashes: boolean, way: Way = direct): Scenario => ({
  name: `O01 ${stashes ? 'correct' : 'buggy'}`,
  ordering: [requires('C', 'use', { after: 'init' })],
  setup(stage) {
    stage.spawn(
      stateful<'new' | 'ready', Tell<'init' | 'use'>>('new', (state, { type }, ctx) => {
        if (type === 'init') return 'ready';
        if (stashes && state === 'new') ctx.postpone();
        return state;
      }),
      { id: 'C' },
    );
    const use = way<Tell<'use'>>(stage, 'C');
    stage.spawn(
      agent<Tell<'go'>>((_go, ctx) => ctx.send(use, { type: 'use' })),
      { id: 'B' },
    );
    const a = stage.spawn(
      agent<Tell<'go'>>((_go, ctx) => {
        ctx.send(at<Tell<'init'>>(stage, 'C'), { type: 'init' });
        ctx.send(at<Tell<'go'>>(stage, 'B'), { type: 'go' });
      }),
      { id: 'A' },
    );
    stage.send(a, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O01',
  title: 'a use overtakes the init that it needs',
  expected: ['ORDER'],
  e: 1,
  culprits: ['C'],
  buggy: initUseRace(false),
  correct: initUseRace(true),
};
