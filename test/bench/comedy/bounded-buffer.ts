import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

interface Put {
  readonly item: number;
  readonly from: ActorRef;
}

/** By hand, as its mailboxes have no bound: the buffer acknowledges an item once there is room. */
export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  let goal = 0;
  let count = 0;
  let perProducer = 0;
  const items: number[] = [];
  const hungry: ActorRef[] = [];
  const blocked: Put[] = [];
  const buffer = await root.createChild({
    put: (put: Put) => {
      const consumer = hungry.shift();
      if (consumer !== undefined) post(consumer, 'item', put.item);
      else if (items.length < ROOM) items.push(put.item);
      else {
        blocked.push(put);
        return;
      }
      post(put.from, 'ok');
    },
    get: (from: ActorRef) => {
      const item = items.shift();
      if (item === undefined) {
        hungry.push(from);
        return;
      }
      post(from, 'item', item);
      const waiting = blocked.shift();
      if (waiting === undefined) return;
      items.push(waiting.item);
      post(waiting.from, 'ok');
    },
  });
  const producers: ActorRef[] = [];
  for (let i = 0; i < PRODUCERS; i += 1) {
    let made = 0;
    const producer: ActorRef = await root.createChild({
      ok: () => {
        if (made === perProducer) {
          made = 0;
          return;
        }
        made += 1;
        post(buffer, 'put', { item: made, from: producer });
      },
    });
    producers.push(producer);
    let sum = 0;
    const consumer: ActorRef = await root.createChild({
      item: (item: number) => {
        sum = (sum + item) | 0;
        count += 1;
        if (count === goal) completion.done(count);
        post(buffer, 'get', consumer);
      },
    });
    post(buffer, 'get', consumer);
  }
  return (operations) =>
    completion.after(() => {
      goal = operations;
      count = 0;
      perProducer = operations / PRODUCERS;
      for (const producer of producers) post(producer, 'ok');
    });
}
