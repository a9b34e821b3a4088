// What a bus promises: at least once, in order per key, bounded, and nothing is lost in silence.

import type { Ref } from 'troupe';
import {
  eventBus,
  MemoryBusStore,
  perform,
  performer,
  publish,
  TaskFailed,
  type BusEvent,
  type BusMessage,
  type DeadEvent,
  type EventSpec,
  type SubscriptionSpec,
  type Task,
} from 'troupe/actors';
import { child, supervisor } from 'troupe/supervision';
import { createTestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, it } from 'vitest';

type Handle = (event: BusEvent<string>, attempt: number) => void;

let system: ReturnType<typeof createTestSystem>;
let bus: Ref<BusMessage>;
/** What each subscriber has handled, with the time. */
let handled: string[];

beforeEach(() => {
  system = createTestSystem();
  handled = [];
  bus = system.spawn(eventBus(), { id: 'bus' });
});

/** A subscriber that takes some time for each event and may fail. */
function subscriber(
  name: string,
  { tookMs = 0, handle }: { tookMs?: number; handle?: Handle } = {},
) {
  const attempts = new Map<string, number>();
  const work = performer(
    name,
    function* ({ input }: Task<BusEvent<string>>, run) {
      const attempt = (attempts.get(input.id) ?? 0) + 1;
      attempts.set(input.id, attempt);
      if (tookMs > 0) yield* run.sleep(tookMs);
      handle?.(input, attempt);
      handled.push(`${name} ${input.payload} at ${run.now()}`);
    },
    { concurrency: 100 },
  );
  return system.spawn(work, { id: name });
}

const subscribe = (id: string, spec: SubscriptionSpec<string>) =>
  system.run(bus.ask({ type: 'subscribe', id, spec }));
const tell = (event: EventSpec<string>) => system.run(bus.ask({ type: 'publish', event }));
const letters = async (subscription: string): Promise<readonly DeadEvent[]> =>
  (await system.run(bus.ask({ type: 'deadLetters', subscription }))).letters;
const replay = async (subscription: string, ids?: readonly string[]) =>
  (await system.run(bus.ask({ type: 'replay', subscription, ...(ids !== undefined && { ids }) })))
    .count;

describe('publishing', () => {
  it('reaches every subscription whose topics take it, once each', async () => {
    await subscribe('a', { topics: ['order.*', 'order.paid'], performer: subscriber('a') });
    await subscribe('b', { topics: ['order.>'], performer: subscriber('b') });
    await subscribe('c', { topics: ['stock.*'], performer: subscriber('c') });
    expect(await tell({ topic: 'order.paid', payload: 'x' })).toMatchObject({
      isRepeated: false,
      subscriptions: 2,
    });
    await system.advance(10);
    expect(handled).toEqual(['a x at 0', 'b x at 0']);
  });

  it('is done once for each dedupe key, and tells so', async () => {
    await subscribe('a', { topics: ['>'], performer: subscriber('a') });
    await tell({ topic: 'order.paid', payload: 'x', id: 'e1' });
    await system.advance(10);
    expect(await tell({ topic: 'order.paid', payload: 'x', id: 'e1' })).toEqual({
      type: 'published',
      id: 'e1',
      isRepeated: true,
      subscriptions: 1,
    });
    await system.advance(10);
    expect(handled).toEqual(['a x at 0']);
  });

  it('refuses another event under a dedupe key that is taken', async () => {
    await tell({ topic: 'order.paid', payload: 'x', id: 'e1' });
    await expect(tell({ topic: 'order.paid', payload: 'y', id: 'e1' })).rejects.toThrow(
      'publish.id: given "e1", allowed: an id that no other event has',
    );
  });

  it.each(['', 'a..b', 'a.*', '>', 'a b'])('refuses the topic "%s"', async (topic) => {
    await expect(tell({ topic, payload: 'x' })).rejects.toThrow('publish.topic');
  });

  it('says of each event what it follows from and what it all began with', async () => {
    const events: BusEvent[] = [];
    const chain = performer('chain', function* ({ input }: Task<BusEvent<string>>, run) {
      events.push(input);
      if (input.depth < 2)
        yield* publish(run, bus, { topic: `t${input.depth + 1}`, payload: 'x', cause: input });
    });
    await subscribe('chain', { topics: ['>'], performer: system.spawn(chain) });
    await tell({ topic: 't0', payload: 'x', id: 'first' });
    await system.advance(10);
    expect(events).toMatchObject([
      { id: 'first', causationId: 'first', correlationId: 'first', depth: 0 },
      { id: 'first>t1', causationId: 'first', correlationId: 'first', depth: 1 },
      { id: 'first>t1>t2', causationId: 'first>t1', correlationId: 'first', depth: 2 },
    ]);
  });

  it('two subscribers that answer each other for ever are stopped', async () => {
    let count = 0;
    const echo = performer('echo', function* ({ input }: Task<BusEvent<string>>, run) {
      count += 1;
      const topic = input.topic === 'ping' ? 'pong' : 'ping';
      yield* publish(run, bus, { topic, payload: 'x', cause: input });
    });
    await subscribe('echo', { topics: ['>'], performer: system.spawn(echo) });
    await tell({ topic: 'ping', payload: 'x' });
    await system.advance(100_000);
    expect(count).toBe(65);
    expect(await letters('echo')).toMatchObject([{ failure: { kind: 'hopLimit' } }]);
  });
});

