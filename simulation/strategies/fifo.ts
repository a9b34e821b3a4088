/**
 * First in, first out: the oldest event first, timers only when nothing else can happen, no faults.
 * It is what a quiet machine does most of the time, and the base of every explanation.
 */
import type { Strategy } from './strategy.ts';

export function fifo(): Strategy {
  return { pick: () => 0 };
}
