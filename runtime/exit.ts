/**
 * Exit reasons, and the two notices that tell others of an exit.
 *
 * As in Erlang: a crash is not an error that somebody catches but the reason with which an agent
 * ended; links carry it on, monitors report it.
 */
import { InvalidOption } from './errors.ts';
import type { Ref } from './ref.ts';

/** Why a life ended. */
export type ExitReason =
  /** It was done: a final state, or `ctx.stop(output)`. */
  | { readonly type: 'normal'; readonly output?: unknown }
  /** It was asked to end, with or without a detail; `cause` is the true cause behind it, if any. */
  | { readonly type: 'shutdown'; readonly detail?: unknown; readonly cause?: unknown }
  /** It was forced to end: no cleanup of its own ran. */
  | { readonly type: 'killed' }
  /** It was not there when it was linked or monitored. */
  | { readonly type: 'noproc' }
  /** The node that it lives on cannot be reached. */
  | { readonly type: 'noconnection' }
  /** Its code threw. */
  | { readonly type: 'crash'; readonly error: unknown };

/** The message that a monitor sends, once, when the monitored life has ended. */
export interface Down {
  readonly type: 'troupe.down';
  readonly ref: Ref;
  readonly incarnation: number;
  readonly reason: ExitReason;
}

/** The message that an agent which traps exits gets when a linked agent ends, or `ctx.exit` aims at it. */
export interface Exit {
  readonly type: 'troupe.exit';
  readonly from: Ref | undefined;
  readonly reason: ExitReason;
}

export const NORMAL: ExitReason = { type: 'normal' };
export const SHUTDOWN: ExitReason = { type: 'shutdown' };
export const KILLED: ExitReason = { type: 'killed' };
export const NOPROC: ExitReason = { type: 'noproc' };
export const NOCONNECTION: ExitReason = { type: 'noconnection' };

const REASONS = ['normal', 'shutdown', 'killed', 'noproc', 'noconnection', 'crash'];

/** Throws `InvalidOption` when a value is no exit reason. */
export function checkReason(reason: unknown): asserts reason is ExitReason {
  const isReason =
    typeof reason === 'object' &&
    reason !== null &&
    'type' in reason &&
    REASONS.includes(reason.type as string);
  if (isReason) return;
  const allowed = `an object whose type is one of ${REASONS.join(', ')}`;
  throw new InvalidOption({ field: 'reason', given: reason, allowed });
}

/** Whether a reason is a clean end in OTP's sense: `normal`, or `shutdown` with or without a detail. */
export function isCleanExit(reason: ExitReason): boolean {
  return reason.type === 'normal' || reason.type === 'shutdown';
}
