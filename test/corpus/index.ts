/** The corpus: one line per pair, sorted. */
import type { Pair } from './pair.ts';
import { pair as d01 } from './d01-ask-self.ts';
import { pair as d02 } from './d02-ask-cycle.ts';
import { pair as d04 } from './d04-reentrant-callback.ts';
import { pair as d05 } from './d05-philosophers.ts';
import { pair as d07 } from './d07-send-cycle.ts';
import { pair as d11 } from './d11-smokers.ts';
import { pair as d13 } from './d13-leaked-permit.ts';
import { pair as h01 } from './h01-ping-pong.ts';
import { pair as h02 } from './h02-handoff-ring.ts';
import { pair as h03 } from './h03-refinement.ts';
import { pair as h05 } from './h05-fresh-id.ts';
import { pair as h06 } from './h06-triage.ts';
import { pair as h08 } from './h08-gossip.ts';
import { pair as s01 } from './s01-priority.ts';
import { pair as s03 } from './s03-busy-poll.ts';

export const corpus: readonly Pair[] = [
  d01, //
  d02,
  d04,
  d05,
  d07,
  d11,
  d13,
  h01,
  h02,
  h03,
  h05,
  h06,
  h08,
  s01,
  s03,
];
