/**
 * The circuit breaker of a worker: after so many failures in a row that are the worker's own, it
 * gets nothing for a while, and then one task to try it with. Pure.
 */
import type { Failure, FailureKind } from '../failure.ts';

/** When a worker gets nothing more. */
export interface BreakerOptions {
  /** Failures in a row; default 3. */
  readonly failuresMax: number;
  /** Milliseconds until it is tried again; default 10,000. */
  readonly openMs: number;
}

/** These say something of the worker, others of the task or the world. */
const OWN: readonly FailureKind[] = ['crash', 'unavailable', 'timeout', 'toolError', 'bug'];

/** Whether a failure speaks against who was to do the work. */
export function isOwn({ kind }: Failure): boolean {
  return OWN.includes(kind);
}

/** The failures in a row, after one more attempt. */
export function streakAfter(streak: number, failure: Failure | undefined): number {
  if (failure === undefined) return 0;
  if (!isOwn(failure)) return streak;
  // Nobody is there any more: that needs no second look.
  return failure.code === 'NO_SUCH_ACTOR' ? Infinity : streak + 1;
}
