/**
 * Streams of tasks: one task for each of many inputs, so many at once, and their outcomes as an
 * async iterator. As `async_stream` of Elixir's `Task.Supervisor`.
 */
import { InvalidOption } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { oneOf } from './child-spec.ts';
import {
  TASK_OPTIONS,
  TaskAborted,
  TaskTimeout,
  checkTask,
  runTask,
  whenAborted,
  type TaskOptions,
  type TaskSupervisorRef,
  type TaskWork,
} from './task-supervisor.ts';

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

const STREAM_OPTIONS = [...TASK_OPTIONS, 'concurrency', 'ordered', 'onTimeout'];

function checkStream(inputs: unknown, work: unknown, options: StreamTasksOptions): void {
  const isIterable =
    typeof inputs === 'string' ||
    (typeof inputs === 'object' &&
      inputs !== null &&
      (Symbol.iterator in inputs || Symbol.asyncIterator in inputs));
  if (!isIterable) {
    throw new InvalidOption({ field: 'inputs', given: inputs, allowed: 'something iterable' });
  }
  checkOptions(options, STREAM_OPTIONS, 'streamTasks');
  checkTask(work, options);
  const { concurrency, ordered = true, onTimeout = 'fail' } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    const allowed = 'an integer >= 1';
    throw new InvalidOption({ field: 'concurrency', given: concurrency, allowed });
  }
  oneOf('ordered', ordered, [true, false]);
  oneOf('onTimeout', onTimeout, ['fail', 'skip']);
}
