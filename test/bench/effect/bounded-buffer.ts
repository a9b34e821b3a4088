import { Effect, Queue } from 'effect';
import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';

/** Its bounded queue suspends whoever offers to a full one: producers and consumers are fibers. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  let count = 0;
  const buffer = Effect.runSync(Queue.bounded<number>(ROOM));
  const consume = Effect.gen(function* () {
    let sum = 0;
    for (;;) {
      sum = (sum + (yield* Queue.take(buffer))) | 0;
      count += 1;
      if (count === goal) completion.done(count);
    }
  });
  const produce = (items: number) =>
    Effect.gen(function* () {
      for (let i = 0; i < items; i += 1) yield* Queue.offer(buffer, i);
    });
  for (let i = 0; i < PRODUCERS; i += 1) Effect.runFork(consume);
  return (operations) =>
    completion.after(() => {
      goal = operations;
      count = 0;
      for (let i = 0; i < PRODUCERS; i += 1) Effect.runFork(produce(operations / PRODUCERS));
    });
}
