/**
 * H02: a handoff in a ring of four, whose end depends on what is handed on. For a 2 or a 3 it never
 * comes: what one agent takes away the next puts back.
 */
import { handoffRing } from './families/handoff-ring.ts';
import type { Pair } from './pair.ts';

export const pair: Pair = {
  id: 'H02',
  title: 'a handoff in a ring whose end depends on what is handed on',
  expected: ['LIVELOCK', 'HANDOFF_LOOP'],
  e: 1,
  culprits: ['R0', 'R1', 'R2', 'R3'],
  buggy: handoffRing(4, 'undoes'),
  correct: handoffRing(4, 'leaves'),
};
