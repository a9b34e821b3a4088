/**
 * A call: one task given to a performer, from the grant that it takes with it to its one outcome.
 */
import { InvalidOption, type AgentContext, type Budget, type Wait } from '../runtime/index.ts';
import { nameOf } from '../runtime/internal.ts';
import { failureOf, type Failure, type FailureSite } from './failure.ts';
import { marginOf } from './limits.ts';
import type { Purse } from './purse.ts';
import type { OpenSpan, RunTrace } from './tracing/trace.ts';
import type { Outcome, PerformerName, PerformerRef, Task, TaskReply } from './task.ts';

/** How one task is given away. */
export interface CallOptions {
  /** Milliseconds that it may take; default, and at most: what the own task has left. */
  readonly timeoutMs?: number;
  /** What it may spend; default, and at most: what is left. */
  readonly budget?: Budget;
}

/** Which attempt at a task a call is. */
export interface Attempt {
  readonly attempt: number;
  readonly attemptsMax: number;
}

/** A task that has been given away. It goes to its performer at once; wait for it with `yield* call.outcome()`. */
export class Call<TOutput> {
  readonly task: Task;
  readonly #ctx: AgentContext;
  readonly #purse: Purse;
  readonly #performer: PerformerRef<never, TOutput> | PerformerName<never, TOutput>;
  readonly #attempt: Attempt;
  readonly #stop = new AbortController();
  readonly #span: OpenSpan | undefined;
  #grant: Budget | undefined;
  #outcome: Outcome<TOutput> | undefined;
  /** Undefined when it could not even be sent. */
  readonly wait: Wait<TaskReply<TOutput>> | undefined;

  /** @internal Made by `run.start`. */
  constructor(
    ctx: AgentContext,
    purse: Purse,
    performer: PerformerRef<never, TOutput> | PerformerName<never, TOutput>,
    task: Task,
    { timeoutMs, budget }: CallOptions & { readonly timeoutMs: number },
    attempt: Attempt,
    trace: RunTrace | undefined,
  ) {
    this.task = task;
    this.#ctx = ctx;
    this.#purse = purse;
    this.#performer = performer;
    this.#attempt = attempt;
    if (!(timeoutMs >= 0)) {
      const allowed = 'milliseconds >= 0';
      throw new InvalidOption({ field: 'timeoutMs', given: timeoutMs, allowed });
    }
    try {
      this.#grant = purse.grant(budget);
    } catch (error) {
      this.#outcome = this.#failed(error, {});
      return;
    }
    this.#span = trace?.given({
      task,
      to: this.#to,
      isRemote: 'node' in performer && performer.node !== ctx.self.node,
      attempt: attempt.attempt,
      budget: this.#grant,
    });
    const traceparent = this.#span?.traceparent;
    const { signal } = this.#stop;
    const waitMs = timeoutMs + marginOf(timeoutMs);
    this.wait = ctx.ask(
      performer as PerformerRef<unknown, TOutput>,
      { type: 'task', task, by: ctx.self, timeoutMs, ...(traceparent && { traceparent }) },
      { budget: this.#grant, signal, timeoutMs: waitMs },
    );
  }

  /** Whether its outcome is there, so that `outcome()` does not wait. */
  get settled(): boolean {
    return this.#outcome !== undefined || this.wait?.settled === true;
  }

  /** Waits for the outcome, the same each time. Never throws: a performer that is gone or silent is a failed outcome. */
  *outcome(): Generator<Wait<unknown>, Outcome<TOutput>, unknown> {
    if (this.#outcome !== undefined) return this.#outcome;
    let outcome: Outcome<TOutput>;
    try {
      const reply = yield* this.wait!;
      outcome = reply.outcome;
    } catch (error) {
      outcome = this.#failed(error, this.#grant ?? {});
    }
    return this.#end(outcome);
  }

  /** Says that it is wanted no more: its performer stops the work, and all that was given away for it. */
  cancel(reason: string): void {
    if (this.settled) return;
    const { id: taskId } = this.task;
    const by = this.#ctx.self;
    this.#end({ status: 'cancelled', taskId, spent: this.#grant ?? {}, reason });
    const cancel = { type: 'cancel', taskId, by, reason } as const;
    this.#ctx.send(this.#performer as PerformerRef<unknown, TOutput>, cancel);
    this.#stop.abort(reason);
  }

  #end(outcome: Outcome<TOutput>): Outcome<TOutput> {
    if (this.#outcome === undefined) {
      this.#outcome = outcome;
      if (this.#grant !== undefined) this.#purse.settle(this.#grant, outcome.spent);
      this.#span?.end(outcome);
    }
    return this.#outcome;
  }

  get #to(): string {
    const performer = this.#performer;
    return 'address' in performer ? performer.address : nameOf(performer);
  }

  #failed(error: unknown, spent: Budget): Outcome<TOutput> {
    const site = {
      task: this.task,
      agent: this.#to,
      ...siteOf(this.#ctx, this.#purse),
      ...this.#attempt,
    };
    const failure: Failure = failureOf(error, site);
    return { status: 'failed', taskId: this.task.id, spent, failure };
  }
}

/** What a failure says of the place where it is noticed. */
export function siteOf(ctx: AgentContext, purse: Purse): Pick<FailureSite, 'atMs' | 'resources'> {
  const { remainingMs: deadlineMs, hops } = ctx;
  return { atMs: ctx.now(), resources: { deadlineMs, budget: purse.left, hops } };
}
