/** O04 as machines: a party that has said yes waits in the state `ready`, impatiently with `after`. */
import { assign, sendTo, setup } from 'xstate';
import { here } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { at, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../o04-two-phase-commit.ts';

type Order = Tell<'prepare' | 'commit'>;

const program = (patient: boolean): Scenario => ({
  name: `O04 as machines, ${patient ? 'correct' : 'buggy'}`,
  eventually: {
    'all commit or all abort': (world) => {
      const ends = ['P1', 'P2'].map((id) => world.value(id));
      return !(ends.includes('committed') && ends.includes('aborted'));
    },
  },
  setup(stage) {
    const party = setup({ types: { events: {} as Order } }).createMachine({
      initial: 'idle',
      states: {
        idle: {
          on: {
            prepare: {
              target: 'ready',
              actions: sendTo(() => at<Tell<'yes'>>(stage, 'Co'), { type: 'yes' }),
            },
          },
        },
        ready: { after: patient ? {} : { 10: 'aborted' }, on: { commit: 'committed' } },
        committed: {},
        aborted: {},
      },
    });
    const both = (type: Order['type']) => (): void => {
      for (const id of ['P1', 'P2']) here().send(at<Order>(stage, id), { type });
    };
    const coordinator = setup({
      types: { context: {} as { votes: number }, events: {} as Tell<'begin' | 'yes'> },
    }).createMachine({
      context: { votes: 0 },
      on: {
        begin: { actions: both('prepare') },
        yes: [
          { guard: ({ context }) => context.votes === 1, actions: both('commit') },
          { actions: assign({ votes: 1 }) },
        ],
      },
    });
    stage.spawn(party, { id: 'P1' });
    stage.spawn(party, { id: 'P2' });
    stage.send(stage.spawn(coordinator, { id: 'Co' }), { type: 'begin' });
  },
});

export const pair: Pair = { ...functions, buggy: program(false), correct: program(true) };
