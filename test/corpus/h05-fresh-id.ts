/**
 * H05: a retry with a fresh id.
 *
 * The server needs 25 ms for a request and the client asks again every 10 ms. The buggy client gives
 * each try an id of its own and takes an answer for the last try only: it may come too late every
 * time. The correct one keeps the id, so any answer is the answer.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Numbered<T extends string> = { readonly type: T; readonly id: number };

interface Server {
  readonly busy: number | undefined;
  readonly next: number | undefined;
}

const retrying = (name: string, fresh: (id: number) => number): Scenario => ({
  name,
  setup(stage) {
    task('call');
    const server = stage.spawn(
      stateful<Server, Numbered<'req'> | Tell<'fin'>>(
        { busy: undefined, next: undefined },
        ({ busy, next }, event, ctx) => {
          if (event.type === 'req') {
            if (busy !== undefined) return { busy, next: event.id === busy ? next : event.id };
            ctx.after(25, { type: 'fin' });
            return { busy: event.id, next };
          }
          if (busy !== undefined)
            ctx.send(at<Numbered<'rep'>>(stage, 'Cl'), { type: 'rep', id: busy });
          if (next !== undefined) ctx.after(25, { type: 'fin' });
          return { busy: next, next: undefined };
        },
      ),
      { id: 'Sv' },
    );
    const client = stage.spawn(
      stateful<number, Tell<'go' | 'again'> | Numbered<'rep'>>(0, (id, event, ctx) => {
        if (event.type === 'rep') {
          if (event.id !== id) return id;
          ctx.cancel('retry');
          done('call');
          return id;
        }
        const now = event.type === 'go' ? id : fresh(id);
        ctx.send(server, { type: 'req', id: now });
        ctx.after(10, { type: 'again' }, { id: 'retry' });
        return now;
      }),
      { id: 'Cl' },
    );
    stage.send(client, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'H05',
  title: 'a retry with a fresh id',
  expected: ['LIVELOCK'],
  e: 1,
  culprits: ['Cl', 'Sv'],
  buggy: retrying('H05 buggy', (id) => (id + 1) % 3),
  correct: retrying('H05 correct', (id) => id),
};
