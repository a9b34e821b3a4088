/**
 * The portfolio: which strategies take turns, and how often each does. None is best everywhere:
 * chains and priorities find what crosses relays, a walk finds what many small turns make, delays
 * find what is near to FIFO, and flips find what one race makes.
 */
import { delays } from './delays.ts';
import { fifo } from './fifo.ts';
import { flip } from './flip.ts';
import { pctcp } from './pctcp.ts';
import { pos } from './pos.ts';
import { random } from './random.ts';
import type { Explorer } from './strategy.ts';

/** The strategies by name. */
export type StrategyName = 'fifo' | 'random' | 'pctcp' | 'pos' | 'delays' | 'flip';

export const STRATEGIES: Readonly<Record<StrategyName, Explorer>> = {
  fifo: () => fifo,
  random: () => random,
  pctcp,
  pos,
  delays,
  flip,
};

/**
 * The order in which they take turns: of 20, PCTCP has 7, POS 5, flip 4, delays and random 2. A flip
 * comes first, since the plainest order has shown what can be flipped.
 */
export const PORTFOLIO: readonly StrategyName[] = [
  ...(['flip', 'pctcp', 'pos', 'pctcp', 'random', 'flip', 'pos', 'pctcp', 'delays'] as const),
  ...(['pctcp', 'flip', 'pos', 'pctcp', 'random', 'pos', 'flip', 'pctcp', 'delays'] as const),
  ...(['pos', 'pctcp'] as const),
];
