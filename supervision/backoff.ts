/**
 * Backoff: how long to wait before the next restart of a child. Beyond OTP, and opt-in. Pure.
 */
import { InvalidOption } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';

/** Growing delays between the restarts of one child. */
export interface BackoffOptions {
  /** Delay before the first restart, in milliseconds. */
  readonly minMs: number;
  /** The longest delay, in milliseconds. */
  readonly maxMs: number;
  /** By how much each delay is longer than the one before; default 2. */
  readonly factor?: number;
  /** The part of a delay that is random, in [0, 1]; default 0.2. It only ever shortens the delay. */
  readonly jitter?: number;
  /** After so many quiet milliseconds the next delay is the first again; default `maxMs`. */
  readonly resetAfterMs?: number;
}

/** The delay before the restart that follows `attempts` earlier ones; `random` is in [0, 1). */
export function backoffMs(options: BackoffOptions, attempts: number, random: number): number {
  const { minMs, maxMs, factor = 2, jitter = 0.2 } = options;
  // Zero times what has grown to infinity is no number.
  const delayMs = minMs === 0 ? 0 : Math.min(maxMs, minMs * factor ** attempts);
  return delayMs * (1 - jitter * random);
}

/** Throws `InvalidOption` unless the options make sense. */
export function checkBackoff(field: string, options: BackoffOptions): void {
  checkOptions(options, ['minMs', 'maxMs', 'factor', 'jitter', 'resetAfterMs'], field);
  const { minMs, maxMs, factor = 2, jitter = 0.2, resetAfterMs = maxMs } = options;
  const check = (name: string, given: unknown, ok: boolean, allowed: string): void => {
    if (typeof given !== 'number' || !ok)
      throw new InvalidOption({ field: `${field}.${name}`, given, allowed });
  };
  check('minMs', minMs, minMs >= 0 && Number.isFinite(minMs), 'milliseconds >= 0');
  check(
    'maxMs',
    maxMs,
    maxMs >= minMs && Number.isFinite(maxMs),
    'finite milliseconds, at least minMs',
  );
  check('factor', factor, factor >= 1 && Number.isFinite(factor), 'a number >= 1');
  check('jitter', jitter, jitter >= 0 && jitter <= 1, 'a number from 0 to 1');
  check('resetAfterMs', resetAfterMs, resetAfterMs >= 0, 'milliseconds >= 0');
}
