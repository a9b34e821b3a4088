/**
 * S01: a mailbox with priorities, in which nothing ever gets older.
 *
 * A tick goes before a job, and each tick brings the next: there is always one that goes before. The
 * priority is made of `postpone`: the job is put aside as long as it is not its turn. The correct W
 * lets the job go first after three ticks.
 */
import { done, progress, task, type Scenario } from 'troupe/simulation';
import { stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

interface Worker {
  /** Ticks since the last job, as far as they count. */
  readonly ticks: number;
  readonly isDone: boolean;
}

const priority = (name: string, ticksMax: number): Scenario => ({
  name,
  setup(stage) {
    task('job');
    const w = stage.spawn(
      stateful<Worker, Tell<'tick' | 'job'>>({ ticks: 0, isDone: false }, (state, event, ctx) => {
        if (event.type === 'job') {
          if (state.ticks < ticksMax) {
            ctx.postpone();
            return state;
          }
          done('job');
          return { ticks: 0, isDone: true };
        }
        progress();
        if (state.isDone) return state;
        ctx.send(ctx.self, { type: 'tick' });
        return ticksMax === Infinity || state.ticks === ticksMax
          ? state
          : { ...state, ticks: state.ticks + 1 };
      }),
      { id: 'W' },
    );
    stage.send(w, { type: 'tick' });
    stage.send(w, { type: 'job' });
  },
});

export const pair: Pair = {
  id: 'S01',
  title: 'a mailbox with priorities, in which nothing gets older',
  expected: ['STARVATION'],
  e: 0,
  culprits: ['W'],
  buggy: priority('S01 buggy', Infinity),
  correct: priority('S01 correct', 3),
};
