/**
 * S03: a busy poll for a flag that nobody sets.
 *
 * The consumer polls until it has seen the flag, and only then tells the producer that it is ready;
 * the producer sets the flag only when it is told. In the correct program somebody else tells the
 * producer to go: the consumer may spin for long, but not for ever.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { agent, at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

const polling = (name: string, goes: boolean): Scenario => ({
  name,
  setup(stage) {
    task('consumed');
    const pr = stage.spawn(
      agent<Tell<'ready' | 'go'>>((_event, ctx) =>
        ctx.send(at<Tell<'flag'>>(stage, 'Cn'), { type: 'flag' }),
      ),
      { id: 'Pr' },
    );
    const cn = stage.spawn(
      stateful<boolean, Tell<'poll' | 'flag'>>(false, (isSet, event, ctx) => {
        if (event.type === 'flag') return true;
        if (isSet) {
          ctx.send(pr, { type: 'ready' });
          done('consumed');
        } else ctx.send(ctx.self, { type: 'poll' });
        return isSet;
      }),
      { id: 'Cn' },
    );
    stage.send(cn, { type: 'poll' });
    if (goes) stage.send(pr, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'S03',
  title: 'a busy poll for a flag that nobody sets',
  expected: ['LIVELOCK'],
  e: 0,
  culprits: ['Cn'],
  buggy: polling('S03 buggy', false),
  correct: polling('S03 correct', true),
};
