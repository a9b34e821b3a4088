/**
 * X5: n philosophers at a round table, each of whom takes one fork, then the other. When all have
 * taken their first, each waits for ever for the second. When one of them takes them in the other
 * order, somebody always gets both.
 */
import type { Scenario } from 'troupe/simulation';
import { done, task } from 'troupe/simulation';
import { at, ok, stateful, type Request, type Tell } from '../notation.ts';

interface Fork {
  readonly taken: boolean;
  readonly queue: readonly Request<'take'>[];
}

/** A fork is given to one at a time; whoever comes too early waits in a queue for it. */
const fork = stateful<Fork, Request<'take'> | Tell<'put'>>(
  { taken: false, queue: [] },
  ({ taken, queue }, event, ctx) => {
    if (event.type === 'take') {
      if (taken) {
        ctx.defer(event);
        return { taken, queue: [...queue, event] };
      }
      ctx.reply(event, ok);
      return { taken: true, queue };
    }
    const [next, ...rest] = queue;
    if (next === undefined) return { taken: false, queue };
    ctx.reply(next, ok);
    return { taken: true, queue: rest };
  },
);

/** Philosopher Pi uses the forks Fi and Fi+1; `ordered` ones take the fork with the lower number first. */
export function philosophers(n: number, order: 'cyclic' | 'ordered'): Scenario {
  return {
    name: `${n} philosophers, ${order}`,
    setup(stage) {
      for (let index = 0; index < n; index += 1) {
        stage.spawn(fork, { id: `F${index}` });
        task(`p${index}`);
      }
      for (let index = 0; index < n; index += 1) {
        const own = [index, (index + 1) % n];
        const [one, other] = order === 'cyclic' ? own : own.toSorted((a, b) => a - b);
        const first = at<Request<'take'> | Tell<'put'>>(stage, `F${one}`);
        const second = at<Request<'take'> | Tell<'put'>>(stage, `F${other}`);
        stage.client(`P${index}`, function* (ctx) {
          yield* ctx.ask(first, { type: 'take' });
          yield* ctx.ask(second, { type: 'take' });
          ctx.send(first, { type: 'put' });
          ctx.send(second, { type: 'put' });
          done(`p${index}`);
        });
      }
    },
  };
}
