/**
 * X6: numbers that roll over. A client numbers its tries modulo M, and gives up on a try after 10 ms
 * at most M times. The answer to the first try then bears the number of the last one, if it has
 * been under way all the time. The correct client does not number modulo anything.
 */
import { assert, done, task, type Scenario } from 'troupe/simulation';
import { agent, at, stateful, type Tell } from '../notation.ts';

type Try = { readonly type: 'try'; readonly number: number; readonly attempt: number };
type Answer = { readonly type: 'answer'; readonly number: number; readonly attempt: number };

/** @param modulus the M; it takes as many timeouts before an answer comes. */
export function rollover(modulus: number, numbers: 'roll over' | 'grow'): Scenario {
  return {
    name: `numbers that ${numbers}, ${modulus} timeouts`,
    setup(stage) {
      stage.spawn(
        agent<Try>(({ number, attempt }, ctx) =>
          ctx.send(at<Answer>(stage, 'Cl'), { type: 'answer', number, attempt }),
        ),
        { id: 'Sv' },
      );
      const numberOf = (attempt: number): number =>
        numbers === 'grow' ? attempt : attempt % modulus;
      const client = stage.spawn(
        stateful<number, Answer | Tell<'go' | 'late'>>(-1, (current, event, ctx) => {
          if (current === Infinity) return current;
          if (event.type === 'answer') {
            if (event.number !== numberOf(current)) return current;
            assert(
              event.attempt === current,
              `the answer to try ${event.attempt} is taken for that to try ${current}`,
            );
            ctx.cancel('late');
            done('answered');
            return Infinity;
          }
          const attempt = current + 1;
          const message: Try = { type: 'try', number: numberOf(attempt), attempt };
          ctx.send(at<Try>(stage, 'Sv'), message);
          if (attempt < modulus) ctx.after(10, { type: 'late' }, { id: 'late' });
          return attempt;
        }),
        { id: 'Cl' },
      );
      task('answered');
      stage.send(client, { type: 'go' });
    },
  };
}
