import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type ToBuffer =
  | { readonly type: 'put'; readonly item: number; readonly from: Cell<'ok'> }
  | { readonly type: 'get'; readonly from: Cell<number> };

/** By hand: the buffer acknowledges an item once there is room, and answers a consumer once it has one. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  let count = 0;
  let perProducer = 0;
  const items: number[] = [];
  const hungry: Cell<number>[] = [];
  const blocked: { readonly item: number; readonly from: Cell<'ok'> }[] = [];
  const buffer = new Cell<ToBuffer>((message) => {
    if (message.type === 'put') {
      const consumer = hungry.shift();
      if (consumer !== undefined) consumer.send(message.item);
      else if (items.length < ROOM) items.push(message.item);
      else {
        blocked.push(message);
        return;
      }
      message.from.send('ok');
      return;
    }
    const item = items.shift();
    if (item === undefined) {
      hungry.push(message.from);
      return;
    }
    message.from.send(item);
    const waiting = blocked.shift();
    if (waiting === undefined) return;
    items.push(waiting.item);
    waiting.from.send('ok');
  });
  const producers = Array.from({ length: PRODUCERS }, () => {
    let made = 0;
    const self: Cell<'ok'> = new Cell<'ok'>(() => {
      if (made === perProducer) {
        made = 0;
        return;
      }
      made += 1;
      buffer.send({ type: 'put', item: made, from: self });
    });
    return self;
  });
  for (let i = 0; i < PRODUCERS; i += 1) {
    let sum = 0;
    const self: Cell<number> = new Cell<number>((item) => {
      sum = (sum + item) | 0;
      count += 1;
      if (count === goal) completion.done(count);
      buffer.send({ type: 'get', from: self });
    });
    buffer.send({ type: 'get', from: self });
  }
  return (operations) =>
    completion.after(() => {
      goal = operations;
      count = 0;
      perProducer = operations / PRODUCERS;
      for (const producer of producers) producer.send('ok');
    });
}
