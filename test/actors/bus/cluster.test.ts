// The bus between nodes: whoever is cut off gets all of it later, and does nothing twice.

import type { Ref, System } from 'troupe';
import {
  eventBus,
  once,
  perform,
  performer,
  publish,
  workLog,
  type BusEvent,
  type BusMessage,
  type Task,
} from 'troupe/actors';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Stage, outcome } from '../../transport/cast.ts';

type Member = { system: System; node: ClusterNode };

let stage: Stage;
let hub: Member;
let shop: Member;
let desk: Member;
/** What was done, in order, and what was done that had been done before. */
let done: string[];
let calls: number;

beforeEach(async () => {
  stage = new Stage();
  hub = await stage.join('hub');
  shop = await stage.join('shop', { seeds: ['memory:hub'] });
  desk = await stage.join('desk', { seeds: ['memory:hub'] });
  done = [];
  calls = 0;
  hub.system.spawn(eventBus(), { id: 'bus' });
  const log = shop.system.spawn(workLog());
  const charge = performer('charge', function* ({ input }: Task<BusEvent<string>>, run) {
    calls += 1;
    return yield* once(run, log, input.id, function* () {
      yield* run.sleep(50);
      done.push(input.payload);
    });
  });
  shop.system.spawn(charge, { id: 'charge' });
  await stage.advance(10);
  const spec = { topics: ['order.*'], performer: shop.node.ref('shop/charge') as never };
  const bus = shop.node.ref('hub/bus') as Ref<BusMessage>;
  const subscribed = outcome(bus.ask({ type: 'subscribe', id: 'charge', spec }));
  await stage.advance(10);
  expect(subscribed.value).toEqual({ type: 'subscribed' });
});
afterEach(() => stage.stop());

const tell = (number: number) => {
  const bus = hub.system.ref('/bus') as Ref<BusMessage>;
  const event = { topic: 'order.placed', payload: `${number}`, key: 'k', id: `e${number}` };
  return bus.ask({ type: 'publish', event });
};
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${from + at}`);

it('publisher, bus and subscriber may live on three nodes', async () => {
  const bus = desk.node.ref('hub/bus') as Ref<BusMessage>;
  const event = { topic: 'order.placed', payload: '1' };
  const published = outcome(bus.ask({ type: 'publish', event }));
  await stage.advance(100);
  expect(published.value).toMatchObject({ subscriptions: 1 });
  expect(done).toEqual(['1']);
});

it('a subscriber that is cut off gets everything when the cut has healed, in order, once', async () => {
  for (let number = 1; number <= 5; number += 1) void tell(number);
  await stage.advance(120);
  stage.network.cut('hub', 'shop');
  for (let number = 6; number <= 20; number += 1) void tell(number);
  await stage.advance(60_000);
  // What was under way is done by then, or was stopped when the hub was lost; no more can have come.
  expect(done.length).toBeLessThan(5);
  stage.network.heal('hub', 'shop');
  await stage.advance(120_000);
  expect(done).toEqual(numbers(1, 20));
});

it('what was done before its acknowledgement was lost is not done again', async () => {
  void tell(1);
  await stage.advance(30);
  // It is under way now; what it says when it is done reaches nobody.
  stage.network.cut('shop', 'hub');
  await stage.advance(60_000);
  expect(done).toEqual(['1']);
  stage.network.heal('shop', 'hub');
  await stage.advance(60_000);
  expect({ done, calls }).toEqual({ done: ['1'], calls: 2 });
});

it('a publisher that is cut off publishes when the cut has healed, once', async () => {
  const bus = desk.node.ref('hub/bus') as Ref<BusMessage>;
  const till = performer('till', (_: Task<string>, run) =>
    publish(run, bus, { topic: 'order.placed', payload: '1', id: 'e1' }),
  );
  // The bus gets the event, and its answer is lost.
  stage.network.way('hub', 'desk').loses = () => true;
  const options = { deadlineMs: 600_000 };
  const sold = outcome(perform(desk.system, till, { goal: 'sell', input: '' }, options));
  await stage.advance(60_000);
  expect(done).toEqual(['1']);
  expect(sold.value).toBeUndefined();
  stage.network.heal('hub', 'desk');
  await stage.advance(60_000);
  expect(sold.value).toMatchObject({ status: 'done', output: { isRepeated: true } });
  expect(done).toEqual(['1']);
});

it('a link that ends in the midst of the work loses nothing, and repeats nothing that was done', async () => {
  for (let number = 1; number <= 5; number += 1) void tell(number);
  await stage.advance(120);
  stage.network.sever('hub', 'shop');
  await stage.advance(60_000);
  expect(done).toEqual(numbers(1, 5));
});
