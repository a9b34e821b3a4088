/** Going on after a crash (R28, R38): a task that is done again does no finished effect again (P7). */
import { agentName, child, supervisor, type Wait } from 'troupe';
import {
  MemoryJournalStore,
  once,
  perform,
  performer,
  workLog,
  type Outcome,
  type Performer,
  type Task,
  type WorkLogRef,
} from 'troupe/actors';
import { explain, explore, type Scenario } from 'troupe/simulation';
import { createTestSystem } from 'troupe/testing';
import { expect, it } from 'vitest';

/** Three effects one after the other, of which it is noted which were done. */
const order = (log: WorkLogRef, done: string[], crashAt?: string) =>
  performer('order', function* (_: Task<string>, run) {
    const results: string[] = [];
    for (const name of ['reserve', 'charge', 'send']) {
      const result = yield* once(run, log, `${run.task.id}/${name}`, function* () {
        yield* run.sleep(10);
        done.push(`${run.task.id}/${name}`);
        // The effect has come to pass, and nobody gets to know.
        if (crashAt === name) throw new Error('the power is gone');
        return `${name} ${done.length}`;
      });
      results.push(result);
    }
    return results;
  });

function stage() {
  const store = new MemoryJournalStore();
  const done: string[] = [];
  const play = async (crashAt?: string, killAtMs = Infinity) => {
    const system = createTestSystem();
    const log = system.spawn(workLog({ store, key: 'orders' }), { id: 'log' });
    const ref = system.spawn(order(log, done, crashAt), { id: 'order' });
    const task = { id: 'order-1', goal: 'order', input: 'tea' };
    const outcome = perform(system, ref as Performer<string, string[]>, task);
    if (killAtMs < Infinity) {
      await system.advance(killAtMs);
      await system.run(ref.kill());
    }
    const ended = await system.run(outcome);
    await system.stop();
    return ended;
  };
  return { done, play };
}

it('a task that is done again does no finished effect again, and has the same results', async () => {
  const { done, play } = stage();
  expect(await play(undefined, 25)).toMatchObject({ status: 'failed' });
  expect(done).toEqual(['order-1/reserve', 'order-1/charge']);
  const results = ['reserve 1', 'charge 2', 'send 3'];
  expect(await play()).toMatchObject({ status: 'done', output: results });
  expect(await play()).toMatchObject({ status: 'done', output: results });
  expect(done).toEqual(['order-1/reserve', 'order-1/charge', 'order-1/send']);
});

it('an effect of which nobody knows whether it came to pass is done again under the same key', async () => {
  const { done, play } = stage();
  await play('charge');
  await play();
  expect(done).toEqual(['reserve', 'charge', 'charge', 'send'].map((name) => `order-1/${name}`));
});

it('no finished effect is done again, whoever crashes when (P7)', () => {
  const Log = agentName('log') as never as WorkLogRef;
  const Order = agentName('order') as never as Performer<string, string[]>;
  let done: string[] = [];
  let store = new MemoryJournalStore();
  let outcome: Outcome<string[]> | undefined;
  const finished = () => store.read('orders', 0).map(({ event }) => (event as { key: string }).key);
  let wrong: string[] = [];
  const scenario: Scenario = {
    name: 'an order that is done again',
    setup({ spawn, client }) {
      [done, wrong, outcome] = [[], [], undefined];
      store = new MemoryJournalStore();
      // Notes whoever does what is recorded as done.
      const noted = Object.assign(done, {
        push: (key: string) => {
          if (finished().includes(key)) wrong.push(key);
          return Array.prototype.push.call(done, key);
        },
      });
      const children = [
        child({ id: 'log', logic: workLog({ store, key: 'orders' }), name: Log as never }),
        child({ id: 'order', logic: order(Log, noted), name: Order as never }),
      ];
      spawn(supervisor({ strategy: 'one_for_one', children, intensity: 10 }), { id: 'sup' });
      client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
        const task = { id: 'order-1', goal: 'order', input: 'tea' };
        for (let attempt = 0; attempt < 6 && outcome?.status !== 'done'; attempt += 1) {
          try {
            const request = { type: 'task', task, by: ctx.self, timeoutMs: Infinity } as const;
            const reply = yield* ctx.ask(Order as never, request as never, { timeoutMs: Infinity });
            ({ outcome } = reply as { outcome: Outcome<string[]> });
          } catch {
            // Whoever had it has crashed: it is given away again, once there is somebody.
            yield* ctx.sleep(100);
          }
        }
      });
    },
    faults: { crash: { of: ['sup/log', 'sup/order', 'sup/order/$*'], max: 3 } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    invariant: { 'nothing that was finished is done again': () => wrong.length === 0 },
    eventually: {
      'an order that is done has done each effect, and recorded it': () =>
        outcome?.status !== 'done' || (done.length >= 3 && new Set(finished()).size === 3),
    },
  };
  const report = explore(scenario, { schedules: 300, exhaustiveMs: 500, seed: 1 });
  expect(report.failure && explain(report)).toBeUndefined();
});
