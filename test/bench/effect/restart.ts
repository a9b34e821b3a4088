import { Effect, Queue } from 'effect';
import { Completion, type Rate } from '../workload.ts';
import { makeInbox, post, start, type Inbox } from './actor.ts';

/** A fiber that fails is retried for ever; it is up when it begins again. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let ups = 0;
  let goal = 0;
  const inbox = makeInbox<string>();
  const driver: Inbox<string> = start<string>(() => {
    ups += 1;
    if (ups <= goal) return Queue.offer(inbox, 'crash');
    return Effect.sync(() => completion.done(ups - 1));
  });
  const life = Effect.gen(function* () {
    yield* Queue.offer(driver, 'up');
    const message = yield* Queue.take(inbox);
    return yield* Effect.fail(new Error(message));
  });
  let isUp = false;
  return (restarts) =>
    completion.after(() => {
      ups = 0;
      goal = restarts;
      if (isUp) post(driver, 'again');
      else Effect.runFork(Effect.eventually(life));
      isUp = true;
    });
}
