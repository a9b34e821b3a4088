/**
 * Tasks: one piece of work each, run under a dynamic supervisor. As Elixir's `Task.Supervisor`.
 *
 * A task is an agent that works once and ends with what came out. Nobody restarts it, and a task
 * that fails takes nobody down: its result rejects, and its supervisor reports it.
 */
import {
  ActorEnded,
  InvalidOption,
  TroupeError,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Ref,
  type ReplyTo,
  type Shutdown,
  type Wait,
} from '../runtime/index.ts';
import { checkOptions, checkShutdown } from '../runtime/internal.ts';
import { ChildSpec } from './child-spec.ts';
import {
  dynamicSupervisor,
  type DynamicSupervisorLogic,
  type DynamicSupervisorOptions,
} from './dynamic-supervisor.ts';
import { startChild } from './management.ts';
import type { ChildStarted } from './request.ts';

/** What a task does: a function, an async one, or a generator that waits with `yield*`. The signal is aborted when the task ends early. */
export type TaskWork<T> = (
  signal: AbortSignal,
  ctx: AgentContext,
) => T | PromiseLike<T> | Generator<Wait<unknown>, T, unknown>;

/** The options of a task. */
export interface TaskOptions {
  /** The task is killed, and its result rejects with `TaskTimeout`, when it takes longer; default no limit. */
  readonly timeoutMs?: number;
  /** Aborts the task. */
  readonly signal?: AbortSignal;
  /** The context of the agent that has the task run: the task ends with that life at the latest. See {@link callersOf}. */
  readonly caller?: { readonly self: AnyRef; readonly signal: AbortSignal };
  /** Grace when its supervisor stops it; default 5,000 ms. */
  readonly shutdown?: Shutdown;
}

/** A task that runs, or has run. */
export interface Task<T> {
  readonly ref: AnyRef;
  /**
   * What came out. Rejects with what the work threw, `TaskTimeout`, `TaskAborted`, or `ActorEnded`
   * when somebody else ended the task. Nobody has to look: a failure is in its supervisor's report.
   */
  readonly result: Promise<T>;
  /** Ends the task at once, without a grace. */
  abort(reason?: unknown): void;
}

/** A task passed its deadline and was killed. */
export class TaskTimeout extends TroupeError {
  readonly code = 'TASK_TIMEOUT';

  constructor(fields: { readonly path: string; readonly timeoutMs: number }) {
    super(`task ${fields.path} took longer than ${fields.timeoutMs} ms`, fields);
  }
}

/** A task was aborted; `cause` is the reason that was given. */
export class TaskAborted extends TroupeError {
  readonly code = 'TASK_ABORTED';

  constructor(fields: { readonly path: string }, options?: { readonly cause: unknown }) {
    super(`task ${fields.path} was aborted`, fields, options);
  }
}

/** The logic of a task supervisor. */
export type TaskSupervisorLogic = DynamicSupervisorLogic;

/** Whatever takes the request to start a child. */
export type TaskSupervisorRef = Ref<{
  readonly type: 'startChild';
  readonly spec: ChildSpec;
  readonly replyTo: ReplyTo<ChildStarted>;
}>;

/**
 * Makes the logic of a task supervisor: a dynamic supervisor under which {@link runTask} runs
 * temporary children. It takes children with specs of their own beside them.
 *
 * @example
 * ```ts
 * import { runTask, taskSupervisor } from 'troupe';
 * const tasks = await system.start(taskSupervisor({ maxChildren: 8 }), { id: 'tasks' });
 * const page = await runTask(tasks, (signal) => fetch('http://localhost', { signal }), { timeoutMs: 2_000 });
 * console.log((await page.result).status);
 * ```
 */
export function taskSupervisor(options: DynamicSupervisorOptions = {}): TaskSupervisorLogic {
  return dynamicSupervisor(options);
}

const ABORTED = { detail: 'aborted' } as const;

/** What a task is given, and what becomes of it. An instance, for plain objects are frozen when they are sent. */
class Job {
  readonly work: TaskWork<unknown>;
  readonly timeoutMs: number;
  readonly caller: AnyRef | undefined;
  /** The task, once it is there. */
  ref: AnyRef | undefined;
  /** Why it was ended from here. */
  ended: ((path: string) => TroupeError) | undefined;

  constructor(work: TaskWork<unknown>, { timeoutMs = Infinity, caller }: TaskOptions) {
    this.work = work;
    this.timeoutMs = timeoutMs;
    this.caller = caller?.self;
  }

  abort(options?: { readonly cause: unknown }): void {
    this.ended ??= (path) => new TaskAborted({ path }, options);
    // Told to end rather than killed: that is no failure to report, and `finally` blocks run.
    void this.ref?.stop({ ...ABORTED, timeoutMs: 0 });
  }
}

const WORK = { type: 'task.work' } as const;