describe('delivery', () => {
  it('keeps the order of each key, and keys do not wait for each other', async () => {
    await subscribe('a', { topics: ['>'], performer: subscriber('a', { tookMs: 10 }) });
    for (const payload of ['x1', 'y1', 'x2', 'x3', 'y2'])
      await tell({ topic: 't', payload, key: payload[0]! });
    await system.advance(100);
    expect(handled).toEqual(['a x1 at 10', 'a y1 at 10', 'a x2 at 20', 'a y2 at 20', 'a x3 at 30']);
  });

  it('works on no more events at a time than the subscription says', async () => {
    const performer = subscriber('a', { tookMs: 10 });
    await subscribe('a', { topics: ['>'], performer, concurrency: 2 });
    for (const payload of ['1', '2', '3']) await tell({ topic: 't', payload });
    await system.advance(100);
    expect(handled).toEqual(['a 1 at 10', 'a 2 at 10', 'a 3 at 20']);
  });

  it('tries again with growing delays, and later events of the key wait for it', async () => {
    const handle: Handle = ({ payload }, attempt) => {
      if (payload === 'x1' && attempt < 3) throw new Error('not yet');
    };
    await subscribe('a', {
      topics: ['>'],
      performer: subscriber('a', { handle }),
      backoff: { minMs: 100, maxMs: 1_000, jitter: 0 },
    });
    for (const payload of ['x1', 'x2', 'y1']) await tell({ topic: 't', payload, key: payload[0]! });
    await system.advance(1_000);
    expect(handled).toEqual(['a y1 at 0', 'a x1 at 300', 'a x2 at 300']);
  });

  it('a subscriber that does not answer has failed after its time', async () => {
    const performer = subscriber('a', { tookMs: 1_000 });
    await subscribe('a', { topics: ['>'], performer, timeoutMs: 50, attemptsMax: 2 });
    await tell({ topic: 't', payload: 'x' });
    await system.advance(1_000);
    expect(await letters('a')).toMatchObject([{ attempts: 2, failure: { kind: 'timeout' } }]);
    expect(handled).toEqual([]);
  });

  it('that a subscriber is away is no attempt: its events wait for it', async () => {
    const performer = subscriber('a');
    await subscribe('a', { topics: ['>'], performer, attemptsMax: 1 });
    await system.run(performer.stop());
    for (const payload of ['x', 'y']) await tell({ topic: 't', payload, key: 'k' });
    await system.advance(60_000);
    expect(await letters('a')).toEqual([]);
    subscriber('a');
    await system.advance(60_000);
    expect(handled.map((line) => line.slice(0, 3))).toEqual(['a x', 'a y']);
  });

  it('whoever subscribes again gets at once what has waited for it', async () => {
    const performer = subscriber('a');
    const spec = { topics: ['>'], performer };
    await subscribe('a', spec);
    await system.run(performer.stop());
    await tell({ topic: 't', payload: 'x' });
    await system.advance(60_000);
    await subscribe('a', { ...spec, performer: subscriber('a') });
    expect(handled).toEqual(['a x at 60000']);
  });

  it('a publisher has no say in how long subscribers may take', async () => {
    await subscribe('a', { topics: ['>'], performer: subscriber('a', { tookMs: 5_000 }) });
    const shop = performer('shop', function* (_: Task<string>, run) {
      yield* publish(run, bus, { topic: 't', payload: 'x' });
      return run.remainingMs;
    });
    await system.run(perform(system, shop, { goal: 'sell', input: '' }, { deadlineMs: 100 }));
    await system.advance(10_000);
    expect(handled).toEqual(['a x at 5000']);
  });
});

