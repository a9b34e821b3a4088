/** O01 as machines: C puts a use aside with `meta.postpone` until it is ready. */
import { sendTo, setup } from 'xstate';
import type { PostponeMeta } from 'troupe';
import { requires, type Scenario } from 'troupe/simulation';
import { at, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../o01-init-use-race.ts';

type Use = Tell<'init' | 'use'>;

const program = (stashes: boolean): Scenario => ({
  name: `O01 as machines, ${stashes ? 'correct' : 'buggy'}`,
  ordering: [requires('C', 'use', { after: 'init' })],
  setup(stage) {
    const c = setup({ types: { events: {} as Use, meta: {} as PostponeMeta<Use> } }).createMachine({
      initial: 'new',
      states: {
        new: { meta: stashes ? { postpone: ['use'] } : {}, on: { init: 'ready', use: {} } },
        ready: { on: { use: {} } },
      },
    });
    const b = setup({ types: { events: {} as Tell<'go'> } }).createMachine({
      on: { go: { actions: sendTo(() => at<Use>(stage, 'C'), { type: 'use' }) } },
    });
    const a = setup({ types: { events: {} as Tell<'go'> } }).createMachine({
      on: {
        go: {
          actions: [
            sendTo(() => at<Use>(stage, 'C'), { type: 'init' }),
            sendTo(() => at<Tell<'go'>>(stage, 'B'), { type: 'go' }),
          ],
        },
      },
    });
    stage.spawn(c, { id: 'C' });
    stage.spawn(b, { id: 'B' });
    stage.send(stage.spawn(a, { id: 'A' }), { type: 'go' });
  },
});

export const pair: Pair = { ...functions, buggy: program(false), correct: program(true) };
