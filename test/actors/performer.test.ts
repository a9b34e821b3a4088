import { agentName, fromHandler, type AgentContext, type AgentInfo, type AnyRef } from 'troupe';
import {
  TaskFailed,
  perform,
  performer,
  type InputOf,
  type Outcome,
  type OutputOf,
  type Performer,
  type PerformerName,
  type PerformerRef,
  type Task,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';

const upper = performer('upper', (task: Task<string>) => task.input.toUpperCase());
const silent = performer('silent', () => new Promise<string>(() => undefined));
const broken = performer('broken', (): string => {
  throw new Error('no ink');
});
/** The paths of all agents, those that work inside too. */
function paths(system: TestSystem): string[] {
  const below = ({ path, children }: AgentInfo): string[] => [path, ...children.flatMap(below)];
  return system.agents().flatMap(below);
}

describe('a task', () => {
  it('is done with the output of its work, and nothing is left of it', async () => {
    const system = createTestSystem();
    const outcome = await system.run(perform(system, upper, { goal: 'shout', input: 'hello' }));
    expect(outcome).toMatchObject({ status: 'done', output: 'HELLO', taskId: expect.any(String) });
    await system.settle();
    expect(paths(system)).toEqual([]);
  });

  it.each([
    ['a value', performer('value', (task: Task<number>) => task.input + 1)],
    ['a promise', performer('promise', (task: Task<number>) => Promise.resolve(task.input + 1))],
    [
      'a generator',
      performer('generator', function* (task: Task<number>, run) {
        yield* run.sleep(1);
        return task.input + 1;
      }),
    ],
  ])('takes %s from its work', async (_, logic) => {
    const system = createTestSystem();
    const outcome = await system.run(perform(system, logic, { goal: 'add', input: 1 }));
    expect(outcome).toMatchObject({ status: 'done', output: 2 });
  });

  it('fails with what its work throws, as data', async () => {
    const system = createTestSystem();
    const outcome = await system.run(perform(system, broken, { goal: 'print', input: 'x' }));
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'crash', message: 'no ink', retry: { retryable: true } },
    });
  });

  it('fails at its deadline although its work never ends, and nothing is left of it', async () => {
    const system = createTestSystem();
    const outcome = await system.run(
      perform(system, silent, { goal: 'wait', input: undefined }, { deadlineMs: 1_000 }),
    );
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });
    expect(system.nowMs).toBe(1_000);
    await system.settle();
    expect(paths(system)).toEqual([]);
  });

  it('is cancelled by its signal, and its run is killed', async () => {
    const system = createTestSystem();
    const silentRef = system.spawn(silent, { id: 'silent' });
    const abort = new AbortController();
    const task = { goal: 'wait', input: undefined };
    const outcome = perform(system, silentRef, task, { signal: abort.signal });
    await system.advance(10);
    expect(paths(system)).toHaveLength(3);
    abort.abort('no longer wanted');
    expect(await system.run(outcome)).toMatchObject({
      status: 'cancelled',
      reason: 'no longer wanted',
    });
    await system.settle();
    expect(paths(system)).toEqual(['/silent']);
  });

  it('fails as unavailable when nobody is there', async () => {
    const system = createTestSystem();
    const Nobody: PerformerName<string, string> = agentName('nobody');
    const outcome = await system.run(perform(system, Nobody, { goal: 'x', input: 'y' }));
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'unavailable', code: 'NO_SUCH_ACTOR', agent: 'nobody', effect: 'none' },
    });
  });

  it.each([
    ['takes no tasks', createMachine({}), 'capabilityMissing', 'UNHANDLED'],
    ['loses the task', fromHandler({ receive: () => undefined }), 'bug', 'REQUEST_LOST'],
  ])('fails when the agent %s', async (_, logic, kind, code) => {
    const system = createTestSystem();
    const agent = system.spawn(logic) as AnyRef as PerformerRef<string, string>;
    const outcome = await system.run(perform(system, agent, { goal: 'x', input: 'y' }));
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind, code } });
  });
});

