import {
  ActorEnded,
  InvalidOption,
  MaxChildren,
  TaskAborted,
  TaskTimeout,
  countChildren,
  runTask,
  streamTasks,
  taskSupervisor,
  type AgentContext,
  type DynamicSupervisorOptions,
  type StreamTasksOptions,
  type Task,
  type TaskOutcome,
  type Wait,
} from 'troupe';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { NEVER, Stage } from './cast.ts';

async function setUp(options: DynamicSupervisorOptions = {}) {
  const stage = new Stage();
  const tasks = await stage.start(taskSupervisor(options), 'tasks');
  const { agents, openRequests, timers } = stage.system.stats();
  return { stage, tasks, system: stage.system, before: { agents, openRequests, timers } };
}

/** Work that takes so long. */
const sleep = (ms: number) =>
  function* (_signal: AbortSignal, ctx: AgentContext): Generator<Wait<unknown>, number, unknown> {
    yield* ctx.sleep(ms);
    return ms;
  };

/** The same for an input. */
const sleepFor = (ms: number, _signal: AbortSignal, ctx: AgentContext) => sleep(ms)(_signal, ctx);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const brief = (outcomes: readonly TaskOutcome<unknown, unknown>[]) =>
  outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.value : 'failed'));

describe('a task', () => {
  it('gives what a function, an async function or a generator gives, with its type', async () => {
    const { stage, tasks, system, before } = await setUp();
    const plain = await stage.run(runTask(tasks, () => 'plain'));
    const later = await stage.run(runTask(tasks, async () => Promise.resolve(2)));
    const generated = await stage.run(runTask(tasks, sleep(30)));
    expectTypeOf(plain).toEqualTypeOf<Task<string>>();
    expectTypeOf(later).toEqualTypeOf<Task<number>>();
    expectTypeOf(generated).toEqualTypeOf<Task<number>>();
    expect(await stage.run(Promise.all([plain.result, later.result]))).toEqual(['plain', 2]);
    expect(await stage.run(generated.result)).toBe(30);
    expect(system.nowMs).toBe(30);
    expect(system.stats()).toMatchObject(before);
  });

  it('has started before its work begins, so that its supervisor is free for others', async () => {
    const { stage, tasks } = await setUp();
    await stage.run(runTask(tasks, () => NEVER));
    expect(await stage.run(countChildren(tasks))).toMatchObject({ active: 1, workers: 1 });
  });

  it('that fails only rejects its result, and is reported', async () => {
    const { stage, tasks } = await setUp({ intensity: 0 });
    const other = await stage.run(runTask(tasks, sleep(10)));
    const error = new Error('boom');
    const task = await stage.run(
      runTask(tasks, () => {
        throw error;
      }),
    );
    expect(await stage.failure(task.result)).toBe(error);
    expect(stage.reported('child_terminated')).toHaveLength(1);
    expect(stage.life('/tasks')).toBe(1);
    expect(await stage.run(other.result)).toBe(10);
  });

  it('that passes its deadline is killed, and its signal is aborted', async () => {
    const { stage, tasks, system, before } = await setUp();
    let seen: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      seen = signal;
      return NEVER;
    };
    const task = await stage.run(runTask(tasks, work, { timeoutMs: 100 }));
    await system.advance(99);
    expect(seen?.aborted).toBe(false);
    const failed = await stage.failure(task.result);
    expect(failed).toBeInstanceOf(TaskTimeout);
    expect((failed as TaskTimeout).fields).toEqual({ path: task.ref.path, timeoutMs: 100 });
    expect(system.nowMs).toBe(100);
    expect(seen?.aborted).toBe(true);
    expect(stage.reason(task.ref.path)).toEqual({ type: 'killed' });
    expect(system.stats()).toMatchObject(before);
  });

  it('that ends within its deadline leaves no timer', async () => {
    const { stage, tasks, system, before } = await setUp();
    const task = await stage.run(runTask(tasks, sleep(10), { timeoutMs: 100 }));
    expect(await stage.run(task.result)).toBe(10);
    expect(system.stats()).toMatchObject(before);
  });

  it('that is aborted ends at once with the reason, runs its finally and is no failure to report', async () => {
    const { stage, tasks, system, before } = await setUp();
    let cleaned = false;
    const task = await stage.run(
      runTask(tasks, function* (signal, ctx) {
        try {
          yield* ctx.sleep(1_000);
        } finally {
          cleaned = signal.aborted;
        }
      }),
    );
    await system.settle();
    task.abort('enough');
    task.abort('again');
    const failed = await stage.failure(task.result);
    expect(failed).toBeInstanceOf(TaskAborted);
    expect((failed as TaskAborted).cause).toBe('enough');
    expect(cleaned).toBe(true);
    expect(stage.reported('child_terminated')).toEqual([]);
    expect(system.nowMs).toBe(0);
    expect(system.stats()).toMatchObject(before);
  });

  it('that resists an abort is killed', async () => {
    const { stage, tasks } = await setUp();
    const task = await stage.run(
      runTask(tasks, (_signal, ctx) => {
        ctx.trapExit(true);
        return NEVER;
      }),
    );
    await stage.system.settle();
    task.abort();
    expect(await stage.failure(task.result)).toBeInstanceOf(TaskAborted);
    expect(stage.reason(task.ref.path)).toEqual({ type: 'killed' });
  });

  it('keeps its result when it is aborted too late', async () => {
    const { stage, tasks } = await setUp();
    const task = await stage.run(runTask(tasks, () => 1));
    await stage.run(task.result);
    task.abort();
    expect(await stage.run(task.result)).toBe(1);
  });

  it('is aborted by its signal, and not started when that is aborted already', async () => {
    const { stage, tasks, system, before } = await setUp();
    const controller = new AbortController();
    const { signal } = controller;
    const task = await stage.run(runTask(tasks, () => NEVER, { signal }));
    controller.abort('stop');
    const failed = await stage.failure(task.result);
    expect(failed).toMatchObject({ code: 'TASK_ABORTED', cause: 'stop' });
    const refused = await stage.failure(runTask(tasks, () => NEVER, { signal }));
    expect(refused).toMatchObject({ code: 'TASK_ABORTED', cause: 'stop' });
    expect(system.stats()).toMatchObject(before);
  });

  it('that has ended is let go of by its signal', async () => {
    const { stage, tasks } = await setUp();
    const controller = new AbortController();
    const task = await stage.run(runTask(tasks, () => 1, { signal: controller.signal }));
    await stage.run(task.result);
    const stop = vi.spyOn(task.ref, 'stop');
    controller.abort();
    expect(stop).not.toHaveBeenCalled();
  });

  it('that is aborted while it starts never works', async () => {
    const { stage, tasks } = await setUp();
    const controller = new AbortController();
    let worked = false;
    const starting = runTask(tasks, () => (worked = true), { signal: controller.signal });
    controller.abort();
    const task = await stage.run(starting);
    expect(await stage.failure(task.result)).toBeInstanceOf(TaskAborted);
    expect(worked).toBe(false);
  });

  it('ends with its supervisor', async () => {
    const { stage, tasks } = await setUp();
    const task = await stage.run(runTask(tasks, () => NEVER));
    await stage.run(tasks.stop());
    const failed = await stage.failure(task.result);
    expect(failed).toBeInstanceOf(ActorEnded);
    expect((failed as ActorEnded).reason).toEqual({ type: 'shutdown' });
  });

  it('is refused with the option that is not allowed', async () => {
    const { stage, tasks } = await setUp();
    const fields = async (...args: unknown[]) =>
      ((await stage.failure(runTask(tasks, ...(args as [never])))) as InvalidOption).field;
    expect(await fields(5)).toBe('work');
    expect(await fields(() => 1, { timeoutMs: 0 })).toBe('timeoutMs');
    expect(await fields(() => 1, { timeoutMs: '1' })).toBe('timeoutMs');
    expect(await fields(() => 1, { shutdown: 'never' })).toBe('shutdown');
    expect(await fields(() => 1, { timeout: 5 })).toBe('runTask.timeout');
    expect(await fields(() => 1, null)).toBe('runTask');
    expect(() => taskSupervisor({ maxChildren: -1 })).toThrow(InvalidOption);
  });
});

