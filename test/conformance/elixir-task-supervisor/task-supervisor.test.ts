// Elixir's task/supervisor_test, by behaviour: one test for each, titled after it. The behaviours are
// ported; no test code is copied.
//
// `start_child` and `async_nolink` are `runTask`; `async` is `runTask` with the `caller`, whose life
// the task shares; a spec of its own goes through `startChild`. `on_timeout: :kill_task` is
// `onTimeout`, and an item `{:exit, reason}` is one with the status `failed`.
import {
  ChildNotFound,
  InvalidOption,
  MaxChildren,
  TaskTimeout,
  callersOf,
  child,
  fromHandler,
  getChildSpec,
  runTask,
  startChild,
  stopChild,
  streamTasks,
  taskSupervisor,
  type AgentContext,
  type AnyRef,
  type Down,
  type DynamicSupervisorOptions,
  type Task,
  type TaskOutcome,
} from 'troupe';
import { describe, expect, it } from 'vitest';
import { NEVER, Stage } from '../../supervision/cast.ts';

async function setUp(options: DynamicSupervisorOptions = {}) {
  const stage = new Stage();
  const tasks = await stage.start(taskSupervisor(options), 'tasks');
  const { agents, openRequests, timers } = stage.system.stats();
  return { stage, tasks, system: stage.system, before: { agents, openRequests, timers } };
}

/** An agent that runs a task and waits for it. */
const callerOf = <T>(run: (ctx: AgentContext<{ type: 'go' }>) => Promise<Task<T>>) =>
  fromHandler({
    *receive(_state: undefined, _event: { type: 'go' }, ctx) {
      const task = yield* ctx.wait(run(ctx));
      ctx.stop(yield* ctx.wait(task.result));
    },
  });

