// Ephemeral agents: full context at the start, nothing shared, bounded, and nothing left behind.

import { fanIn, perform, performer, pool, TaskFailed, type Task } from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { expect, it } from 'vitest';

const tiny = performer('tiny', function* ({ input }: Task<number>, run) {
  yield* run.sleep(1);
  if (input % 100 === 99) throw new TaskFailed({ kind: 'blockedExternally', message: 'no' });
  return input * 2;
});

it('each task has an agent of its own, which knows the whole task and nothing of others', async () => {
  const system = createTestSystem();
  const seen: unknown[] = [];
  const agent = performer(
    'agent',
    function* ({ goal, input, context }: Task<number>, run) {
      const { parent } = run.ctx;
      yield* run.sleep(10);
      const inner = run.need(yield* run.perform(run.team.tiny, { input }));
      seen.push({ agent: parent?.path, goal, context, inner, tokens: run.left['tokens'] });
      return input;
    },
    { team: { tiny } },
  );
  const agents = system.spawn(pool('agents', agent), { id: 'agents' });
  const task = { goal: 'double', context: { locale: 'de' } };
  const options = { budget: { tokens: 5 } };
  const outcomes = [1, 2].map((input) => perform(system, agents, { ...task, input }, options));
  await system.run(Promise.all(outcomes));
  expect(seen).toMatchObject(
    [2, 4].map((inner) => ({ goal: 'double', context: { locale: 'de' }, inner, tokens: 5 })),
  );
  expect(new Set(seen.map((each) => (each as { agent: string }).agent)).size).toBe(2);
});

it('no more than its size are at work, and one task too many for its queue is refused', async () => {
  const system = createTestSystem();
  let atWork = 0;
  let most = 0;
  const agent = performer('agent', function* (_: Task<number>, run) {
    most = Math.max(most, (atWork += 1));
    yield* run.sleep(10);
    atWork -= 1;
  });
  const agents = system.spawn(pool('agents', agent, { size: 2, queueMax: 3 }), { id: 'agents' });
  const tasks = [1, 2, 3, 4, 5, 6].map((input) => perform(system, agents, { goal: 'go', input }));
  const outcomes = await system.run(Promise.all(tasks));
  expect(most).toBe(2);
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 5 }, () => 'done'),
    'failed',
  ]);
  expect(outcomes[5]).toMatchObject({
    failure: {
      kind: 'unavailable',
      code: 'QUEUE_FULL',
      message: '3 tasks wait for agents already',
      retry: { retryable: true },
    },
  });
});

it('the outcome of the agent is that of the pool', async () => {
  const system = createTestSystem();
  const agent = performer('agent', ({ input }: Task<string>, run) => {
    if (input === 'partial') return run.partial('some', { missing: ['rest'] });
    throw new TaskFailed({ kind: 'blockedExternally', message: 'a CAPTCHA', effect: 'partial' });
  });
  const agents = pool('agents', agent);
  const give = (input: string) => system.run(perform(system, agents, { goal: 'go', input }));
  expect(await give('partial')).toMatchObject({ status: 'partial', missing: ['rest'] });
  expect(await give('fail')).toMatchObject({
    status: 'failed',
    failure: { kind: 'blockedExternally', message: 'a CAPTCHA', effect: 'partial' },
  });
});

it(
  '10,000 tiny tasks leave nothing behind: no agent, timer, name or open request',
  { timeout: 60_000 },
  async () => {
    const system = createTestSystem();
    const agents = system.spawn(pool('agents', tiny, { size: 8 }), { id: 'agents' });
    const list = fanIn('list', { worker: agents, concurrency: 50, collect: (slots) => slots });
    const input = Array.from({ length: 10_000 }, (_, at) => at);
    await system.settle();
    const before = { agents: system.agents(), stats: leftOf(system) };
    const options = { deadlineMs: 3_600_000, budget: { calls: 100_000 } };
    const outcome = await system.run(perform(system, list, { goal: 'go', input }, options));
    expect(outcome).toMatchObject({ status: 'partial', missing: { length: 100 } });
    await system.settle();
    expect(system.agents()[0]?.children).toEqual(before.agents[0]?.children);
    expect(leftOf(system)).toEqual(before.stats);
  },
);

it('a budget may allow more delegations than there are by default', async () => {
  const system = createTestSystem();
  const counter = performer('counter', (_: Task<null>, run) => run.left['calls']);
  const options = { budget: { calls: 5_000 } };
  const outcome = await system.run(perform(system, counter, { goal: 'go', input: null }, options));
  expect(outcome).toMatchObject({ output: 5_000 });
});

it('agents that are cancelled, or crash, leave nothing behind either', async () => {
  const system = createTestSystem();
  const wild = performer('wild', function* ({ input }: Task<number>, run) {
    yield* run.sleep(input % 2 === 0 ? 1_000_000 : 1);
    throw new Error('wild');
  });
  const agents = system.spawn(pool('agents', wild, { size: 4 }), { id: 'agents' });
  await system.settle();
  const before = leftOf(system);
  const tasks = Array.from({ length: 100 }, (_, input) =>
    perform(system, agents, { goal: 'go', input }, { deadlineMs: 50 }),
  );
  const outcomes = await system.run(Promise.all(tasks));
  expect(outcomes.every(({ status }) => status === 'failed')).toBe(true);
  await system.advance(100);
  expect(leftOf(system)).toEqual(before);
});

/** What a leak would be seen in. */
function leftOf(system: ReturnType<typeof createTestSystem>) {
  const { agents, timers, openRequests, names } = system.stats();
  return { agents, timers, openRequests, names };
}
