import { expect, test } from 'vitest';
import { fromHandler, observeMetrics, type Meter } from 'troupe';
import { createTestSystem } from 'troupe/testing';

/** A meter that reads its instruments on demand, as OpenTelemetry's does at each export. */
function createMeter(): {
  meter: Meter;
  read: () => Record<string, number>;
  instruments: Map<string, string>;
} {
  type Callback = (result: { observe(value: number): void }) => void;
  const callbacks = new Map<string, Set<Callback>>();
  const instruments = new Map<string, string>();
  const create = (kind: string) => (name: string) => {
    const own = new Set<Callback>();
    callbacks.set(name, own);
    instruments.set(name, kind);
    return {
      addCallback: (callback: Callback) => void own.add(callback),
      removeCallback: (callback: Callback) => void own.delete(callback),
    };
  };
  const read = (): Record<string, number> => {
    const values: Record<string, number> = {};
    for (const [name, own] of callbacks) {
      for (const callback of own) callback({ observe: (value) => (values[name] = value) });
    }
    return values;
  };
  const meter = {
    createObservableGauge: create('gauge'),
    createObservableCounter: create('counter'),
  };
  return { meter, read, instruments };
}

test('the numbers of stats() are read as OpenTelemetry metrics, gauges and counters apart', async () => {
  await using system = createTestSystem();
  const { meter, read, instruments } = createMeter();
  observeMetrics(system, meter);
  const agent = system.spawn(
    fromHandler({
      receive: (_state, event: { type: 'boom' } | { type: 'fine' }) => {
        if (event.type === 'boom') throw new Error('boom');
      },
    }),
  );
  agent.send({ type: 'fine' });
  await system.settle();
  expect(read()).toMatchObject({ 'troupe.agents': 1, 'troupe.crashes': 0, 'troupe.messages': 1 });
  agent.send({ type: 'boom' });
  await system.settle();
  expect(read()).toMatchObject({
    'troupe.agents': 0,
    'troupe.crashes': 1,
    'troupe.dead_letters': 1,
  });
  expect(instruments.get('troupe.agents')).toBe('gauge');
  expect(instruments.get('troupe.messages')).toBe('counter');
});

test('the metrics of a system can be taken away again', async () => {
  await using system = createTestSystem();
  const { meter, read } = createMeter();
  const remove = observeMetrics(system, meter);
  remove();
  expect(read()).toEqual({});
});
