/**
 * The seam of tracing: who follows the runs of a system, if anybody does. A run tells what it gives
 * away and does; the context of its span goes along with each task that it gives away.
 */
import type { Budget } from '../../runtime/index.ts';
import { running, type Core } from '../../runtime/internal.ts';
import type { Failure } from '../failure.ts';
import type { Task } from '../task.ts';
import type { Attributes, OperationName } from './semantics.ts';

/** What a run says of itself. */
export interface TracedRun {
  /** Of whom it works for. */
  readonly name: string;
  readonly path: string;
  readonly task: Task;
  /** The runs that it works for, from the root. */
  readonly chain: readonly string[];
  readonly hops: number;
  readonly budget: Budget;
  /** The span that it was given its task in, as a W3C `traceparent`. */
  readonly traceparent: string | undefined;
}

/** What a run says of a task that it gives away. */
export interface GivenTask {
  readonly task: Task;
  /** An address, or the name of one. */
  readonly to: string;
  readonly isRemote: boolean;
  readonly attempt: number;
  readonly budget: Budget | undefined;
}

/** A part of a run's work that is worth a span of its own. */
export interface Operation {
  readonly name: OperationName;
  /** What it is done with: a model, a tool. */
  readonly subject: string;
  readonly attributes?: Attributes;
}

/** How something that has a span ended; an outcome is one. */
export interface SpanEnd {
  readonly status: 'done' | 'partial' | 'failed' | 'cancelled';
  readonly failure?: Failure;
  readonly missing?: readonly string[];
  readonly spent?: Budget;
  readonly output?: unknown;
  readonly attributes?: Attributes;
}

/** A span that is open. */
export interface OpenSpan {
  readonly traceparent: string;
  end(how: SpanEnd): void;
}

/** The trace of one run. */
export interface RunTrace {
  readonly traceparent: string | undefined;
  given(task: GivenTask): OpenSpan;
  operation(operation: Operation): OpenSpan;
}

/** Who follows the runs of one system. */
export interface Tracing {
  /** A run begins to work. */
  begun(run: TracedRun): RunTrace;
  /** Code outside agents is about to give a task away. */
  client(run: TracedRun): RunTrace;
}

const followers = new WeakMap<Core, Tracing>();

/** Has all runs of a system followed from now on; undefined: no more. */
export function follow(core: Core, tracing: Tracing | undefined): void {
  if (tracing === undefined) followers.delete(core);
  else followers.set(core, tracing);
}

/** Who follows the run whose step this is. */
export function tracing(): Tracing | undefined {
  const { cell } = running;
  return cell === undefined ? undefined : followers.get(cell.core);
}
