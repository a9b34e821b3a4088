import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Message = { readonly type: 'ping'; readonly from: Cell<Message> } | { readonly type: 'pong' };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let quota = 0;
  let count = 0;
  let busy = 0;
  const workers = Array.from({ length: CROWD }, (_, i): Cell<Message> => {
    let seed = i + 1;
    let pongs = -1;
    const self: Cell<Message> = new Cell<Message>((message) => {
      if (message.type === 'ping') {
        message.from.send({ type: 'pong' });
        return;
      }
      pongs += 1;
      if (pongs === quota) {
        count += pongs;
        pongs = -1;
        busy -= 1;
        if (busy === 0) completion.done(count);
        return;
      }
      seed = nextRandom(seed);
      workers[seed % CROWD]!.send({ type: 'ping', from: self });
    });
    return self;
  });
  return (operations) =>
    completion.after(() => {
      quota = operations / CROWD;
      count = 0;
      busy = CROWD;
      for (const worker of workers) worker.send({ type: 'pong' });
    });
}
