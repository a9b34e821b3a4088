import { Effect, Queue } from 'effect';
import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

type Message = { readonly type: 'ping'; readonly from: Inbox<Message> } | { readonly type: 'pong' };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const workers: Inbox<Message>[] = [];
  let quota = 0;
  let count = 0;
  let busy = 0;
  for (let i = 0; i < CROWD; i += 1) {
    let seed = i + 1;
    let pongs = -1;
    const self: Inbox<Message> = start<Message>((message) => {
      if (message.type === 'ping') return Queue.offer(message.from, { type: 'pong' });
      pongs += 1;
      if (pongs < quota) {
        seed = nextRandom(seed);
        return Queue.offer(workers[seed % CROWD]!, { type: 'ping', from: self });
      }
      count += pongs;
      pongs = -1;
      busy -= 1;
      if (busy === 0) completion.done(count);
      return Effect.void;
    });
    workers.push(self);
  }
  return (operations) =>
    completion.after(() => {
      quota = operations / CROWD;
      count = 0;
      busy = CROWD;
      for (const worker of workers) post(worker, { type: 'pong' });
    });
}
