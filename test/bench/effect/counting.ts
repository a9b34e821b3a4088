import { Effect, Queue } from 'effect';
import { BATCH, Completion, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

type ToCounter =
  { readonly type: 'increment' } | { readonly type: 'read'; readonly from: Inbox<number> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const batch = Array.from({ length: BATCH }, (_, i) => i);
  let total = 0;
  let goal = 0;
  const counter = start<ToCounter>((message) =>
    message.type === 'increment'
      ? Effect.sync(() => (total += 1))
      : Queue.offer(message.from, total),
  );
  const producer: Inbox<number> = start<number>((count) =>
    count >= goal
      ? Effect.sync(() => completion.done(count))
      : Effect.andThen(
          Effect.forEach(batch, () => Queue.offer(counter, { type: 'increment' }), {
            discard: true,
          }),
          Queue.offer(counter, { type: 'read', from: producer }),
        ),
  );
  return (sends) =>
    completion.after(() => {
      total = 0;
      goal = sends;
      post(producer, 0);
    });
}
