import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  const workers: ActorRef[] = [];
  let quota = 0;
  let count = 0;
  let busy = 0;
  for (let i = 0; i < CROWD; i += 1) {
    let seed = i + 1;
    let pongs = -1;
    const worker: ActorRef = await root.createChild({
      ping: (from: ActorRef) => post(from, 'pong'),
      pong: () => {
        pongs += 1;
        if (pongs === quota) {
          count += pongs;
          pongs = -1;
          busy -= 1;
          if (busy === 0) completion.done(count);
          return;
        }
        seed = nextRandom(seed);
        post(workers[seed % CROWD]!, 'ping', worker);
      },
    });
    workers.push(worker);
  }
  return (operations) =>
    completion.after(() => {
      quota = operations / CROWD;
      count = 0;
      busy = CROWD;
      for (const worker of workers) post(worker, 'pong');
    });
}