describe('dead letters', () => {
  const fails: Handle = ({ payload }) => {
    if (payload === 'bad') throw new TaskFailed({ kind: 'invalidInput', message: 'bad' });
  };

  it('what cannot be done is one, of its subscription alone, and what follows goes on', async () => {
    await subscribe('a', { topics: ['>'], performer: subscriber('a', { handle: fails }) });
    await subscribe('b', { topics: ['>'], performer: subscriber('b') });
    await tell({ topic: 't', payload: 'bad', key: 'k', id: 'e1' });
    await tell({ topic: 't', payload: 'good', key: 'k' });
    await system.advance(10);
    expect(handled.toSorted()).toEqual(['a good at 0', 'b bad at 0', 'b good at 0']);
    expect(await letters('a')).toMatchObject([
      { event: { id: 'e1' }, reason: 'failed', attempts: 1, failure: { message: 'bad' } },
    ]);
    expect(await letters('b')).toEqual([]);
  });

  it('are replayed for that subscription alone: nobody does again what was done', async () => {
    let isFixed = false;
    const handle: Handle = (event, attempt) => isFixed || fails(event, attempt);
    await subscribe('a', { topics: ['>'], performer: subscriber('a', { handle }) });
    await subscribe('b', { topics: ['>'], performer: subscriber('b') });
    await tell({ topic: 't', payload: 'bad', id: 'e1' });
    isFixed = true;
    expect(await replay('a', ['another'])).toBe(0);
    expect(await replay('a')).toBe(1);
    await system.advance(10);
    expect(handled).toEqual(['b bad at 0', 'a bad at 0']);
    expect(await letters('a')).toEqual([]);
    expect(await replay('a')).toBe(0);
  });

  it('the oldest are given up when there are too many, and the log is told', async () => {
    const told: unknown[] = [];
    system.inspect((event) => {
      if (event.type === 'report' && event.report.label === 'bus/lost')
        told.push(event.report.fields);
    });
    const performer = subscriber('a', { handle: fails });
    await subscribe('a', { topics: ['>'], performer, deadLettersMax: 2 });
    for (const id of ['e1', 'e2', 'e3']) await tell({ topic: 't', payload: 'bad', id });
    await system.advance(10);
    expect((await letters('a')).map(({ event }) => event.id)).toEqual(['e2', 'e3']);
    expect(told).toMatchObject([{ subscription: 'a', event: 'e1' }]);
  });

  it('asking for those of no subscription names what there is', async () => {
    await subscribe('a', { topics: ['>'], performer: subscriber('a') });
    await expect(letters('b')).rejects.toThrow('subscription: given "b", allowed: a');
    await expect(replay('b')).rejects.toThrow('subscription: given "b", allowed: a');
  });
});

