/**
 * O04: a party of a two-phase commit aborts on its own.
 *
 * Who has said yes is bound by it until the coordinator has decided. The buggy parties abort when
 * that takes longer than 10 ms, while the other may have committed.
 */
import type { Scenario, World } from 'troupe/simulation';
import { direct, type Way } from './families/way.ts';
import { at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Order = Tell<'prepare' | 'commit' | 'impatient'>;
type Vote = 'idle' | 'ready' | 'committed' | 'aborted';

/** The way is that from the coordinator to P2. */
export const twoPhaseCommit = (patient: boolean, way: Way = direct): Scenario => ({
  name: `O04 ${patient ? 'correct' : 'buggy'}`,
  eventually: {
    'all commit or all abort': (world: World) => {
      const ends = ['P1', 'P2'].map((id) => world.state<Vote>(id));
      return !(ends.includes('committed') && ends.includes('aborted'));
    },
  },
  setup(stage) {
    const party = stateful<Vote, Order>('idle', (vote, { type }, ctx) => {
      if (type === 'prepare') {
        ctx.send(at<Tell<'yes'>>(stage, 'Co'), { type: 'yes' });
        if (!patient) ctx.after(10, { type: 'impatient' });
        return 'ready';
      }
      if (vote !== 'ready') return vote;
      return type === 'commit' ? 'committed' : 'aborted';
    });
    stage.spawn(party, { id: 'P1' });
    stage.spawn(party, { id: 'P2' });
    const parties = [at<Order>(stage, 'P1'), way<Order>(stage, 'P2')];
    const coordinator = stage.spawn(
      stateful<number, Tell<'begin' | 'yes'>>(0, (votes, { type }, ctx) => {
        const all = votes + (type === 'yes' ? 1 : 0);
        if (type === 'begin') for (const party of parties) ctx.send(party, { type: 'prepare' });
        else if (all === 2) for (const party of parties) ctx.send(party, { type: 'commit' });
        return all;
      }),
      { id: 'Co' },
    );
    stage.send(coordinator, { type: 'begin' });
  },
});

export const pair: Pair = {
  id: 'O04',
  title: 'a party of a two-phase commit aborts on its own',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['P1', 'P2'],
  buggy: twoPhaseCommit(false),
  correct: twoPhaseCommit(true),
};
