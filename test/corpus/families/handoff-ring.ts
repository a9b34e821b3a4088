/**
 * X4: a ring of n agents that hand a number round until it is 0. An even agent makes it less by one;
 * an odd one leaves it, or, in the buggy ring, undoes what the even one has done.
 */
import { choose, done, task, type Scenario } from 'troupe/simulation';
import { agent, at } from '../notation.ts';

type Hand = { readonly type: 'hand'; readonly v: number };

export function handoffRing(n: number, odd: 'undoes' | 'leaves'): Scenario {
  return {
    name: `a ring of ${n}, the odd ${odd} it`,
    setup(stage) {
      task('t');
      for (let index = 0; index < n; index += 1) {
        const change = index % 2 === 0 ? -1 : odd === 'undoes' ? 1 : 0;
        stage.spawn(
          agent<Hand>(({ v }, ctx) => {
            if (v === 0) done('t');
            else ctx.send(at<Hand>(stage, `R${(index + 1) % n}`), { type: 'hand', v: v + change });
          }),
          { id: `R${index}` },
        );
      }
      stage.send(at<Hand>(stage, 'R0'), { type: 'hand', v: choose('v', [0, 1, 2, 3]) });
    },
  };
}
