import type { AnyActorRef } from 'xstate';
import { Completion, WAVE, type Rate } from '../workload.ts';
import { start } from './start.ts';

type ToDriver = { readonly type: 'start' } | { readonly type: 'done' } | { readonly type: 'wave' };

/** The parent of `forkjoin-create`, for children of either kind; they run while they are created. */
export function fork(create: (from: AnyActorRef) => void): Rate {
  const completion = new Completion();
  let done = 0;
  let goal = 0;
  const driver = start(0, (state, event: ToDriver, from) => {
    if (event.type === 'done') done += 1;
    if (done === goal) completion.done(done);
    else if (done % WAVE === 0) for (let i = 0; i < WAVE; i += 1) create(from);
    return state;
  });
  return (children) =>
    completion.after(() => {
      done = 0;
      goal = children;
      driver.send({ type: 'start' });
    });
}
