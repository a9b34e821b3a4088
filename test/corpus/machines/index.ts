/** Programs of the corpus written as XState machines. */
import type { Pair } from '../pair.ts';
import { goingRound } from './going-round.ts';
import { pair as l01 } from './l01.ts';
import { pair as l06 } from './l06.ts';
import { pair as o01 } from './o01.ts';
import { pair as o04 } from './o04.ts';
import { pair as o11 } from './o11.ts';
import { pair as o13 } from './o13.ts';
import { pair as r04 } from './r04.ts';
import { waiting } from './waiting.ts';

export const machines: readonly Pair[] = [
  ...waiting,
  ...goingRound,
  l01,
  l06,
  o01,
  o04,
  o11,
  o13,
  r04,
];
