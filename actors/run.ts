/**
 * The run: an agent that works on one task and ends with its outcome.
 *
 * It is `by` of all that it gives away, so that its end, for whatever reason, ends that work too,
 * down to the last descendant and on every node.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyActorLogic } from 'xstate';
import {
  TroupeError,
  type Wait,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Budget,
  type HandlerLogic,
  type Log,
  type Ref,
} from '../runtime/index.ts';
import { backoffMs, type BackoffOptions } from '../supervision/index.ts';
import { Call, siteOf, type CallOptions } from './call.ts';
import { TaskFailed, failureOf, type Failure } from './failure.ts';
import { ACTORS_LIMITS } from './limits.ts';
import { Purse } from './purse.ts';
import { fit } from './schema.ts';
import type {
  AnyPerformer,
  Outcome,
  Performer,
  PerformerName,
  PerformerRef,
  Step,
  Task,
  TaskSpec,
} from './task.ts';
import type { Attributes } from './tracing/semantics.ts';
import { tracing, type Operation, type RunTrace, type TracedRun } from './tracing/trace.ts';

/** Further attempts at a task whose failure says that another one is worth it. */
export interface RetryOptions {
  /** All attempts, the first among them. */
  readonly attemptsMax: number;
  /** Delays between them; default none but what the failure asks for. */
  readonly backoff?: BackoffOptions;
}

/** How a task is given away. */
export interface PerformOptions extends CallOptions {
  /** `timeoutMs` is that of each attempt. Default: one attempt. */
  readonly retry?: RetryOptions;
}

/** A result with gaps, for work to return. */
export class PartialResult<TOutput> {
  /** Nothing else is one by its shape. */
  protected readonly isPartial = true;
  readonly output: TOutput;
  readonly missing: readonly string[];
  readonly failures: readonly Failure[];

  constructor(output: TOutput, missing: readonly string[], failures: readonly Failure[]) {
    this.output = output;
    this.missing = missing;
    this.failures = failures;
  }
}

/** The outcome of another task, for work to return as its own. Throws `TaskFailed` where there is none. */
export function asResult<TOutput>(outcome: Outcome<TOutput>): TOutput | PartialResult<TOutput> {
  switch (outcome.status) {
    case 'done':
      return outcome.output;
    case 'partial':
      return new PartialResult(outcome.output, outcome.missing, outcome.failures);
    case 'failed':
      throw new TaskFailed(outcome.failure);
    case 'cancelled':
      throw new TaskFailed({ kind: 'cancelled', message: outcome.reason });
  }
}

/** Asks again when whoever was asked has ended meanwhile and is being started again: for questions that change nothing twice. */
export function* askAgain<T>(ask: () => Wait<T>): Generator<Wait<unknown>, T, unknown> {
  for (;;) {
    try {
      return yield* ask();
    } catch (error) {
      if (!(error instanceof TroupeError && error.code === 'ACTOR_ENDED')) throw error;
    }
  }
}

/** What work gives back: its output at once, as a generator that waits with `yield*`, or as a promise. */
export type Worked<TOutput> =
  | TOutput
  | PartialResult<TOutput>
  | Generator<Wait<unknown>, TOutput | PartialResult<TOutput>, unknown>
  | Promise<TOutput | PartialResult<TOutput>>;

/** What a performer does for each task. What it throws fails the task; see {@link TaskFailed}. */
export type Work<TInput, TOutput, TTeam = unknown> = (
  task: Task<TInput>,
  run: TaskRun<TTeam>,
) => Worked<TOutput>;

type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/** What work has at hand for its task. */
export class TaskRun<TTeam = unknown> {
  /** The members named in the performer's options. */
  readonly team: TTeam;
  readonly #ctx: AgentContext;
  readonly #task: Task;
  readonly #deadlineMs: number;
  readonly #purse: Purse;
  readonly #members = new Map<object, AnyRef>();
  readonly #steps: Step[] = [];
  readonly #trace: RunTrace | undefined;
  #given = 0;

  /** @internal */
  constructor(
    ctx: AgentContext,
    task: Task,
    team: TTeam,
    {
      deadlineMs = Infinity,
      budget = ctx.budget,
      trace,
    }: { deadlineMs?: number; budget?: Budget | undefined; trace?: RunTrace | undefined } = {},
  ) {
    this.#deadlineMs = deadlineMs;
    this.#trace = trace;
    this.#ctx = ctx;
    this.#task = task;
    this.team = team;
    this.#purse = new Purse({ calls: ACTORS_LIMITS.callsMax, ...budget });
  }

