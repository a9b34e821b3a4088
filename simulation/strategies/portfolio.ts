/**
 * The portfolio: which strategies take turns, and how often each does.
 */
import { fifo } from './fifo.ts';
import { random } from './random.ts';
import type { StrategyFactory } from './strategy.ts';

/** The strategies by name. */
export type StrategyName = 'fifo' | 'random';

export const STRATEGIES: Readonly<Record<StrategyName, StrategyFactory>> = {
  fifo,
  random,
};

/** The order in which they take turns. */
export const PORTFOLIO: readonly StrategyName[] = ['random'];
