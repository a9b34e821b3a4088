import type { AnyActorRef } from 'xstate';
import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';
import { start } from './start.ts';

type ToBuffer =
  | { readonly type: 'put'; readonly item: number; readonly from: AnyActorRef }
  | { readonly type: 'get'; readonly from: AnyActorRef };

/** By hand, as its mailboxes have no bound: the buffer acknowledges an item once there is room. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  let count = 0;
  const items: number[] = [];
  const hungry: AnyActorRef[] = [];
  const blocked: { readonly item: number; readonly from: AnyActorRef }[] = [];
  const buffer = start(0, (state, event: ToBuffer) => {
    if (event.type === 'put') {
      const consumer = hungry.shift();
      if (consumer !== undefined) consumer.send({ type: 'item', item: event.item });
      else if (items.length < ROOM) items.push(event.item);
      else {
        blocked.push(event);
        return state;
      }
      event.from.send({ type: 'ok' });
      return state;
    }
    const item = items.shift();
    if (item === undefined) {
      hungry.push(event.from);
      return state;
    }
    event.from.send({ type: 'item', item });
    const waiting = blocked.shift();
    if (waiting === undefined) return state;
    items.push(waiting.item);
    waiting.from.send({ type: 'ok' });
    return state;
  });
  type ToProducer = { readonly type: 'start'; readonly items: number } | { readonly type: 'ok' };
  const producers = Array.from({ length: PRODUCERS }, () =>
    start(0, (before, event: ToProducer, from) => {
      const left = event.type === 'start' ? event.items : before;
      if (left === 0) return 0;
      buffer.send({ type: 'put', item: left, from });
      return left - 1;
    }),
  );
  for (let i = 0; i < PRODUCERS; i += 1) {
    const consumer = start(
      0,
      (sum, { item }: { readonly type: 'item'; readonly item: number }, from) => {
        count += 1;
        if (count === goal) completion.done(count);
        buffer.send({ type: 'get', from });
        return (sum + item) | 0;
      },
    );
    buffer.send({ type: 'get', from: consumer });
  }
  return (operations) =>
    completion.after(() => {
      goal = operations;
      count = 0;
      for (const producer of producers) {
        producer.send({ type: 'start', items: operations / PRODUCERS });
      }
    });
}
