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

/** The order in which they take turns: of 20, PCTCP has 7, POS 5, random and flip 3, delays 2. */
export const PORTFOLIO: readonly StrategyName[] = [
  ...(['pctcp', 'pos', 'flip', 'pctcp', 'random', 'pctcp', 'pos'] as const),
  ...(['delays', 'pctcp', 'pos', 'flip', 'pctcp', 'random', 'pos'] as const),
  ...(['pctcp', 'delays', 'flip', 'pctcp', 'random', 'pos'] as const),
];
