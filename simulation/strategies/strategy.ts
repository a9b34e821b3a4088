/**
 * A strategy chooses, step by step, which event happens next in one run.
 */
import type { Dice } from '../dice.ts';
import type { SimEvent } from '../event.ts';
import type { Step } from '../run.ts';

export interface Strategy {
  /** The index of the event that happens next; `enabled` is never empty, the oldest stands first. */
  pick(enabled: readonly SimEvent[]): number;
  /** An event has happened; what it led to is in the step. */
  happened?(step: Step): void;
}

/** Makes a strategy for one run; all its chance comes from the dice. */
export type StrategyFactory = (dice: Dice) => Strategy;
