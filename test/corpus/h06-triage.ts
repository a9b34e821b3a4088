/**
 * H06: triage that goes back to a specialist who has been consulted.
 *
 * S1 never solves a case, S2 may. T chooses one of them each time, and the worst choice never ends.
 * The correct T leaves out whoever has seen the case, and hands it to a person when nobody is left.
 */
import { choose, done, task, type Scenario } from 'troupe/simulation';
import { agent, at } from './notation.ts';
import type { Pair } from './pair.ts';

type Specialist = 'S1' | 'S2';
type Case = { readonly type: 'case'; readonly seen: readonly Specialist[] };

const ALL: readonly Specialist[] = ['S1', 'S2'];

const triage = (
  name: string,
  optionsOf: (seen: readonly Specialist[]) => readonly Specialist[],
): Scenario => ({
  name,
  setup(stage) {
    task('case');
    const t = stage.spawn(
      agent<Case>(({ seen }, ctx) => {
        const options = optionsOf(seen);
        if (options.length === 0) done('case');
        else ctx.send(at<Case>(stage, choose('route', options)), { type: 'case', seen });
      }),
      { id: 'T' },
    );
    for (const self of ALL)
      stage.spawn(
        agent<Case>(({ seen }, ctx) => {
          if (self === 'S2' && choose('outcome', ['solved', 'not solved']) === 'solved')
            done('case');
          else
            ctx.send(t, {
              type: 'case',
              seen: ALL.filter((one) => one === self || seen.includes(one)),
            });
        }),
        { id: self },
      );
    stage.send(t, { type: 'case', seen: [] });
  },
});

export const pair: Pair = {
  id: 'H06',
  title: 'triage that goes back to a specialist who has been consulted',
  expected: ['LIVELOCK', 'HANDOFF_LOOP'],
  e: 0,
  culprits: ['T', 'S1', 'S2'],
  buggy: triage('H06 buggy', () => ALL),
  correct: triage('H06 correct', (seen) => ALL.filter((one) => !seen.includes(one))),
};