describe('a slow subscriber', () => {
  it('loses only its own events, to its dead letters, and gets them by a replay', async () => {
    const performer = subscriber('slow', { tookMs: 1_000 });
    await subscribe('slow', { topics: ['>'], performer, backlogMax: 2, concurrency: 1 });
    await subscribe('fast', { topics: ['>'], performer: subscriber('fast') });
    for (const payload of ['1', '2', '3']) await tell({ topic: 't', payload, key: 'k' });
    await system.advance(10);
    expect(handled).toEqual(['fast 1 at 0', 'fast 2 at 0', 'fast 3 at 0']);
    expect(await letters('slow')).toMatchObject([{ reason: 'overflow', event: { payload: '3' } }]);
    await system.advance(2_000);
    await replay('slow');
    await system.advance(2_000);
    expect(handled.slice(3).map((line) => line.slice(0, 6))).toEqual([
      'slow 1',
      'slow 2',
      'slow 3',
    ]);
  });

  it('with "wait" holds back who publishes what it takes, and nobody else', async () => {
    const performer = subscriber('slow', { tookMs: 1_000 });
    const spec = { topics: ['slow'], performer, backlogMax: 1, overflow: 'wait' } as const;
    await subscribe('slow', spec);
    await subscribe('fast', { topics: ['>'], performer: subscriber('fast') });
    const publishing = ['1', '2', '3'].map((payload) =>
      bus.ask({ type: 'publish', event: { topic: 'slow', payload } }),
    );
    await tell({ topic: 'other', payload: 'o' });
    await system.settle();
    expect(handled).toEqual(['fast 1 at 0', 'fast o at 0']);
    await system.advance(3_000);
    await Promise.all(publishing);
    expect(handled.slice(2)).toEqual([
      'slow 1 at 1000',
      'fast 2 at 1000',
      'slow 2 at 2000',
      'fast 3 at 2000',
      'slow 3 at 3000',
    ]);
    expect(await letters('slow')).toEqual([]);
  });
});

describe('a bus that crashes', () => {
  const supervised = () => {
    const store = new MemoryBusStore();
    const tree = supervisor({ children: [child({ id: 'bus', logic: eventBus({ store }) })] });
    system.spawn(tree, { id: 'tree' });
    return system.ref('/tree/bus') as Ref<BusMessage>;
  };

  it('knows after its restart what is due, dead and done, and who subscribed', async () => {
    bus = supervised();
    await system.settle();
    const handle: Handle = ({ payload }) => {
      if (payload === 'bad') throw new TaskFailed({ kind: 'invalidInput', message: 'bad' });
    };
    await subscribe('a', { topics: ['>'], performer: subscriber('a', { tookMs: 10, handle }) });
    await tell({ topic: 't', payload: 'bad', id: 'e0' });
    await tell({ topic: 't', payload: 'done', id: 'e1' });
    await system.advance(20);
    await tell({ topic: 't', payload: '2', key: 'k', id: 'e2' });
    await tell({ topic: 't', payload: '3', key: 'k', id: 'e3' });
    await system.crash(bus);
    await system.advance(100);
    expect(handled).toEqual(['a done at 10', 'a 2 at 30', 'a 3 at 40']);
    expect((await letters('a')).map(({ event }) => event.id)).toEqual(['e0']);
    for (const id of ['e1', 'e2'])
      expect(
        await tell({
          topic: 't',
          payload: id === 'e1' ? 'done' : '2',
          ...(id === 'e2' && { key: 'k' }),
          id,
        }),
      ).toMatchObject({ isRepeated: true });
  });
});

describe('a subscription', () => {
  it('that has ended gets nothing more, and its name can be taken again', async () => {
    const performer = subscriber('a', { tookMs: 10 });
    await subscribe('a', { topics: ['>'], performer });
    await tell({ topic: 't', payload: '1', key: 'k' });
    await tell({ topic: 't', payload: '2', key: 'k' });
    bus.send({ type: 'unsubscribe', id: 'a' });
    await system.advance(100);
    expect(handled).toEqual(['a 1 at 10']);
    await subscribe('a', { topics: ['>'], performer });
    await tell({ topic: 't', payload: '3', key: 'k' });
    await system.advance(100);
    expect(handled).toEqual(['a 1 at 10', 'a 3 at 110']);
  });

  it.each([
    [{ topics: [] }, 'subscription "a".topics'],
    [{ topics: ['a.>.b'] }, 'subscription "a".topics: given "a.>.b"'],
    [{ topics: ['>'], performer: undefined }, 'subscription "a".performer'],
    [{ topics: ['>'], backlogMax: 0 }, 'subscription "a".backlogMax: given 0'],
    [{ topics: ['>'], overflow: 'explode' }, 'subscription "a".overflow'],
    [{ topics: ['>'], retries: 3 }, 'retries'],
  ])('is refused with %o', async (spec, message) => {
    const given = { performer: subscriber('a'), ...spec } as never;
    await expect(subscribe('a', given)).rejects.toThrow(message);
  });
});
