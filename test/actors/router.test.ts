import {
  capability,
  modelAgent,
  perform,
  performer,
  registry,
  routedTasks,
  router,
  scripted,
  TaskFailed,
  type Assembly,
  type Decomposition,
  type RoutedTask,
  type Task,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/** A team whose decomposer says what it is told to, and whose assembler lists what there is. */
function desk(worked: string[] = []) {
  const worker = (name: string) =>
    performer(name, function* ({ input }: Task<string>, run) {
      worked.push(name);
      run.spend({ tokens: 1 });
      yield* run.sleep(100);
      if (input === 'bad') throw new TaskFailed({ kind: 'toolError', message: 'it broke' });
      return input === 'silent' ? yield* run.sleep(1e9) : `${input} by ${name}`;
    });
  // It says that it gives numbers.
  const liar = performer('liar', ({ input }: Task<string>) => input as unknown as number);
  const skills = registry({
    look: capability({
      description: 'looks something up',
      input: z.string(),
      workers: {
        ada: { performer: worker('ada'), cost: { tokens: 1 } },
        ben: { performer: worker('ben') },
      },
    }),
    count: capability({
      description: 'counts',
      output: z.number(),
      workers: { cem: { performer: liar } },
    }),
  });
  const split = performer(
    'split',
    ({ input }: Task<Decomposition<readonly RoutedTask[]>>) => input.request,
  );
  const join = performer('join', ({ input }: Task<Assembly<unknown>>) =>
    input.slots.map((slot) => (slot.status === 'ok' ? slot.output : slot.status)),
  );
  return router('desk', { registry: skills, decompose: split, assemble: join, timeoutMs: 5_000 });
}

const look = (id: string, input: unknown = id): RoutedTask => ({ id, capability: 'look', input });
const ask = (system: TestSystem, tasks: readonly RoutedTask[], logic = desk()) =>
  system.run(perform(system, logic, { goal: 'answer', input: tasks }));

describe('a router', () => {
  it('gives each task to the least loaded worker that has the capability, and tells why', async () => {
    const system = createTestSystem();
    const told: unknown[] = [];
    system.inspect((event) => {
      if (event.type === 'report' && event.report.label === 'actors/decision')
        told.push(event.report.fields);
    });
    const outcome = await ask(system, [look('1'), look('2'), look('3')]);
    expect(outcome).toMatchObject({
      status: 'done',
      output: ['1 by ada', '2 by ben', '3 by ada'],
      spent: { tokens: 3 },
    });
    expect(system.nowMs).toBe(100);
    expect(told[2]).toMatchObject({
      what: 'ada gets 3',
      why: 'the least loaded for look of ada: 1, ben: 1',
      cost: { tokens: 1 },
    });
  });

  it('sees what other requests have given to its workers', async () => {
    const system = createTestSystem();
    const worked: string[] = [];
    const ref = system.spawn(desk(worked), { id: 'desk' });
    const both = ['1', '2'].map((id) =>
      perform(system, ref, { goal: 'answer', input: [look(id)] }),
    );
    await system.run(Promise.all(both));
    expect(worked).toEqual(['ada', 'ben']);
    await system.run(perform(system, ref, { goal: 'answer', input: [look('3')] }));
    expect(worked).toEqual(['ada', 'ben', 'ada']);
  });

  it('a capability that nobody has is a typed failure, and the rest is done', async () => {
    const fly = { id: '2', capability: 'fly', input: 'home' };
    const outcome = await ask(createTestSystem(), [look('1'), fly]);
    expect(outcome).toMatchObject({
      status: 'partial',
      output: ['1 by ada', 'failed'],
      missing: ['2 (fly)'],
      failures: [
        {
          kind: 'capabilityMissing',
          message: 'there is no capability "fly"; there are: look, count',
        },
      ],
    });
  });

  it('fails with capabilityMissing when there is nothing that it can have done', async () => {
    const outcome = await ask(createTestSystem(), [{ id: '1', capability: 'fly', input: '' }]);
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'capabilityMissing' } });
  });

  it.each([
    ['a worker that fails', look('2', 'bad'), 'toolError'],
    ['a worker that is silent', look('2', 'silent'), 'timeout'],
    ['an input that does not fit', look('2', 7), 'invalidInput'],
    ['an output that does not fit', { id: '2', capability: 'count', input: 'x' }, 'invalidOutput'],
  ])('%s is missing from the answer, and named', async (_, task, kind) => {
    const outcome = await ask(createTestSystem(), [look('1'), task]);
    expect(outcome).toMatchObject({
      status: 'partial',
      missing: [`2 (${task.capability})`],
      failures: [{ kind }],
    });
  });

  it.each([
    ['no list', 'look it up'],
    ['a task without a capability', [{ id: '1', input: '' }]],
    ['two tasks with one id', [look('1'), look('1')]],
  ])('refuses a decomposition that is %s', async (_, tasks) => {
    const outcome = await ask(createTestSystem(), tasks as never);
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalidOutput' } });
  });

  it('a model takes the request apart, and cannot name a capability into being', async () => {
    const system = createTestSystem();
    const worked: string[] = [];
    const echo = performer('echo', ({ input }: Task<string>) => {
      worked.push(input);
      return input;
    });
    const decompose = modelAgent<Decomposition<string>, readonly RoutedTask[]>('split', {
      model: scripted([
        JSON.stringify([
          { id: '1', capability: 'look', input: 'otters' },
          { id: '2', capability: 'telepathy', input: 'otters' },
        ]),
      ]),
      instructions: 'Take the request apart.',
      output: routedTasks,
    });
    const team = router('desk', {
      registry: registry({
        look: capability({ description: 'looks it up', workers: { echo: { performer: echo } } }),
      }),
      decompose,
      assemble: performer('join', ({ input }: Task<Assembly<string>>) => input.tasks.length),
    });
    const outcome = await system.run(
      perform(system, team, { goal: 'answer', input: 'what do otters think?' }),
    );
    expect(outcome).toMatchObject({ status: 'partial', missing: ['2 (telepathy)'] });
    expect(worked).toEqual(['otters']);
  });

  it('a router is a worker of another one, and its outcome one of its results', async () => {
    const inner = desk();
    const system = createTestSystem();
    const outer = router('head', {
      registry: registry({
        ask: capability({ description: 'asks the desk', workers: { desk: { performer: inner } } }),
      }),
      decompose: performer('split', ({ input }: Task<Decomposition<readonly RoutedTask[]>>) => [
        { id: 'all', capability: 'ask', input: input.request },
      ]),
      assemble: performer('join', ({ input }: Task<Assembly<unknown>>) => input.slots),
    });
    const fly = { id: '2', capability: 'fly', input: '' };
    const outcome = await system.run(
      perform(system, outer, { goal: 'answer', input: [look('1'), fly] }),
    );
    expect(outcome).toMatchObject({
      status: 'partial',
      missing: ['all (ask)'],
      output: [{ status: 'ok', missing: ['2 (fly)'] }],
    });
  });

  it('refuses what is no registry', () => {
    const none = performer('none', () => []);
    expect(() =>
      router('desk', { registry: {} as never, decompose: none, assemble: none }),
    ).toThrow(/router.registry/);
  });
});