describe('a performer', () => {
  it('refuses an input that does not fit before any work begins', async () => {
    const system = createTestSystem();
    let worked = 0;
    const adder = performer('adder', (task: Task<{ a: number }>) => (worked += task.input.a), {
      input: z.object({ a: z.number() }),
    });
    const input = { a: 'one' } as never;
    const outcome = await system.run(perform(system, adder, { goal: 'add', input }));
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalidInput' } });
    expect((outcome as { failure: { message: string } }).failure.message).toMatch(/adder: a: /);
    expect(worked).toBe(0);
  });

  it('fails a task whose output does not fit', async () => {
    const system = createTestSystem();
    const liar = performer('liar', () => 'three' as never, { output: z.number() });
    const outcome = await system.run(perform(system, liar, { goal: 'count', input: 'x' }));
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'invalidOutput' } });
  });

  it('refuses a task whose budget is zero, by name', async () => {
    const system = createTestSystem();
    const task = { goal: 'shout', input: 'x' };
    const outcome = await system.run(perform(system, upper, task, { budget: { tokens: 0 } }));
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'budgetExceeded', message: expect.stringContaining('tokens') },
    });
  });

  it('works on so many tasks at a time as it may, and keeps the others waiting', async () => {
    const system = createTestSystem();
    const two = performer('two', slowly, { concurrency: 2 });
    const ref = system.spawn(two, { id: 'two' });
    const endedAtMs: number[] = [];
    const tasks = [100, 100, 100, 100, 100].map(async (input) => {
      const outcome = await perform(system, ref, { goal: 'wait', input });
      endedAtMs.push(system.nowMs);
      return outcome.status;
    });
    expect(await system.run(Promise.all(tasks))).toEqual(Array(5).fill('done'));
    expect(endedAtMs).toEqual([100, 100, 200, 200, 300]);
  });

  it('answers for a run that is crashed, and goes on', async () => {
    const system = createTestSystem();
    let run: AnyRef | undefined;
    const slow = performer('slow', (task: Task<number>, { ctx }) => {
      run = ctx.self;
      return slowly(task, ctx);
    });
    const ref = system.spawn(slow, { id: 'slow' });
    const outcome = perform(system, ref, { goal: 'wait', input: 1_000 });
    await system.advance(10);
    await system.crash(run!, new Error('struck'));
    expect(await system.run(outcome)).toMatchObject({
      status: 'failed',
      failure: { kind: 'crash', code: 'ACTOR_ENDED' },
    });
    expect(await system.run(perform(system, ref, { goal: 'wait', input: 1 }))).toMatchObject({
      status: 'done',
    });
  });

  it('starts the logics of its team once and starts them again', async () => {
    const system = createTestSystem();
    const chief = performer(
      'chief',
      function* (task: Task<string>, run) {
        return run.need(yield* run.perform(run.team.upper, { input: task.input }));
      },
      { team: { upper } },
    );
    const ref = system.spawn(chief, { id: 'chief' });
    const shout = () => system.run(perform(system, ref, { goal: 'shout', input: 'hi' }));
    expect(await shout()).toMatchObject({ status: 'done', output: 'HI' });
    await system.crash(system.whereis('/chief/team/upper')!);
    expect(await shout()).toMatchObject({ status: 'done', output: 'HI' });
    expect(paths(system)).toEqual(['/chief', '/chief/team', '/chief/team/upper']);
  });
});

function* slowly(task: Task<number>, run: { sleep: AgentContext['sleep'] }) {
  yield* run.sleep(task.input);
  return task.input;
}

describe('a run', () => {
  it('gets a failed outcome for a member that fails, and goes on', async () => {
    const system = createTestSystem();
    const chief = performer('chief', function* (task: Task<string>, run) {
      const first = yield* run.perform(broken, { input: task.input });
      const second = yield* run.perform(upper, { input: task.input });
      return [first.status, run.need(second)];
    });
    const outcome = await system.run(perform(system, chief, { goal: 'try', input: 'x' }));
    expect(outcome).toMatchObject({ status: 'done', output: ['failed', 'X'] });
  });

  it('fails with what it needed and did not get as the cause', async () => {
    const system = createTestSystem();
    const chief = performer('chief', function* (task: Task<string>, run) {
      return run.need(yield* run.perform(broken, { input: task.input }), 'printing');
    });
    const outcome = await system.run(perform(system, chief, { goal: 'try', input: 'x' }));
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: {
        kind: 'dependencyFailed',
        step: 'printing',
        causes: [{ kind: 'crash', message: 'no ink' }],
      },
    });
  });

  it('tries again what may go well, after the delay that the failure asks for', async () => {
    const system = createTestSystem();
    let attempts = 0;
    const limited = performer('limited', () => {
      attempts += 1;
      if (attempts < 3)
        throw new TaskFailed({ kind: 'rateLimited', message: '429', retry: { afterMs: 500 } });
      return 'through';
    });
    const chief = performer('chief', (task: Task<string>, run) =>
      run.perform(limited, { input: task.input }, { retry: { attemptsMax: 5 } }),
    );
    const outcome = await system.run(perform(system, chief, { goal: 'try', input: 'x' }));
    expect(outcome).toMatchObject({ status: 'done', output: { output: 'through' } });
    expect([attempts, system.nowMs]).toEqual([3, 1_000]);
  });

  it('does not try again what fails again', async () => {
    const system = createTestSystem();
    let attempts = 0;
    const refusing = performer('refusing', (): string => {
      attempts += 1;
      throw new TaskFailed({ kind: 'guardDenied', message: 'no' });
    });
    const chief = performer('chief', (task: Task<string>, run) =>
      run.perform(refusing, { input: task.input }, { retry: { attemptsMax: 5 } }),
    );
    await system.run(perform(system, chief, { goal: 'try', input: 'x' }));
    expect(attempts).toBe(1);
  });
});

it('types of input and output come from the work', () => {
  expectTypeOf<InputOf<typeof upper>>().toEqualTypeOf<string>();
  expectTypeOf<OutputOf<typeof upper>>().toEqualTypeOf<string>();
  const system = createTestSystem();
  const ref = system.spawn(upper);
  expectTypeOf(ref).toExtend<Performer<string, string>>();
  const outcome = () => perform(system, ref, { goal: 'x', input: 'y' });
  expectTypeOf(outcome).returns.toEqualTypeOf<Promise<Outcome<string>>>();
  // @ts-expect-error -- the input of `upper` is a string
  void (() => perform(system, ref, { goal: 'x', input: 1 }));
  // Who takes more, or gives more, can stand in the place of who takes or gives less.
  const anything = performer('anything', () => ({ text: 'x', words: 1 }));
  expectTypeOf(anything).toExtend<Performer<string, { text: string }>>();
  expectTypeOf(system.spawn(anything)).toExtend<Performer<string, { text: string }>>();
  expectTypeOf(upper).not.toExtend<Performer<number, string>>();
  performer(
    'chief',
    function* (task: Task<number>, run) {
      const outcome = yield* run.perform(run.team.upper, { input: 'x' });
      expectTypeOf(outcome).toEqualTypeOf<Outcome<string>>();
      // @ts-expect-error -- the input of `upper` is a string
      yield* run.perform(run.team.upper, { input: task.input });
      return 1;
    },
    { team: { upper } },
  );
});
