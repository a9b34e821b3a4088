import { Deferred, Effect, Queue } from 'effect';
import type { Rate } from '../workload.ts';
import { start } from './actor.ts';

type Next = { readonly answer: Deferred.Deferred<number> };

export async function open(): Promise<Rate> {
  let number = 0;
  const server = start<Next>(({ answer }) => {
    number += 1;
    return Deferred.succeed(answer, number);
  });
  const ask = Effect.gen(function* () {
    const answer = yield* Deferred.make<number>();
    yield* Queue.offer(server, { answer });
    return yield* Deferred.await(answer);
  });
  return (asks) => {
    number = 0;
    const all = Effect.gen(function* () {
      let last = 0;
      for (let i = 0; i < asks; i += 1) last = yield* ask;
      return last;
    });
    return Effect.runPromise(all);
  };
}
