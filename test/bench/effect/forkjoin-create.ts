import { Effect, Queue } from 'effect';
import { Completion, WAVE, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

/** A child is a fiber with a queue, handles one message and is done. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  const wave = Array.from({ length: WAVE }, (_, i) => i);
  let done = 0;
  let goal = 0;
  const create = Effect.gen(function* () {
    const inbox = yield* Queue.unbounded<Inbox<number>>();
    yield* Effect.forkDetach(Effect.flatMap(Queue.take(inbox), (from) => Queue.offer(from, 1)));
    yield* Queue.offer(inbox, driver);
  });
  const driver: Inbox<number> = start<number>((ended) => {
    done += ended;
    if (done === goal) return Effect.sync(() => completion.done(done));
    if (done % WAVE !== 0) return Effect.void;
    return Effect.forEach(wave, () => create, { discard: true });
  });
  return (children) =>
    completion.after(() => {
      done = 0;
      goal = children;
      post(driver, 0);
    });
}