describe('Task.Supervisor', () => {
  it('children default to temporary, custom restart and shutdown are honoured, a child is stopped by its ref, and the children tell who is restarting', async () => {
    const { stage, tasks } = await setUp();
    const { ref } = await stage.run(runTask(tasks, () => NEVER));
    expect(await stage.run(getChildSpec(tasks, ref))).toMatchObject({
      restart: 'temporary',
      shutdown: 5_000,
    });
    const brief = await stage.run(runTask(tasks, () => NEVER, { shutdown: 'brutal_kill' }));
    expect((await stage.run(getChildSpec(tasks, brief.ref))).shutdown).toBe('brutal_kill');

    await stage.system.crash(ref);
    expect(await stage.which(tasks)).toEqual([`${brief.ref.path.slice(7)} running`]);
    await stage.run(stopChild(tasks, brief.ref));
    expect(await stage.which(tasks)).toEqual([]);
    const stranger = await stage.start(stage.worker('s'), 'stranger');
    expect(await stage.failure(stopChild(tasks, stranger))).toBeInstanceOf(ChildNotFound);

    const backoff = { minMs: 100, maxMs: 100, jitter: 0 };
    const logic = stage.worker('p');
    await stage.run(startChild(tasks, child({ id: 'p', logic, restart: 'permanent', backoff })));
    await stage.end('normal', '/tasks/p');
    expect(await stage.which(tasks)).toEqual(['p restarting']);
    await stage.system.advance(100);
    expect(await stage.which(tasks)).toEqual(['p running']);
  });

  it('start_child is fire-and-forget: the end of whoever started the task does not touch it', async () => {
    const { stage, tasks } = await setUp();
    const logic = fromHandler({
      *receive(_state: undefined, _event: { type: 'go' }, ctx) {
        yield* ctx.wait(runTask(tasks, () => NEVER));
        throw new Error('boom');
      },
    });
    const caller = stage.system.spawn(logic, { id: 'caller' });
    caller.send({ type: 'go' });
    await stage.now();
    expect(stage.reason('/caller')).toMatchObject({ type: 'crash' });
    expect(await stage.which(tasks)).toEqual(['task-1 running']);
  });

  it('async: the task is a child of the supervisor, its value reaches the caller, and the death of the caller ends the task', async () => {
    const { stage, tasks, system, before } = await setUp();
    const done = system.spawn(callerOf((ctx) => runTask(tasks, () => 5, { caller: ctx })));
    done.send({ type: 'go' });
    expect(await stage.run(done.result())).toBe(5);

    let task: Task<never> | undefined;
    const logic = callerOf(
      async (ctx) => (task = await runTask(tasks, () => NEVER, { caller: ctx })),
    );
    const caller = system.spawn(logic, { id: 'caller' });
    caller.send({ type: 'go' });
    await stage.now();
    expect(task?.ref.path).toBe('/tasks/task-2');
    expect(stage.life('/tasks/task-2')).toBe(1);
    await stage.run(caller.kill());
    expect(await stage.failure(task!.result)).toMatchObject({ code: 'TASK_ABORTED' });
    expect(system.stats()).toMatchObject(before);
  });

  it('async: a caller that dies while the task starts leaves no task behind', async () => {
    const { stage, tasks, system, before } = await setUp();
    let worked = false;
    const run = (ctx: AgentContext<{ type: 'go' }>) =>
      runTask(tasks, () => (worked = true), { caller: ctx });
    const caller = system.spawn(callerOf(run), { id: 'caller' });
    caller.send({ type: 'go' });
    while (system.requests().length === 0) system.step();
    void caller.kill();
    await stage.now();
    expect(worked).toBe(false);
    expect(system.stats()).toMatchObject(before);
  });

  it('async_nolink: a failing task only gives its reason', async () => {
    const { stage, tasks } = await setUp();
    const error = new Error('boom');
    let fail: (error: unknown) => void = () => undefined;
    const late = new Promise<never>((_, reject) => (fail = reject));
    const seen: unknown[] = [];
    const logic = fromHandler({
      *receive(_state: undefined, event: { type: 'go' } | Down, ctx) {
        if (event.type === 'troupe.down') {
          seen.push(event.reason);
          return;
        }
        const task = yield* ctx.wait(runTask(tasks, () => late));
        ctx.monitor(task.ref);
        fail(error);
        yield* ctx.wait(task.result.catch((reason: unknown) => seen.push(reason)));
      },
    });
    const caller = stage.system.spawn(logic, { id: 'caller' });
    caller.send({ type: 'go' });
    await stage.now();
    expect(seen).toEqual([error, { type: 'crash', error }]);
    expect(stage.lives('/caller', '/tasks')).toEqual([1, 1]);
  });

  it('max_children reached rejects in the caller', async () => {
    const { stage, tasks } = await setUp({ maxChildren: 1 });
    const task = await stage.run(runTask(tasks, () => NEVER));
    expect(await stage.failure(runTask(tasks, () => NEVER))).toBeInstanceOf(MaxChildren);
    // The place is free as soon as the result is there.
    task.abort();
    await stage.failure(task.result);
    await stage.run(runTask(tasks, () => NEVER));
  });

  it('max_children reached in a stream rejects, shuts the started tasks down, and leaves nothing behind', async () => {
    const { stage, tasks, system, before } = await setUp({ maxChildren: 2 });
    const stream = streamTasks(tasks, [1, 2, 3], () => NEVER, { concurrency: 3 });
    expect(await stage.failure(stream.next())).toBeInstanceOf(MaxChildren);
    expect(await stage.which(tasks)).toEqual([]);
    expect(await stage.run(stream.next())).toEqual({ done: true, value: undefined });
    expect(system.stats()).toMatchObject(before);
  });

  it('await: a timeout is an error of its own and a late answer never arrives; what the task throws is the failure', async () => {
    const { stage, tasks, system, before } = await setUp();
    let answer: (value: number) => void = () => undefined;
    const late = new Promise<number>((resolve) => (answer = resolve));
    const task = await stage.run(runTask(tasks, () => late, { timeoutMs: 50 }));
    expect(await stage.failure(task.result)).toBeInstanceOf(TaskTimeout);
    answer(1);
    await stage.now();
    expect(await stage.failure(task.result)).toBeInstanceOf(TaskTimeout);
    expect(system.stats()).toMatchObject({ ...before, deadLetters: 0 });

    for (const thrown of ['a string', new Error('raised'), undefined]) {
      const failing = await stage.run(
        runTask(tasks, () => {
          throw thrown;
        }),
      );
      expect(await stage.failure(failing.result)).toBe(thrown);
    }
    const exit = await stage.run(
      runTask(tasks, (_, ctx) => ctx.end({ type: 'shutdown', detail: 1 })),
    );
    expect(await stage.failure(exit.result)).toMatchObject({
      code: 'ACTOR_ENDED',
      reason: { type: 'shutdown', detail: 1 },
    });
  });

  it('async_stream: ordered results, bounded concurrency, failures with their input, and tasks killed on timeout', async () => {
    const { stage, tasks, system, before } = await setUp();
    const outcomes: TaskOutcome<number, number>[] = [];
    let most = 0;
    const work = async (ms: number, _signal: AbortSignal, ctx: AgentContext) => {
      most = Math.max(most, system.stats().agents - before.agents);
      await ctx.sleep(ms);
      if (ms === 30) throw new Error('boom');
      return ms;
    };
    const consume = async () => {
      const options = { concurrency: 2, timeoutMs: 90 };
      for await (const outcome of streamTasks(tasks, [40, 10, 30, 100], work, options))
        outcomes.push(outcome);
    };
    await stage.run(consume());
    expect(outcomes).toMatchObject([
      { input: 40, status: 'ok', value: 40 },
      { input: 10, status: 'ok', value: 10 },
      { input: 30, status: 'failed', error: new Error('boom') },
      { input: 100, status: 'failed', error: { code: 'TASK_TIMEOUT' } },
    ]);
    expect(most).toBe(2);
    expect(system.stats()).toMatchObject(before);
  });

  it('async_stream: unused tasks are killed when the consumer stops early, and no message is leaked', async () => {
    const { stage, tasks, system, before } = await setUp();
    const consume = async () => {
      for await (const { input } of streamTasks(tasks, [1, 2, 3, 4], (n) => (n === 1 ? n : NEVER), {
        concurrency: 4,
      }))
        return input;
      return undefined;
    };
    expect(await stage.run(consume())).toBe(1);
    expect(await stage.which(tasks)).toEqual([]);
    expect(system.stats()).toMatchObject({ ...before, queuedMessages: 0, deadLetters: 0 });
  });

  it('async_stream: the death of the caller ends the stream and its tasks', async () => {
    const { stage, tasks, system, before } = await setUp();
    const failures: unknown[] = [];
    const logic = fromHandler({
      *receive(_state: undefined, _event: { type: 'go' }, ctx) {
        const stream = streamTasks(tasks, [1, 2], () => NEVER, { concurrency: 2, caller: ctx });
        const next = stream.next().catch((error: unknown) => failures.push(error));
        yield* ctx.wait(next);
      },
    });
    const caller = system.spawn(logic, { id: 'caller' });
    caller.send({ type: 'go' });
    await stage.now();
    expect(await stage.which(tasks)).toEqual(['task-2 running', 'task-1 running']);
    await stage.run(caller.kill());
    await stage.now();
    expect(failures).toMatchObject([{ code: 'TASK_ABORTED' }]);
    expect(system.stats()).toMatchObject(before);
  });

  it('async_stream: an invalid shutdown option is refused', async () => {
    const { tasks } = await setUp();
    const options = { concurrency: 1, shutdown: 'unknown' as never };
    expect(() => streamTasks(tasks, [1], (n) => n, options)).toThrow(InvalidOption);
  });

  it('$callers and $ancestors: a task knows who asked for it, over several levels, and who supervises it', async () => {
    const { stage, tasks } = await setUp();
    const seen: { callers: AnyRef[]; parent: AnyRef | undefined }[] = [];
    const note = (ctx: AgentContext) =>
      void seen.push({ callers: callersOf(ctx.self), parent: ctx.parent });
    const logic = callerOf((agent) =>
      runTask(
        tasks,
        async (_signal, outer) => {
          note(outer);
          const inner = await runTask(tasks, (_, ctx) => note(ctx), { caller: outer });
          await inner.result;
          for await (const each of streamTasks(tasks, [1], (_, __, ctx) => note(ctx), {
            concurrency: 1,
            caller: outer,
          }))
            expect(each.status).toBe('ok');
        },
        { caller: agent },
      ),
    );
    const caller = stage.system.spawn(logic, { id: 'caller' });
    caller.send({ type: 'go' });
    await stage.run(caller.result());
    const outer = stage.system.ref('/tasks/task-1').path;
    expect(seen.map(({ callers }) => callers.map(({ path }) => path))).toEqual([
      ['/caller'],
      [outer, '/caller'],
      [outer, '/caller'],
    ]);
    expect(new Set(seen.map(({ parent }) => parent))).toEqual(new Set([tasks]));
    expect(callersOf(caller)).toEqual([]);
  });
});