describe('a stream of tasks', () => {
  it('gives outcomes in the order of the inputs, with no more tasks at once than allowed', async () => {
    const { stage, tasks, system, before } = await setUp({ maxChildren: 2 });
    let running = 0;
    let most = 0;
    const work = async (ms: number, _signal: AbortSignal, ctx: AgentContext) => {
      most = Math.max(most, (running += 1));
      await ctx.sleep(ms);
      running -= 1;
      if (ms === 20) throw new Error('boom');
      return `${ms}`;
    };
    const outcomes = await stage.run(
      collect(streamTasks(tasks, [30, 10, 20, 5], work, { concurrency: 2 })),
    );
    expectTypeOf(outcomes).toEqualTypeOf<TaskOutcome<number, string>[]>();
    expect(outcomes).toEqual([
      { input: 30, status: 'ok', value: '30' },
      { input: 10, status: 'ok', value: '10' },
      { input: 20, status: 'failed', error: new Error('boom') },
      { input: 5, status: 'ok', value: '5' },
    ]);
    expect(most).toBe(2);
    // 30 beside 10, then 20 beside 5: the second pair waits until the consumer has taken the first outcome.
    expect(system.nowMs).toBe(50);
    expect(system.stats()).toMatchObject(before);
  });

  it('gives them as they come when that is asked for', async () => {
    const { stage, tasks } = await setUp();
    const outcomes = await stage.run(
      collect(streamTasks(tasks, [30, 10, 20], sleepFor, { concurrency: 3, ordered: false })),
    );
    expect(brief(outcomes)).toEqual([10, 20, 30]);
  });

  it('does nothing before the first outcome is asked for, and then does not run ahead', async () => {
    const { stage, tasks, system, before } = await setUp();
    let read = 0;
    const inputs = function* () {
      for (;;) yield (read += 1);
    };
    const stream = streamTasks(tasks, inputs(), (n) => n, { concurrency: 3 });
    await system.settle();
    expect(read).toBe(0);
    expect(await stage.run(stream.next())).toMatchObject({ value: { input: 1, value: 1 } });
    await system.settle();
    expect(read).toBe(4);
    await stage.run(stream.return!());
    expect(await stage.run(stream.next())).toEqual({ done: true, value: undefined });
    expect(system.stats()).toMatchObject(before);
  });

  it('fails a task that passes its deadline, or skips it', async () => {
    const { stage, tasks, before } = await setUp();
    const options: StreamTasksOptions = { concurrency: 3, timeoutMs: 15 };
    const failed = await stage.run(collect(streamTasks(tasks, [20, 10], sleepFor, options)));
    expect(failed).toMatchObject([
      { input: 20, status: 'failed', error: { code: 'TASK_TIMEOUT' } },
      { input: 10, status: 'ok' },
    ]);
    const skipped = await stage.run(
      collect(streamTasks(tasks, [20, 10], sleepFor, { ...options, onTimeout: 'skip' })),
    );
    expect(brief(skipped)).toEqual([10]);
    expect(stage.system.stats()).toMatchObject(before);
  });

  it('does not skip a task that failed with the timeout of another', async () => {
    const { stage, tasks } = await setUp();
    const error = new TaskTimeout({ path: '/elsewhere', timeoutMs: 1 });
    const work = () => Promise.reject(error);
    const stream = streamTasks(tasks, [1], work, { concurrency: 1, onTimeout: 'skip' });
    expect(await stage.run(collect(stream))).toEqual([{ input: 1, status: 'failed', error }]);
  });

  it('aborts the tasks that run when the consumer breaks off', async () => {
    const { stage, tasks, system, before } = await setUp();
    let closed = false;
    const inputs = async function* () {
      try {
        yield* [10, 1_000, 2_000, 3_000];
      } finally {
        closed = true;
        await Promise.resolve();
      }
    };
    const consume = async () => {
      for await (const outcome of streamTasks(tasks, inputs(), sleepFor, { concurrency: 3 }))
        return outcome.input;
      return undefined;
    };
    expect(await stage.run(consume())).toBe(10);
    expect(system.nowMs).toBe(10);
    expect(closed).toBe(true);
    expect(system.stats()).toMatchObject(before);
    expect(stage.reported('child_terminated')).toEqual([]);
  });

  it('has the tasks gone by the time that the consumer has broken off', async () => {
    const { stage, tasks, system, before } = await setUp();
    const work = (n: number, _signal: AbortSignal, ctx: AgentContext) => {
      ctx.trapExit(true);
      return n === 1 ? n : NEVER;
    };
    const consume = async () => {
      for await (const { status } of streamTasks(tasks, [1, 2], work, { concurrency: 2 })) {
        expect(status).toBe('ok');
        break;
      }
      return system.stats();
    };
    expect(await stage.run(consume())).toMatchObject(before);
  });

  it('ends a pending next when it is returned, though neither a task nor the source ever answers', async () => {
    const { stage, tasks, system, before } = await setUp();
    const inputs: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => (asked++ === 0 ? Promise.resolve({ value: 1 }) : NEVER),
        return: () => NEVER,
      }),
    };
    let asked = 0;
    const stream = streamTasks(tasks, inputs, () => NEVER, { concurrency: 2 });
    const pending = stream.next();
    await system.settle();
    expect(system.stats().agents).toBe(before.agents + 1);
    const done = { done: true, value: undefined };
    expect(await stage.run(Promise.all([stream.return!(), pending]))).toEqual([done, done]);
    expect(system.stats()).toMatchObject(before);
  });

  it('that is returned while a task starts leaves none behind', async () => {
    const { stage, tasks, system, before } = await setUp();
    const stream = streamTasks(tasks, [1, 2], () => NEVER, { concurrency: 2 });
    const pending = stream.next();
    // Two microtasks on the request to the supervisor is on its way, and nobody has run yet.
    await Promise.resolve().then(() => undefined);
    await stage.run(Promise.all([stream.return!(), pending]));
    expect(system.stats()).toMatchObject(before);
  });

  it('throws what its source throws, and aborts the tasks that run', async () => {
    const { stage, tasks, system, before } = await setUp();
    const error = new Error('no more');
    const inputs = function* () {
      yield 1;
      throw error;
    };
    const stream = streamTasks(tasks, inputs(), () => NEVER, { concurrency: 2 });
    expect(await stage.failure(collect(stream))).toBe(error);
    expect(system.stats()).toMatchObject(before);
  });

  it('throws when a task cannot start, and aborts those that run', async () => {
    const { stage, tasks, system, before } = await setUp({ maxChildren: 1 });
    const stream = streamTasks(tasks, [1, 2], () => NEVER, { concurrency: 2 });
    expect(await stage.failure(collect(stream))).toBeInstanceOf(MaxChildren);
    expect(system.stats()).toMatchObject(before);
  });

  it('throws when its signal is aborted, before or meanwhile', async () => {
    const { stage, tasks, system, before } = await setUp();
    const controller = new AbortController();
    const options = { concurrency: 2, signal: controller.signal };
    const stream = streamTasks(tasks, [1, 2], () => NEVER, options);
    const pending = collect(stream).catch((error: unknown) => error);
    await system.settle();
    controller.abort('late');
    expect(await stage.run(pending)).toMatchObject({ code: 'TASK_ABORTED', cause: 'late' });
    const next = streamTasks(tasks, [1, 2], () => NEVER, options);
    expect(await stage.failure(collect(next))).toMatchObject({ cause: 'late' });
    expect(system.stats()).toMatchObject(before);
  });

  it('of many tasks at once warns of no leak', async () => {
    const { stage, tasks } = await setUp();
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => void warnings.push(warning);
    process.on('warning', warn);
    const inputs = Array.from({ length: 50 }, (_, index) => index + 1);
    const stream = streamTasks(tasks, inputs, sleepFor, { concurrency: 50 });
    expect(brief(await stage.run(collect(stream)))).toEqual(inputs);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('is refused with the option that is not allowed', async () => {
    const { tasks } = await setUp();
    const field = (inputs: unknown, work: unknown, options: object) => {
      try {
        streamTasks(tasks, inputs as [], work as never, options as never);
      } catch (error) {
        return (error as InvalidOption).field;
      }
      return undefined;
    };
    const work = () => 1;
    expect(field(5, work, { concurrency: 1 })).toBe('inputs');
    expect(field([], 5, { concurrency: 1 })).toBe('work');
    expect(field([], work, {})).toBe('concurrency');
    expect(field([], work, { concurrency: 0 })).toBe('concurrency');
    expect(field([], work, { concurrency: 1.5 })).toBe('concurrency');
    expect(field([], work, { concurrency: 1, ordered: 1 })).toBe('ordered');
    expect(field([], work, { concurrency: 1, onTimeout: 'kill' })).toBe('onTimeout');
    expect(field([], work, { concurrency: 1, timeoutMs: -1 })).toBe('timeoutMs');
    expect(field([], work, undefined as never)).toBe('streamTasks');
    expect(field([], work, { concurrency: 1, max: 2 })).toBe('streamTasks.max');
    expect(field('ab', work, { concurrency: 1 })).toBe(undefined);
  });
});
