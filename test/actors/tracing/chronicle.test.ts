// What a run came to, in plain words and as data: who decided what and why.

import { createTestSystem, type TestSystem } from 'troupe/testing';
import {
  chronicle,
  guard,
  guardedAction,
  perform,
  performer,
  pipeline,
  type Performer,
  type Task,
} from 'troupe/actors';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';

let system: TestSystem;
beforeEach(() => {
  system = createTestSystem({ name: 'n' });
});
afterEach(() => system.stop());

const bank = guard({
  state: undefined as unknown,
  actions: {
    pay: guardedAction({
      effectClass: 'spend',
      args: z.object({ amount: z.number() }),
      effect: async () => 'paid',
    }),
  },
  policy: {
    version: '1',
    rules: [{ id: 'never', rule: () => ({ decision: 'deny', reason: 'the till is closed' }) }],
  },
});
const silent = performer('silent', function* (task: Task<number>, run) {
  yield* run.sleep(Infinity);
  return task.input;
});
const play = <TOutput>(who: Performer<number, TOutput>, id: string) =>
  system.run(perform(system, who, { id, goal: 'pay the bill', input: 1 }));

it('explains who gave what to whom, what was decided and why, and how it ended', async () => {
  const kept = chronicle(system);
  const till = system.spawn(bank, { id: 'bank' });
  const payer = performer('payer', function* ({ input }: Task<number>, run) {
    run.progress('goes to the bank');
    yield* run.ctx.ask(till, { type: 'perform.pay', args: { amount: input } });
    return input;
  });
  const desk = system.spawn(
    pipeline('desk').stage('pay', { performer: silent, timeoutMs: 50, fallback: payer }).build(),
    { id: 'desk' },
  );
  await play(desk, 't7');
  expect(kept.explain('t7')).toBe(`t7: pay the bill
      0 ms  somebody outside gives t7 to desk
      0 ms    desk gives t7.1 to desk/team/pay
     50 ms    t7.1 is failed: timeout: not done within 50 ms
     50 ms  desk decides: take the fallback, because timeout: not done within 50 ms (stage: pay)
     50 ms    desk gives t7.2 to desk/team/pay-fallback
     50 ms    desk/team/pay-fallback: goes to the bank
     50 ms    the guard bank says deny to pay by its rule "never", because the till is closed: refused
     50 ms    t7.2 is done
     50 ms  t7 is done`);
  expect(kept.story('t7').entries[3]).toEqual({
    atMs: 50,
    taskId: 't7',
    depth: 0,
    type: 'decided',
    by: 'desk',
    what: 'take the fallback',
    why: 'timeout: not done within 50 ms',
    data: { stage: 'pay' },
  });
  expect(JSON.parse(JSON.stringify(kept.story('t7')))).toEqual(kept.story('t7'));
});

it('tells of a task whose performer is gone', async () => {
  const kept = chronicle(system);
  const host = system.spawn(silent, { id: 'host' });
  const done = perform(system, host, { id: 't1', goal: 'g', input: 1 });
  await system.advance(10);
  await system.run(host.kill());
  await system.run(done);
  expect(kept.explain('t1')).toMatch(/10 ms {2}t1 is failed: .*host.*ended/);
});

it('keeps so many runs and so many entries of each, and always how a run ended', async () => {
  const kept = chronicle(system, { runsMax: 2, entriesMax: 2 });
  const talker = performer('talker', ({ input }: Task<number>, run) => {
    for (let word = 0; word < 5; word += 1) run.progress('so to speak');
    return input;
  });
  for (const id of ['t1', 't2', 't3']) await play(talker, id);
  expect(kept.runs()).toEqual(['t2', 't3']);
  expect(kept.story('t3').entries.map(({ type }) => type)).toEqual(['given', 'told', 'ended']);
  expect(kept.story('t3').omitted).toBe(4);
  expect(kept.explain('t3')).toMatch(/\(4 more were not kept\)$/);
  expect(() => kept.story('t1')).toThrow(/runId.*t1.*t2, t3/s);
});

it('keeps nothing of what comes after it was stopped', async () => {
  const kept = chronicle(system);
  kept.stop();
  await play(performer('p', () => 1) as Performer<number, number>, 't1');
  expect(kept.runs()).toEqual([]);
});

it('refuses limits that are none', () => {
  expect(() => chronicle(system, { runsMax: 0 })).toThrow(/chronicle\.runsMax/);
});
