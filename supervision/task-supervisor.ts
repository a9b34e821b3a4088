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
import { checkShutdown } from '../runtime/internal.ts';
import { ChildSpec, oneOf } from './child-spec.ts';
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
type TaskSupervisorRef = Ref<{
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
function whenAborted(signal: AbortSignal, act: () => void): () => void {
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

/** What came out for one input of {@link streamTasks}. */
export type TaskOutcome<TInput, T> =
  | { readonly input: TInput; readonly status: 'ok'; readonly value: T }
  | { readonly input: TInput; readonly status: 'failed'; readonly error: unknown };

/** The options of a stream of tasks; `timeoutMs` and `shutdown` are those of each task. */
export interface StreamTasksOptions extends TaskOptions {
  /** Tasks whose outcome the consumer has not taken yet, at most. */
  readonly concurrency: number;
  /** Outcomes come in the order of the inputs (the default), or as the tasks end. */
  readonly ordered?: boolean;
  /** A task that passes its deadline has failed with `TaskTimeout` (the default), or is left out. */
  readonly onTimeout?: 'fail' | 'skip';
}

/** What a task of a stream does with its input. */
export type StreamWork<TInput, T> = (
  input: TInput,
  ...rest: Parameters<TaskWork<T>>
) => ReturnType<TaskWork<T>>;

/**
 * Runs a task for each input, so many at once, and gives their outcomes. Nothing runs before the
 * first is asked for. When the consumer stops early, the tasks that run are aborted, and `return()`
 * resolves once they are gone. A task that cannot start ends the stream with that error, and an
 * abort of `signal` or the end of `caller` with `TaskAborted`.
 *
 * @example
 * ```ts
 * import { streamTasks, taskSupervisor } from 'troupe';
 * const tasks = await system.start(taskSupervisor(), { id: 'tasks' });
 * const read = (url: string, signal: AbortSignal) => fetch(url, { signal });
 * for await (const outcome of streamTasks(tasks, ['http://localhost'], read, { concurrency: 4 })) {
 *   if (outcome.status === 'ok') console.log(outcome.input, outcome.value.status);
 * }
 * ```
 */
export function streamTasks<TInput, T>(
  supervisor: TaskSupervisorRef,
  inputs: Iterable<TInput> | AsyncIterable<TInput>,
  work: StreamWork<TInput, T>,
  options: StreamTasksOptions,
): AsyncIterableIterator<TaskOutcome<TInput, T>, undefined> {
  checkStream(inputs, work, options);
  const stream = new TaskStream(supervisor, inputs, work, options);
  const outcomes = stream.outcomes();
  const end = (): Promise<IteratorReturnResult<undefined>> => {
    // At once: the generator itself hears of it only after the outcome that it waits for.
    stream.stop();
    return outcomes.return(undefined) as Promise<IteratorReturnResult<undefined>>;
  };
  return {
    next: () => outcomes.next(),
    return: end,
    throw: async (error: unknown) => {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** One input of a stream; `outcome` is there once its task has ended. */
interface Slot<TInput, T> {
  readonly input: TInput;
  outcome: TaskOutcome<TInput, T> | 'skipped' | undefined;
}

class TaskStream<TInput, T> {
  readonly #supervisor: TaskSupervisorRef;
  readonly #source: Iterator<TInput> | AsyncIterator<TInput>;
  readonly #work: StreamWork<TInput, T>;
  readonly #options: StreamTasksOptions;
  /** In the order of the inputs. */
  readonly #slots: Slot<TInput, T>[] = [];
  readonly #stopped = new AbortController();
  /** The tasks that start or run; none of these promises rejects. */
  readonly #tasks = new Set<Promise<void>>();
  /** `reading`: an input has been asked for; that may take as long as it likes. */
  #phase: 'idle' | 'reading' | 'starting' | 'exhausted' = 'idle';
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(
    supervisor: TaskSupervisorRef,
    inputs: Iterable<TInput> | AsyncIterable<TInput>,
    work: StreamWork<TInput, T>,
    options: StreamTasksOptions,
  ) {
    this.#supervisor = supervisor;
    this.#source =
      Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
    this.#work = work;
    this.#options = options;
  }

  async *outcomes(): AsyncGenerator<TaskOutcome<TInput, T>, undefined> {
    const unlink = this.#linkToCaller();
    try {
      while (!this.#stopped.signal.aborted) {
        const outcome = this.#take();
        // Before the outcome is handed over, so that the tasks go on while the consumer is busy with it.
        if (this.#phase === 'idle') void this.#fill();
        if (outcome === undefined) {
          if (this.#phase === 'exhausted' && this.#slots.length === 0) return undefined;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (outcome !== 'skipped') yield outcome;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      return undefined;
    } finally {
      unlink();
      this.stop();
      while (this.#tasks.size > 0) await Promise.all(this.#tasks);
      await this.#closeSource();
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake?.();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  /** The next outcome that can be given, if any. */
  #take(): Slot<TInput, T>['outcome'] {
    const ordered = this.#options.ordered ?? true;
    const index = ordered ? 0 : this.#slots.findIndex(({ outcome }) => outcome !== undefined);
    const outcome = this.#slots[index]?.outcome;
    if (outcome !== undefined) this.#slots.splice(index, 1);
    return outcome;
  }

  /** Reads inputs and starts their tasks, one after the other, until as many run as may. */
  async #fill(): Promise<void> {
    while (!this.#stopped.signal.aborted && this.#slots.length < this.#options.concurrency) {
      this.#phase = 'reading';
      let read: IteratorResult<TInput>;
      try {
        read = await this.#source.next();
      } catch (error) {
        this.#phase = 'exhausted';
        this.#fail(error);
        return;
      }
      if (read.done === true) {
        this.#phase = 'exhausted';
        this.#wake?.();
        return;
      }
      this.#phase = 'starting';
      if (!this.#stopped.signal.aborted) await this.#track(this.#begin(read.value));
    }
    this.#phase = 'idle';
    this.#wake?.();
  }

  async #begin(input: TInput): Promise<void> {
    const { timeoutMs, shutdown, caller, onTimeout } = this.#options;
    const { signal } = this.#stopped;
    try {
      const task = await runTask<T>(
        this.#supervisor,
        (...rest: Parameters<TaskWork<T>>) => this.#work(input, ...rest),
        {
          signal,
          ...(timeoutMs !== undefined && { timeoutMs }),
          ...(shutdown !== undefined && { shutdown }),
          ...(caller !== undefined && { caller: { self: caller.self, signal } }),
        },
      );
      const slot: Slot<TInput, T> = { input, outcome: undefined };
      this.#slots.push(slot);
      const ended = (outcome: Slot<TInput, T>['outcome']): void => {
        slot.outcome = outcome;
        this.#wake?.();
      };
      void this.#track(
        task.result.then(
          (value) => ended({ input, status: 'ok', value }),
          (error: unknown) => {
            // Its own deadline: the work may have failed with that of another task.
            const late = error instanceof TaskTimeout && error.fields['path'] === task.ref.path;
            ended(late && onTimeout === 'skip' ? 'skipped' : { input, status: 'failed', error });
          },
        ),
      );
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #track(task: Promise<void>): Promise<void> {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
    return tracked;
  }

  /** The stream ends with its signal, and with the life of its caller. */
  #linkToCaller(): () => void {
    const { signal, caller } = this.#options;
    const signals = [signal, caller?.signal].filter((each) => each !== undefined);
    const links = signals.map((each) =>
      whenAborted(each, () => {
        const fields = { path: this.#supervisor.path };
        this.#fail(new TaskAborted(fields, { cause: each.reason }));
      }),
    );
    return () => links.forEach((end) => end());
  }

  async #closeSource(): Promise<void> {
    if (this.#phase === 'exhausted') return;
    const reading = this.#phase === 'reading';
    const closed = Promise.resolve(this.#source.return?.());
    // A source that is asked for an input may never answer, and hears of its end only afterwards.
    if (reading) closed.catch(() => undefined);
    else await closed;
  }
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

function checkTask(work: unknown, { timeoutMs = Infinity, shutdown }: TaskOptions): void {
  if (typeof work !== 'function')
    throw new InvalidOption({ field: 'work', given: work, allowed: 'a function' });
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
    const allowed = 'milliseconds > 0';
    throw new InvalidOption({ field: 'timeoutMs', given: timeoutMs, allowed });
  }
  if (shutdown !== undefined) checkShutdown('shutdown', shutdown);
}

function checkStream(inputs: unknown, work: unknown, options: StreamTasksOptions): void {
  const isIterable =
    typeof inputs === 'string' ||
    (typeof inputs === 'object' &&
      inputs !== null &&
      (Symbol.iterator in inputs || Symbol.asyncIterator in inputs));
  if (!isIterable) {
    throw new InvalidOption({ field: 'inputs', given: inputs, allowed: 'something iterable' });
  }
  if (typeof options !== 'object' || options === null)
    throw new InvalidOption({ field: 'options', given: options, allowed: 'an object' });
  checkTask(work, options);
  const { concurrency, ordered = true, onTimeout = 'fail' } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    const allowed = 'an integer >= 1';
    throw new InvalidOption({ field: 'concurrency', given: concurrency, allowed });
  }
  oneOf('ordered', ordered, [true, false]);
  oneOf('onTimeout', onTimeout, ['fail', 'skip']);
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
