import { Effect, Queue } from 'effect';
import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

type Work = { readonly from: Inbox<number> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  let total = 0;
  let busy = 0;
  const workers = Array.from({ length: WORKERS }, () => {
    let count = 0;
    return start<Work>(({ from }) => {
      count += 1;
      if (count < MESSAGES) return Effect.void;
      count = 0;
      return Queue.offer(from, MESSAGES);
    });
  });
  const turns = Array.from({ length: MESSAGES }, () => workers).flat();
  const driver: Inbox<number> = start<number>((count) => {
    total += count;
    busy -= 1;
    if (busy > 0) return Effect.void;
    if (count > 0 && total >= goal) return Effect.sync(() => completion.done(total));
    busy = WORKERS;
    return Effect.forEach(turns, (worker) => Queue.offer(worker, { from: driver }), {
      discard: true,
    });
  });
  return (messages) =>
    completion.after(() => {
      goal = messages;
      total = 0;
      busy = 0;
      post(driver, 0);
    });
}
