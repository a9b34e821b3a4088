/**
 * D05: three dining philosophers.
 *
 * Each takes the fork on one side and then the one on the other. Should all three have taken one, no
 * fork is left and nobody puts one back: no agent waits for an agent, only for a fork, so it shows
 * when all is quiet. The correct ones take the fork with the lower number first.
 */
import { philosophers } from './families/philosophers.ts';
import type { Pair } from './pair.ts';

export const pair: Pair = {
  id: 'D05',
  title: 'three dining philosophers',
  expected: ['STUCK', 'DEADLOCK'],
  e: 0,
  culprits: ['P0', 'P1', 'P2'],
  buggy: philosophers(3, 'cyclic'),
  correct: philosophers(3, 'ordered'),
};
