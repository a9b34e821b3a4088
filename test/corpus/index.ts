/** The corpus: one line per pair, sorted. */
import type { Pair } from './pair.ts';
import { pair as d01 } from './d01-ask-self.ts';
import { pair as d02 } from './d02-ask-cycle.ts';

export const corpus: readonly Pair[] = [
  d01, //
  d02,
];
