// Families R, L and O: each bug is found and its culprit named, and no correct program is accused.
import { describe, expect, it } from 'vitest';
import { explore } from 'troupe/simulation';
import type { Pair } from './pair.ts';
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

const pairs: Pair[] = [l01, l03, l05, l06, o01, o02, o04, o07, o11, o13, r01, r02, r04, r06, r09];

describe.each(pairs)('$id, $title', (pair) => {
  it('is found where it is buggy, and its culprit named', () => {
    const report = explore(pair.buggy);
    expect(pair.expected, report.failure?.violation.message).toContain(report.verdict);
    const agents = report.failure?.violation.agents ?? [];
    expect(
      agents.some((agent) => pair.culprits.includes(agent)),
      `${agents.join()} of ${pair.culprits.join()}`,
    ).toBe(true);
  });

  it('is not accused where it is correct', () => {
    const report = explore(pair.correct);
    expect(report.failure?.violation).toBeUndefined();
  });
});
