// The families: the same bugs through longer ways, beside noise, in larger sizes, and two at once.
//
// The sizes here are small; `TROUPE_RUNS` takes those that tell one search from another.
import { describe, expect, it } from 'vitest';
import { explore, replayToken, type Scenario } from 'troupe/simulation';
import { relayed as d02 } from '../d02-ask-cycle.ts';
import { pair as d04 } from '../d04-reentrant-callback.ts';
import { relayed as d13 } from '../d13-leaked-permit.ts';
import { pair as d05 } from '../d05-philosophers.ts';
import { pair as d11 } from '../d11-smokers.ts';
import { pair as h01 } from '../h01-ping-pong.ts';
import { pair as h06 } from '../h06-triage.ts';
import { pair as l05 } from '../l05-stop-with-queued-asks.ts';
import { pair as o02 } from '../o02-check-then-act.ts';
import { pair as r01 } from '../r01-lost-in-restart.ts';
import { pair as s01 } from '../s01-priority.ts';
import { pair as s03 } from '../s03-busy-poll.ts';
import { combinationLock } from './combination-lock.ts';
import { handoffRing } from './handoff-ring.ts';
import { BARS, HARD, find } from './hard-set.ts';
import { withHeartbeat } from './heartbeat.ts';
import { withNoise } from './noise.ts';
import { philosophers } from './philosophers.ts';
import { together } from './together.ts';

const SOAK = process.env['TROUPE_RUNS'] !== undefined;
const SEEDS = SOAK ? Array.from({ length: 11 }, (_, index) => index + 1) : [1];

const verdictOf = (scenario: Scenario, seed = 1) => explore(scenario, { seed }).verdict;
const isQuiet = (scenario: Scenario) => expect(['PROVED', 'PASS']).toContain(verdictOf(scenario));

describe('X1, a long way', () => {
  for (const h of SOAK ? [8, 16, 32] : [2, 8])
    for (const seed of SEEDS) {
      it(`finds the circle of questions over ${h} hops (seed ${seed})`, () => {
        expect(verdictOf(d02(h, 'buggy'), seed)).toBe('DEADLOCK');
      });
      it(`finds the leaked permit over ${h} hops (seed ${seed})`, () => {
        expect(verdictOf(d13(h, 'buggy'), seed)).toBe('STUCK');
      });
    }

  it.each(['D02', 'D13'])('finds %s over 16 hops within a few schedules', (program) => {
    const { median, worst } = find(HARD[program]!(16));
    expect(median).toBeLessThanOrEqual(BARS.median);
    expect(worst).toBeLessThanOrEqual(BARS.worst);
  });

  it('accuses nobody where it is correct', () => {
    isQuiet(d02(8, 'correct'));
    isQuiet(d13(8, 'correct'));
  });
});

describe('X2, noise', () => {
  it.each([d04, h01, h06, s03])('does not change what is wrong with $id', (pair) => {
    const report = explore(withNoise(pair.buggy, 3, 8));
    expect(pair.expected).toContain(report.verdict);
    expect(report.failure?.violation.agents.filter((agent) => /^P[io]ng/.test(agent))).toEqual([]);
  });

  it.each([d04, h01, h06, s03])('does not make $id wrong', (pair) => {
    isQuiet(withNoise(pair.correct, 3, 8));
  });
});

describe.each(['timer', 'message'] as const)('X2, a heartbeat by %s', (by) => {
  it.each([d04, d05, d11, h01, l05, o02, r01, s01, s03])(
    'does not change what is wrong with $id',
    (pair) => {
      const report = explore(withHeartbeat(pair.buggy, by));
      expect(pair.expected, report.failure?.violation.message).toContain(report.verdict);
      const agents = report.failure?.violation.agents ?? [];
      expect(pair.culprits.some((culprit) => agents.includes(culprit))).toBe(true);
    },
  );

  it.each([d04, h01, o02, s03])('does not make $id wrong', (pair) => {
    expect(verdictOf(withHeartbeat(pair.correct, by))).toBe('PROVED');
  });
});

describe('X3, a combination lock', () => {
  it.each(SOAK ? [3, 4, 5, 6] : [3, 4, 5])('of %i digits is opened', (n) => {
    expect(verdictOf(combinationLock(n, 'buggy'))).toBe('SAFETY');
  });

  it('may need its digits in any order', () => {
    expect(verdictOf(combinationLock(3, 'correct'))).toBe('PROVED');
  });
});

describe('X4, a ring', () => {
  it.each([2, 4, 6, 8])('of %i in which the odd ones undo it never ends', (n) => {
    expect(verdictOf(handoffRing(n, 'undoes'))).toBe('HANDOFF_LOOP');
  });

  it.each([3, 5, 7])('of %i ends even so: there is one even agent more', (n) => {
    expect(verdictOf(handoffRing(n, 'undoes'))).toBe('PROVED');
  });

  it.each([2, 3, 4, 5, 6, 7, 8])('of %i in which they leave it ends', (n) => {
    expect(verdictOf(handoffRing(n, 'leaves'))).toBe('PROVED');
  });
});

describe('X5, philosophers', () => {
  it.each([3, 4, 5, 6, 7])('of whom %i sit round the table may starve', (n) => {
    expect(['STUCK', 'DEADLOCK']).toContain(verdictOf(philosophers(n, 'cyclic')));
  });

  it.each(SOAK ? [3, 4, 5, 6, 7] : [3, 4])('of whom %i take the lower fork first eat', (n) => {
    isQuiet(philosophers(n, 'ordered'));
  });
});

describe('X7, two bugs at once', () => {
  const both = explore(together(d04.buggy, h01.buggy));

  it('are not mixed up: a report is about one of them', () => {
    const { agents = [], verdict } = both.failure?.violation ?? {};
    const pair = d04.expected.includes(verdict!) ? d04 : h01;
    expect(pair.expected).toContain(verdict);
    expect(agents.length).toBeGreaterThan(0);
    expect(agents.filter((agent) => !pair.culprits.includes(agent))).toEqual([]);
  });

  it('are reported both, each with its own culprits and a token of its own', () => {
    const scenario = together(d04.buggy, h01.buggy);
    const { failures, failure, verdict } = explore(scenario, { failures: 2 });
    expect(failures).toHaveLength(2);
    expect(failures[0]).toBe(failure);
    expect(failures[0]?.violation.verdict).toBe(verdict);
    for (const pair of [d04, h01]) {
      const own = failures.find(({ violation }) => pair.expected.includes(violation.verdict));
      const { agents = [] } = own?.violation ?? {};
      expect(agents.filter((agent) => !pair.culprits.includes(agent))).toEqual([]);
      expect(own?.minimal?.violation.verdict).toBe(own?.violation.verdict);
      const again = replayToken(scenario, own?.minimal?.token ?? '');
      expect(again).toMatchObject({ drifted: false });
      expect(pair.expected).toContain(again.violation?.verdict);
    }
  });

  it('are no more than two, however many are looked for', () => {
    const { failures } = explore(together(d04.buggy, h01.buggy), { failures: 5, schedules: 40 });
    expect(failures.map(({ violation }) => violation.verdict)).toHaveLength(2);
  });

  it('are found one after the other, as they are repaired', () => {
    expect(d04.expected).toContain(verdictOf(together(d04.buggy, h01.correct)));
    expect(h01.expected).toContain(verdictOf(together(d04.correct, h01.buggy)));
    expect(verdictOf(together(d04.correct, h01.correct))).toBe('PROVED');
  });
});