  get task(): Task {
    return this.#task;
  }
  /** Milliseconds until the task's deadline. */
  get remainingMs(): number {
    return Math.min(this.#deadlineMs - this.#ctx.now(), this.#ctx.remainingMs);
  }
  /** What the task may still spend, by name. */
  get left(): Budget {
    return this.#purse.left;
  }
  /** What it has spent, with what its calls were granted and have not accounted for. */
  get spent(): Budget {
    return this.#purse.spent;
  }
  /** Who asked or handed on, from the root of the task to this one's performer. */
  get chain(): readonly string[] {
    return this.#ctx.chain;
  }
  get hops(): number {
    return this.#ctx.hops;
  }
  /** Aborted when the run ends. */
  get signal(): AbortSignal {
    return this.#ctx.signal;
  }
  get log(): Log {
    return this.#ctx.log;
  }
  /** What patterns keep of their steps; part of the outcome. */
  get steps(): readonly Step[] {
    return this.#steps;
  }
  /** The agent that works on the task. */
  get ctx(): AgentContext {
    return this.#ctx;
  }

  /** Gives a task away and waits for its outcome; never throws for what becomes of it. */
  *perform<TInput, TOutput>(
    performer: Performer<TInput, TOutput>,
    spec: TaskSpec<NoInfer<TInput>>,
    { retry, ...options }: PerformOptions = {},
  ): Waits<Outcome<TOutput>> {
    const { attemptsMax = 1, backoff } = retry ?? {};
    const task = this.#subtask(spec);
    for (let attempt = 1; ; attempt += 1) {
      // What an attempt that is given up was granted is spent: it must leave something for the others.
      const budget = options.budget ?? this.#purse.share(attemptsMax - attempt + 1);
      const granted = attempt < attemptsMax ? { ...options, budget } : options;
      const call = this.#call(performer, task, granted, { attempt, attemptsMax });
      const outcome = yield* call.outcome();
      if (outcome.status !== 'failed' || attempt >= attemptsMax) return outcome;
      const { retryable, sameInputWillFail, afterMs = 0 } = outcome.failure.retry;
      if (!retryable || sameInputWillFail) return outcome;
      const growing =
        backoff === undefined ? 0 : backoffMs(backoff, attempt - 1, this.#ctx.random());
      const delayMs = Math.max(afterMs, growing);
      // The next attempt would come too late: this failure says more than that time is up.
      if (delayMs >= this.remainingMs) return outcome;
      if (delayMs > 0) yield* this.#ctx.sleep(delayMs);
    }
  }

  /**
   * Gives a task away without waiting: several of them run side by side. Without a budget it is
   * granted half of what is left, so that others can run beside it; for equal parts see `share`.
   */
  start<TInput, TOutput>(
    performer: Performer<TInput, TOutput>,
    spec: TaskSpec<NoInfer<TInput>>,
    { budget = this.#purse.share(2), ...options }: CallOptions = {},
  ): Call<TOutput> {
    const first = { attempt: 1, attemptsMax: 1 };
    return this.#call(performer, this.#subtask(spec), { ...options, budget }, first);
  }

  /** Waits for the outcomes of several calls, in their order. */
  *all<TOutput>(calls: readonly Call<TOutput>[]): Waits<Outcome<TOutput>[]> {
    const outcomes: Outcome<TOutput>[] = [];
    for (const call of calls) outcomes.push(yield* call.outcome());
    return outcomes;
  }

  /** What is left of the budget in equal parts, to grant to so many calls at once. */
  share(calls: number): Budget {
    return this.#purse.share(calls);
  }

  /** Takes out what goes along with work that nobody waits for: it counts as spent. Throws as `spend`. */
  grant(budget: Budget): Budget {
    return this.#purse.grant(budget);
  }

  /** The output of a task that was done; throws `TaskFailed` for any other outcome, with what it says as the cause. */
  need<TOutput>(outcome: Outcome<TOutput>, step?: string): TOutput {
    if (outcome.status === 'done') return outcome.output;
    const causes =
      outcome.status === 'failed'
        ? [outcome.failure]
        : outcome.status === 'partial'
          ? outcome.failures
          : [];
    const why =
      outcome.status === 'failed'
        ? `${outcome.failure.kind}: ${outcome.failure.message}`
        : outcome.status === 'partial'
          ? `missing: ${outcome.missing.join(', ')}`
          : outcome.reason;
    const retry = outcome.status === 'failed' ? outcome.failure.retry : {};
    throw new TaskFailed({
      kind: 'dependencyFailed',
      message: `${step ?? `task ${outcome.taskId}`} is ${outcome.status}: ${why}`,
      ...(step === undefined ? {} : { step }),
      causes,
      retry,
      dependsOn: [{ id: outcome.taskId, status: outcome.status }],
    });
  }

  /** What an error means for this task, as its failure. */
  failureOf(error: unknown): Failure {
    const { parent, self } = this.#ctx;
    const agent = (parent ?? self).address;
    return failureOf(error, { task: this.#task, agent, ...siteOf(this.#ctx, this.#purse) });
  }

  /** A result with gaps, to return: the outcome is `partial`. */
  partial<TOutput>(
    output: TOutput,
    gaps: { readonly missing: readonly string[]; readonly failures?: readonly Failure[] },
  ): PartialResult<TOutput> {
    return new PartialResult(output, gaps.missing, gaps.failures ?? []);
  }

  /** Spends of the budget. Throws `TaskFailed` (`budgetExceeded`), and then nothing is spent. */
  spend(amounts: Budget): void {
    this.#purse.spend(amounts);
  }

  /**
   * Takes amounts out of the budget before their true size is known; `settle` puts back what was not
   * used. Throws `TaskFailed` (`budgetExceeded`), and then nothing is taken.
   */
  reserve(amounts: Budget): { settle(used: Budget): void } {
    this.#purse.spend(amounts);
    return { settle: (used) => this.#purse.settle(amounts, used) };
  }

  /** Keeps a step for the outcome. */
  record(step: Step): void {
    this.#steps.push(step);
  }

  /** Tells the log and the inspection of a decision: what was decided, why, and on what. */
  decide(what: string, why: string, data: Readonly<Record<string, unknown>> = {}): void {
    this.#report('decision', { what, why, ...data });
  }

  /** Tells the log and the inspection how far the work is. */
  progress(message: string, data: Readonly<Record<string, unknown>> = {}): void {
    this.#report('progress', { message, ...data });
  }

  /** The span of this run, as W3C Trace Context says it; undefined when nobody traces. */
  get traceparent(): string | undefined {
    return this.#trace?.traceparent;
  }

  /**
   * Does a part of the work as an operation of its own in the trace; what is given away meanwhile
   * belongs to it. `told` says what of the result is told.
   *
   * @internal
   */
  *operation<T>(
    operation: Operation,
    work: Waits<T>,
    told: (result: T) => Attributes = () => ({}),
  ): Waits<T> {
    const span = this.#trace?.operation(operation);
    if (span === undefined) return yield* work;
    try {
      const result = yield* work;
      span.end({ status: 'done', attributes: told(result) });
      return result;
    } catch (error) {
      span.end({ status: 'failed', failure: this.failureOf(error) });
      throw error;
    }
  }

  /** The clock's monotonic milliseconds. */
  now(): number {
    return this.#ctx.now();
  }
  sleep(delayMs: number): Wait<void> {
    return this.#ctx.sleep(delayMs);
  }
  /** Work of the outside world, by name; see `ctx.effect`. */
  effect<T>(key: string, work: (signal: AbortSignal) => PromiseLike<T>, input?: unknown): Wait<T> {
    return this.#ctx.effect(key, work, input);
  }

  #call<TInput, TOutput>(
    performer: Performer<TInput, TOutput>,
    task: Task,
    options: CallOptions,
    attempt: { readonly attempt: number; readonly attemptsMax: number },
  ): Call<TOutput> {
    const address = this.#addressOf(performer);
    const timeoutMs = Math.min(options.timeoutMs ?? Infinity, Math.max(0, this.remainingMs));
    const limits = { ...options, timeoutMs };
    return new Call<TOutput>(this.#ctx, this.#purse, address, task, limits, attempt, this.#trace);
  }

  #subtask<TInput>({ id, goal, input, context }: TaskSpec<TInput>): Task<TInput> {
    this.#given += 1;
    const inherited = context ?? this.#task.context;
    return {
      id: id ?? `${this.#task.id}.${this.#given}`,
      goal: goal ?? this.#task.goal,
      input,
      ...(inherited === undefined ? {} : { context: inherited }),
    };
  }

  #addressOf<TInput, TOutput>(
    performer: Performer<TInput, TOutput>,
  ): PerformerRef<never, TOutput> | PerformerName<never, TOutput> {
    if (!isLogic(performer)) return performer as PerformerRef<never, TOutput>;
    let member = this.#members.get(performer);
    if (member === undefined) {
      member = this.#ctx.spawn(performer) as AnyRef;
      this.#members.set(performer, member);
    }
    return member as PerformerRef<never, TOutput>;
  }

  #report(about: string, fields: Readonly<Record<string, unknown>>): void {
    const { id: taskId } = this.#task;
    this.#ctx.report({ level: 'debug', label: `actors/${about}`, fields: { taskId, ...fields } });
  }
}

/** Whether a performer is the logic of one. */
export function isLogic(performer: AnyPerformer): performer is AnyActorLogic {
  return 'transition' in performer;
}

/** What a run is told by its performer, with the lineage of the request. */
export interface Begin {
  readonly type: 'begin';
  readonly task: Task;
  /** The clock's monotonic milliseconds. */
  readonly deadlineMs: number;
  readonly traceparent: string | undefined;
}

/** What a run tells its performer when it is ended before its time. */
export interface Spent {
  readonly type: 'spent';
  readonly run: string;
  readonly spent: Budget;
}

/** The work of a run, once it has begun. */
interface Working {
  run: TaskRun | undefined;
}
export type RunLogic = HandlerLogic<Working, Begin>;

/** The logic of a run: on `begin` it works, and it ends with the outcome as its output. */
export function runLogic<TInput, TOutput, TTeam>(
  name: string,
  work: Work<TInput, TOutput, TTeam>,
  teamOf: (host: AnyRef) => TTeam,
  outputSchema: StandardSchemaV1<unknown, TOutput> | undefined,
): RunLogic {
  return fromHandler({
    initial: (): Working => ({ run: undefined }),
    *receive(working: Working, { task, deadlineMs, traceparent }: Begin, ctx) {
      const trace = tracing()?.begun(tracedOf(ctx, name, task, traceparent));
      const run = new TaskRun(ctx, task, teamOf(ctx.parent ?? ctx.self), { deadlineMs, trace });
      working.run = run;
      ctx.stop(yield* outcomeOf(name, task as Task<TInput>, run, work, outputSchema));
    },
    stop({ run }, reason, ctx) {
      if (reason.type === 'normal' || run === undefined) return;
      const told: Spent = { type: 'spent', run: ctx.self.address, spent: run.spent };
      ctx.send(ctx.parent as Ref<Spent>, told);
    },
  });
}

/** What is told of a run to whoever traces it. */
export function tracedOf(
  { self: { path }, chain, hops, budget = {} }: AgentContext,
  name: string,
  task: Task,
  traceparent: string | undefined,
): TracedRun {
  return { name, path, task, chain, hops, budget, traceparent };
}

function* outcomeOf<TInput, TOutput, TTeam>(
  name: string,
  task: Task<TInput>,
  run: TaskRun<TTeam>,
  work: Work<TInput, TOutput, TTeam>,
  schema: StandardSchemaV1<unknown, TOutput> | undefined,
): Waits<Outcome<TOutput>> {
  const ended = () => ({
    taskId: task.id,
    spent: run.spent,
    ...(run.steps.length === 0 ? {} : { steps: run.steps }),
  });
  try {
    const result = yield* resultOf(work(task, run), run.ctx);
    if (!(result instanceof PartialResult)) {
      const output = fit(schema, result, `output of ${name}`, 'invalidOutput');
      return { status: 'done', output, ...ended() };
    }
    const { missing, failures } = result;
    const output = fit(schema, result.output, `output of ${name}`, 'invalidOutput');
    return { status: 'partial', output, missing, failures, ...ended() };
  } catch (error) {
    return { status: 'failed', failure: run.failureOf(error), ...ended() };
  }
}

function* resultOf<TOutput>(
  worked: Worked<TOutput>,
  ctx: AgentContext,
): Waits<TOutput | PartialResult<TOutput>> {
  if (worked instanceof Promise) return yield* ctx.wait(worked);
  if (isGenerator(worked)) return yield* worked;
  return worked;
}

/** Whether work gave a generator, which waits, and not its result. */
export function isGenerator<TResult>(worked: TResult | Waits<TResult>): worked is Waits<TResult> {
  return (
    typeof worked === 'object' &&
    worked !== null &&
    Symbol.iterator in worked &&
    'next' in worked &&
    'throw' in worked
  );
}