const taskLogic = fromHandler({
  initial: (job: Job) => job,
  start(job: Job, ctx: AgentContext<typeof WORK>) {
    const { timeoutMs, caller } = job;
    job.ref = ctx.self;
    if (caller !== undefined) callers.set(ctx.self, caller);
    if (timeoutMs < Infinity) {
      void ctx.sleep(timeoutMs).then(() => {
        job.ended ??= (path) => new TaskTimeout({ path, timeoutMs });
        void ctx.self.kill();
      });
    }
    // The work is no part of the start: the supervisor would be deaf as long as it takes.
    ctx.send(ctx.self, WORK);
  },
  *receive(job: Job, _work: typeof WORK, ctx: AgentContext<typeof WORK>) {
    // Aborted before it was there.
    if (job.ended !== undefined) {
      ctx.end({ type: 'shutdown', ...ABORTED });
      return;
    }
    const done = job.work(ctx.signal, ctx as unknown as AgentContext);
    if (isGenerator(done)) ctx.stop(yield* done);
    else ctx.stop(isPromiseLike(done) ? yield* ctx.wait(done) : done);
  },
});

/**
 * Runs a task, and gives it once it has started. Rejects with `MaxChildren`, with `TaskAborted`
 * when its signal is aborted already, or as the ask of a supervisor does.
 *
 * For code outside agents; an agent waits with `yield* ctx.wait(runTask(…, { caller: ctx }))`.
 */
export async function runTask<T>(
  supervisor: TaskSupervisorRef,
  work: TaskWork<T>,
  options: TaskOptions = {},
): Promise<Task<T>> {
  checkOptions(options, TASK_OPTIONS, 'runTask');
  checkTask(work, options);
  const job = new Job(work, options);
  const signals = [options.signal, options.caller?.signal].filter((each) => each !== undefined);
  const id = nextId(supervisor);
  for (const { aborted, reason } of signals) {
    if (aborted) throw new TaskAborted({ path: `${supervisor.path}/${id}` }, { cause: reason });
  }
  const spec = new ChildSpec({
    id,
    logic: taskLogic,
    input: job,
    restart: 'temporary',
    ...(options.shutdown !== undefined && { shutdown: options.shutdown }),
  });
  const links = signals.map((signal) =>
    whenAborted(signal, () => job.abort({ cause: signal.reason })),
  );
  const unlink = (): void => links.forEach((end) => end());
  let ref: AnyRef;
  try {
    ref = await startChild(supervisor, spec);
  } catch (error) {
    unlink();
    throw error;
  }
  const result = ref
    .result()
    .catch((error: unknown) => Promise.reject(failureOf(ref, job, error) as Error))
    .finally(unlink);
  result.catch(() => undefined);
  return {
    ref,
    result: result as Promise<T>,
    abort: (...reason) => job.abort(reason.length === 0 ? undefined : { cause: reason[0] }),
  };
}

const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal is aborted; returns what ends that. One listener for all: Node warns of more than ten. */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act();
    return () => undefined;
  }
  const acts = abortListeners.get(signal) ?? new Set();
  if (!abortListeners.has(signal)) {
    abortListeners.set(signal, acts);
    signal.addEventListener('abort', () => acts.forEach((each) => each()), { once: true });
  }
  acts.add(act);
  return () => acts.delete(act);
}

const callers = new WeakMap<AnyRef, AnyRef>();

/** On whose behalf a task runs: its caller, the caller's own when that is a task, and so on. Its supervisor is its parent. */
export function callersOf(task: AnyRef): AnyRef[] {
  const chain: AnyRef[] = [];
  for (let each = callers.get(task); each !== undefined; each = callers.get(each)) chain.push(each);
  return chain;
}

/** The true cause of a task's end. */
function failureOf({ path }: AnyRef, job: Job, error: unknown): unknown {
  if (!(error instanceof ActorEnded)) return error;
  return error.reason.type === 'crash' ? error.reason.error : (job.ended?.(path) ?? error);
}

const counts = new WeakMap<object, number>();

/** An id that no task of the system has had: a ref to an ended one must never lead to another. */
function nextId({ system }: AnyRef): string {
  const count = (counts.get(system) ?? 0) + 1;
  counts.set(system, count);
  return `task-${count}`;
}

/** The options of a task, by name. */
export const TASK_OPTIONS: readonly string[] = ['timeoutMs', 'signal', 'caller', 'shutdown'];

/** Throws `InvalidOption` unless a task can be made of these. */
export function checkTask(work: unknown, { timeoutMs = Infinity, shutdown }: TaskOptions): void {
  if (typeof work !== 'function')
    throw new InvalidOption({ field: 'work', given: work, allowed: 'a function' });
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
    const allowed = 'milliseconds > 0';
    throw new InvalidOption({ field: 'timeoutMs', given: timeoutMs, allowed });
  }
  if (shutdown !== undefined) checkShutdown('shutdown', shutdown);
}

function isGenerator<T>(value: unknown): value is Generator<Wait<unknown>, T, unknown> {
  const parts = value as { readonly next?: unknown } | null;
  return (
    typeof value === 'object' && typeof parts?.next === 'function' && Symbol.iterator in value!
  );
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
