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
import { pair as l01 } from './l01-fan-in-by-worker.ts';
import { pair as l03 } from './l03-router-drops-reply-to.ts';
import { pair as l05 } from './l05-stop-with-queued-asks.ts';
import { pair as l06 } from './l06-timeout-races-reply.ts';
import { pair as o01 } from './o01-init-use-race.ts';
import { pair as o02 } from './o02-check-then-act.ts';
import { pair as o04 } from './o04-two-phase-commit.ts';
import { pair as o07 } from './o07-stop-and-wait.ts';
import { pair as o11 } from './o11-superseded-call.ts';
import { pair as o13 } from './o13-late-heartbeat.ts';
import { pair as r01 } from './r01-lost-in-restart.ts';
import { pair as r02 } from './r02-poison-redelivered.ts';
import { pair as r04 } from './r04-crash-before-ack.ts';
import { pair as r06 } from './r06-stale-timer.ts';
import { pair as r09 } from './r09-escalation-loop.ts';
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
  l01,
  l03,
  l05,
  l06,
  o01,
  o02,
  o04,
  o07,
  o11,
  o13,
  r01,
  r02,
  r04,
  r06,
  r09,
  s01,
  s03,
];
