import type { AnyActorRef } from 'xstate';
import { Completion, type Rate } from '../workload.ts';

/** By hand: the observer of an actor's error makes the next one. */
export function restartOf(create: () => AnyActorRef): Rate {
  const completion = new Completion();
  let ups = 0;
  let goal = 0;
  const up = (): void => {
    ups += 1;
    const actor = create();
    actor.subscribe({ error: () => queueMicrotask(up) });
    actor.start();
    if (ups > goal) {
      completion.done(ups - 1);
      actor.stop();
    } else actor.send({ type: 'crash' });
  };
  return (restarts) =>
    completion.after(() => {
      ups = 0;
      goal = restarts;
      up();
    });
}
