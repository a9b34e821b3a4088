/**
 * H08: gossip that echoes. Each of three nodes tells the others all that it hears, and what it hears
 * is what it told them. The correct ones tell it once.
 */
import type { Scenario } from 'troupe/simulation';
import { at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

const NODES = ['N0', 'N1', 'N2'];

const gossip = (name: string, isNews: (seen: boolean) => boolean): Scenario => ({
  name,
  queuedMax: 10,
  setup(stage) {
    for (const id of NODES)
      stage.spawn(
        stateful<boolean, Tell<'b'>>(false, (seen, event, ctx) => {
          if (isNews(seen))
            for (const other of NODES)
              if (other !== id) ctx.send(at<Tell<'b'>>(stage, other), event);
          return true;
        }),
        { id },
      );
    stage.send(at<Tell<'b'>>(stage, 'N0'), { type: 'b' });
  },
});

export const pair: Pair = {
  id: 'H08',
  title: 'gossip that echoes',
  expected: ['OVERLOAD'],
  e: 0,
  culprits: NODES,
  buggy: gossip('H08 buggy', () => true),
  correct: gossip('H08 correct', (seen) => !seen),
};
