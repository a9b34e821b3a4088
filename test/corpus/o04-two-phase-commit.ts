import { fromHandler, type Ref } from 'troupe';
import type { Scenario, World } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Event =
  | { type: 'begin' }
  | { type: 'prep' }
  | { type: 'yes' }
  | { type: 'commit' }
  | { type: 'impatient' };
type Vote = 'idle' | 'ready' | 'committed' | 'aborted';

const PARTIES = ['P1', 'P2'];

/** Who has said yes is bound by it; the buggy parties abort all the same when they have waited for 10 ms. */
const program = (impatient: boolean): Scenario => ({
  name: 'O04 two-phase commit with a unilateral abort',
  eventually: {
    'all commit or all abort': (world: World) => {
      const ends = PARTIES.map((id) => world.state<Vote>(id));
      return !(ends.includes('committed') && ends.includes('aborted'));
    },
  },
  setup({ spawn, send }) {
    const coordinator: Ref<Event> = spawn(
      fromHandler({
        initial: () => 0,
        receive(votes: number, event: Event, ctx) {
          if (event.type === 'begin')
            for (const party of parties) ctx.send(party, { type: 'prep' });
          if (event.type !== 'yes') return votes;
          if (votes === 1) for (const party of parties) ctx.send(party, { type: 'commit' });
          return votes + 1;
        },
      }),
      { id: 'Co' },
    );
    const parties: Ref<Event>[] = PARTIES.map((id) =>
      spawn(
        fromHandler({
          initial: () => 'idle' as Vote,
          receive(vote: Vote, event: Event, ctx): Vote {
            if (event.type === 'prep') {
              ctx.send(coordinator, { type: 'yes' });
              if (impatient) ctx.after(10, { type: 'impatient' });
              return 'ready';
            }
            if (vote !== 'ready') return vote;
            return event.type === 'commit' ? 'committed' : 'aborted';
          },
        }),
        { id },
      ),
    );
    send(coordinator, { type: 'begin' });
  },
});

export const pair: Pair = {
  id: 'O04',
  title: 'a party of a two-phase commit aborts after its yes',
  expected: ['SAFETY'],
  e: 1,
  culprits: PARTIES,
  buggy: program(true),
  correct: program(false),
};
