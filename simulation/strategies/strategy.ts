/**
 * A strategy chooses, step by step, which event happens next in one run.
 */
import type { Dice } from '../dice.ts';
import type { SimEvent } from '../event.ts';
import type { Step } from '../step.ts';

export interface Strategy {
  /** The index of the event that happens next; `enabled` is never empty, the oldest stands first. */
  pick(enabled: readonly SimEvent[]): number;
  /** An event has happened; what it led to is in the step. */
  happened?(step: Step): void;
}

/** Makes a strategy for one run; all its chance comes from the dice. */
export type StrategyFactory = (dice: Dice) => Strategy;

/**
 * Begins an exploration, mostly with the steps of the plainest order, which went before. What a
 * strategy learns in one run and uses in the next, it keeps here.
 */
export type Explorer = (plain?: readonly Step[]) => StrategyFactory;

/** The index of the event that has the highest rank; the oldest of them when several have. */
export function highest(enabled: readonly SimEvent[], rankOf: (event: SimEvent) => number): number {
  let best = 0;
  let bestRank = -Infinity;
  enabled.forEach((event, index) => {
    const rank = rankOf(event);
    if (rank > bestRank) {
      best = index;
      bestRank = rank;
    }
  });
  return best;
}
