import { Effect, Queue } from 'effect';
import type { Fill } from '../workload.ts';
import { end, handleAll, makeInbox } from './actor.ts';

export async function open(): Promise<Fill> {
  return async (agents) => {
    let count = 0;
    let fibers = Array.from({ length: agents }, () => {
      const inbox = makeInbox<number>();
      let sum = 0;
      const fiber = Effect.runFork(
        handleAll(inbox, (amount) =>
          Effect.sync(() => {
            sum += amount;
            count += sum;
          }),
        ),
      );
      Effect.runFork(Queue.offer(inbox, 1));
      return fiber;
    });
    while (count < agents) await new Promise((resolve) => setImmediate(resolve));
    return {
      count,
      release: () => {
        for (const fiber of fibers) end(fiber);
        fibers = [];
      },
    };
  };
}
