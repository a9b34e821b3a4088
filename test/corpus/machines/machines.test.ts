// Programs of the corpus written as XState machines: the verdicts are the same.
import { describe, expect, it } from 'vitest';
import { explore } from 'troupe/simulation';
import { check } from '../check.ts';
import { goingRound } from './going-round.ts';
import { pair as l01 } from './l01.ts';
import { pair as l06 } from './l06.ts';
import { pair as o01 } from './o01.ts';
import { pair as o04 } from './o04.ts';
import { pair as o11 } from './o11.ts';
import { pair as o13 } from './o13.ts';
import { pair as r04 } from './r04.ts';
import { two, waiting } from './waiting.ts';

describe.each([...waiting, ...goingRound, l01, l06, o01, o04, o11, o13, r04])(
  '$id as machines, $title',
  (pair) => {
    it('is found where it is buggy, and its culprit named', () => {
      const { outcome, report } = check(pair, 'buggy');
      expect(pair.expected, report.failure?.violation.message).toContain(report.verdict);
      expect(outcome.pass, report.failure?.violation.agents.join()).toBe(true);
    });

    it('is proved where it is correct', () => {
      const { report } = check(pair, 'correct', { exhaustiveMs: 20_000 });
      expect(report.failure?.violation).toBeUndefined();
      expect(report.verdict).toBe('PROVED');
    });
  },
  60_000,
);

describe('two machines that ask each other', () => {
  it("are not in each other's way as long as they hear the question, whatever else they put off", () => {
    const report = explore(two(['go'], 2), { schedules: 50, exhaustiveMs: 0 });
    expect(report.failure?.violation).toBeUndefined();
  });
});
