import { expect, test } from 'vitest';
import { setup } from 'xstate';
import { MemoryStore, fromHandler, here } from 'troupe';
import { createTestSystem } from 'troupe/testing';

test('a restored idle timer is started anew by a message, as before', async () => {
  const store = new MemoryStore();
  const seen: string[] = [];
  type Message = { type: 'begin' } | { type: 'message' } | { type: 'idle' };
  const logic = fromHandler({
    initial: () => 0,
    receive: (count: number, event: Message, ctx) => {
      seen.push(`${event.type} at ${ctx.now()}`);
      if (event.type === 'begin') ctx.idle(100, { type: 'idle' });
      return count + 1;
    },
  });
  const before = createTestSystem();
  before.spawn(logic, { id: 'a', persist: { store } }).send({ type: 'begin' });
  await before.settle();

  await using after = createTestSystem();
  const restored = after.spawn(logic, { id: 'a', persist: { store } });
  for (const atMs of [60, 120]) {
    await after.advance(atMs - after.nowMs);
    restored.send({ type: 'message' });
  }
  await after.advance(300);
  expect(seen).toEqual(['begin at 0', 'message at 60', 'message at 120', 'idle at 220']);
  await before.stop();
});

test('a periodic timer that a machine set with here() goes on after a restore, and can be cancelled', async () => {
  const store = new MemoryStore();
  const ticks: number[] = [];
  const machine = setup({
    types: { events: {} as { type: 'tick' } | { type: 'quiet' } },
  }).createMachine({
    entry: () => {
      if (ticks.length === 0) here().every(10, { type: 'tick' }, { id: 'beat' });
    },
    on: {
      tick: { actions: () => ticks.push(here().now()) },
      quiet: { actions: () => here().cancel('beat') },
    },
  });
  const before = createTestSystem();
  before.spawn(machine, { id: 'm', persist: { store } });
  await before.advance(25);
  expect(ticks).toEqual([10, 20]);

  await using after = createTestSystem();
  const restored = after.spawn(machine, { id: 'm', persist: { store } });
  await after.advance(50);
  const ticksAfter = ticks.length;
  expect(ticksAfter).toBeGreaterThanOrEqual(5);
  restored.send({ type: 'quiet' });
  await after.advance(100);
  expect(ticks).toHaveLength(ticksAfter);
  await before.stop();
});
