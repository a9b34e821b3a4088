// What one learns: a unit test of an agent with troupe/testing. Nothing runs until the test says so,
// time is virtual and moves only by `advance`, and a probe is an agent that keeps what it gets. The
// bodies below can stand in vitest, node:test or any other runner as they are.

import assert from 'node:assert/strict';

import { fromHandler, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Alarm = { type: 'alarm'; missed: number };
type WatchEvent = { type: 'heartbeat' } | { type: 'silence' };

/** Raises an alarm each time when no heartbeat has come for ten seconds. */
const watch = fromHandler({
  initial: ({ alarms }: { alarms: Ref<Alarm> }) => ({ alarms, missed: 0 }),
  start(_state, ctx) {
    ctx.after(10_000, { type: 'silence' }, { id: 'silence' });
  },
  receive({ alarms, missed: before }, event: WatchEvent, ctx) {
    ctx.after(10_000, { type: 'silence' }, { id: 'silence' });
    if (event.type === 'heartbeat') return { alarms, missed: 0 };
    const missed = before + 1;
    ctx.send(alarms, { type: 'alarm', missed });
    return { alarms, missed };
  },
});

async function test(name: string, body: () => Promise<void>): Promise<void> {
  await body();
  console.log(`ok: ${name}`);
}

await test('raises an alarm for each silence, and counts them', async () => {
  const system = createTestSystem();
  const alarms = system.probe<Alarm>();
  system.spawn(watch, { input: { alarms: alarms.ref } });
  await system.advance(9_999);
  await alarms.expectNoMessage();
  await system.advance(1);
  assert.equal((await alarms.expectMessage('alarm')).missed, 1);
  await system.advance(3_600_000);
  assert.equal(alarms.messages.length, 360);
  await system.stop();
});

await test('stays quiet as long as hearts beat', async () => {
  const system = createTestSystem();
  const alarms = system.probe<Alarm>();
  const ref = system.spawn(watch, { input: { alarms: alarms.ref } });
  for (let beats = 0; beats < 1_000; beats += 1) {
    ref.send({ type: 'heartbeat' });
    await system.advance(9_000);
  }
  await alarms.expectNoMessage();
  console.log(`${system.nowMs / 3_600_000} hours have passed`);
  await system.stop();
});

await test('a crash takes its timers along', async () => {
  const system = createTestSystem();
  const alarms = system.probe<Alarm>();
  const ref = system.spawn(watch, { input: { alarms: alarms.ref } });
  await system.settle();
  await system.crash(ref);
  await system.advance(60_000);
  await alarms.expectNoMessage();
  assert.equal(system.stats().timers, 0);
  await system.stop();
});

// Prints:
// ok: raises an alarm for each silence, and counts them
// 2.5 hours have passed
// ok: stays quiet as long as hearts beat
// ok: a crash takes its timers along
