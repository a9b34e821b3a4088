import { dispatch, spawn, start, type Ref } from 'nact';
import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';

type Ok = { readonly type: 'ok' };
type Item = { readonly type: 'item'; readonly item: number };
type ToBuffer =
  | { readonly type: 'put'; readonly item: number; readonly from: Ref<Ok> }
  | { readonly type: 'get'; readonly from: Ref<Item> };

/** By hand, as its mailboxes have no bound: the buffer acknowledges an item once there is room. */
export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  let goal = 0;
  let count = 0;
  const items: number[] = [];
  const hungry: Ref<Item>[] = [];
  const blocked: { readonly item: number; readonly from: Ref<Ok> }[] = [];
  const buffer = spawn(system, (_: undefined, event: ToBuffer) => {
    if (event.type === 'put') {
      const consumer = hungry.shift();
      if (consumer !== undefined) dispatch(consumer, { type: 'item', item: event.item });
      else if (items.length < ROOM) items.push(event.item);
      else {
        blocked.push(event);
        return undefined;
      }
      dispatch(event.from, { type: 'ok' });
      return undefined;
    }
    const item = items.shift();
    if (item === undefined) {
      hungry.push(event.from);
      return undefined;
    }
    dispatch(event.from, { type: 'item', item });
    const waiting = blocked.shift();
    if (waiting === undefined) return undefined;
    items.push(waiting.item);
    dispatch(waiting.from, { type: 'ok' });
    return undefined;
  });
  type ToProducer = { readonly type: 'start'; readonly items: number } | Ok;
  const producers = Array.from({ length: PRODUCERS }, (_, i) =>
    spawn(
      system,
      (before: number, event: ToProducer, { self }) => {
        const left = event.type === 'start' ? event.items : before;
        if (left === 0) return 0;
        dispatch(buffer, { type: 'put', item: left, from: self });
        return left - 1;
      },
      `p${i}`,
      { initialState: 0 },
    ),
  );
  for (let i = 0; i < PRODUCERS; i += 1) {
    const consumer = spawn(
      system,
      (sum: number, { item }: Item, { self }) => {
        count += 1;
        if (count === goal) completion.done(count);
        dispatch(buffer, { type: 'get', from: self });
        return (sum + item) | 0;
      },
      `c${i}`,
      { initialState: 0 },
    );
    dispatch(buffer, { type: 'get', from: consumer });
  }
  return (operations) =>
    completion.after(() => {
      goal = operations;
      count = 0;
      for (const producer of producers) {
        dispatch(producer, { type: 'start', items: operations / PRODUCERS });
      }
    });
}
