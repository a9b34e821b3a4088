/**
 * The one protocol of all patterns: a task goes to a performer, and exactly one outcome comes back.
 * Whatever speaks it can stand wherever a performer is wanted, so patterns nest in any way.
 *
 * Deadline, budget, hops and chain are no part of a task: they travel beside it, in the lineage of
 * the request, which only shrinks.
 */
import type { AnyActorLogic } from 'xstate';
import type { AgentName, AnyRef, Budget, HandlerLogic, Ref, ReplyTo } from '../runtime/index.ts';
import type { Failure } from './failure.ts';
import type { PerformerState } from './performer.ts';

/** One piece of work. */
export interface Task<TInput = unknown> {
  /** Names the way to it: `t7.2` is the second task that was given away for `t7`. */
  readonly id: string;
  /** What the whole is for, in words; handed down unchanged. */
  readonly goal: string;
  readonly input: TInput;
  /** What else the performer should know, by name. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** A task as it is given away: what is left out is handed down from the task that it is done for. */
export interface TaskSpec<TInput> {
  readonly input: TInput;
  readonly goal?: string;
  readonly context?: Readonly<Record<string, unknown>>;
  /** Default: the number of the task among those given away for the same one. */
  readonly id?: string;
}

/** How a task ended. */
export type Outcome<TOutput = unknown> = Done<TOutput> | PartlyDone<TOutput> | Failed | Cancelled;

interface Ended {
  readonly taskId: string;
  /**
   * What was used of the budget, by name. When its performer could not say, because it
   * is not to be reached, all that it was granted.
   */
  readonly spent: Budget;
  /** The steps that a pattern took, in order, where it keeps them. */
  readonly steps?: readonly Step[];
}
export interface Done<TOutput> extends Ended {
  readonly status: 'done';
  readonly output: TOutput;
}
/** Some of it is there; `missing` names what is not, and `failures` say why. */
export interface PartlyDone<TOutput> extends Ended {
  readonly status: 'partial';
  readonly output: TOutput;
  readonly missing: readonly string[];
  readonly failures: readonly Failure[];
}
export interface Failed extends Ended {
  readonly status: 'failed';
  readonly failure: Failure;
}
/** Nobody wants it any more. */
export interface Cancelled extends Ended {
  readonly status: 'cancelled';
  readonly reason: string;
}

/** A step that a pattern took for a task. */
export interface Step {
  readonly name: string;
  readonly input: unknown;
  readonly outcome: Outcome;
  readonly tookMs: number;
}

/** The request to do a task. `by` is who wants it: with the life of `by` the work ends too. */
export interface TaskRequest<TInput, TOutput> {
  readonly type: 'task';
  readonly task: Task<TInput>;
  readonly by: AnyRef;
  /** Milliseconds that the work may take. The request itself waits a little longer, to be told how it ended. */
  readonly timeoutMs: number;
  /** The span that the work belongs to, as W3C Trace Context says it. */
  readonly traceparent?: string;
  readonly replyTo: ReplyTo<TaskReply<TOutput>>;
}
/** The answer. */
export interface TaskReply<TOutput> {
  readonly type: 'outcome';
  readonly outcome: Outcome<TOutput>;
}
/** Says that a task of `by` is wanted no more. */
export interface CancelTask {
  readonly type: 'cancel';
  readonly taskId: string;
  readonly by: AnyRef;
  readonly reason: string;
}

/** What a performer takes. */
export type PerformerEvent<TInput, TOutput> = TaskRequest<TInput, TOutput> | CancelTask;
export type PerformerRef<TInput, TOutput> = Ref<PerformerEvent<TInput, TOutput>>;
export type PerformerName<TInput, TOutput> = AgentName<PerformerRef<TInput, TOutput>>;
declare const performs: unique symbol;

/** Says what a logic takes and gives; a logic that takes more, or gives more, can stand in its place. */
export interface Performs<TInput, TOutput> {
  readonly [performs]: (input: TInput) => TOutput;
}
/** The logic that `performer` and the patterns make. */
export type PerformerLogic<TInput, TOutput> = HandlerLogic<
  PerformerState,
  PerformerEvent<TInput, TOutput>
> &
  Performs<TInput, TOutput>;
/** Whoever does tasks: an agent by ref or by name, or the logic of one, which is spawned then. */
export type Performer<TInput, TOutput> =
  | PerformerRef<TInput, TOutput>
  | PerformerName<TInput, TOutput>
  | (AnyActorLogic & Performs<TInput, TOutput>);

/** A performer of whatever. */
export type AnyPerformer = AnyRef | AgentName | AnyActorLogic;

/** What a performer takes as input. */
export type InputOf<TPerformer> =
  TPerformer extends Performer<infer TInput, infer _> ? TInput : never;
/** What a performer gives as output. */
export type OutputOf<TPerformer> =
  TPerformer extends Performer<infer _, infer TOutput> ? TOutput : never;
