// Programs of the corpus written as XState machines: the verdicts are the same.
import { describe, expect, it } from 'vitest';
import { explore } from 'troupe/simulation';
import { check } from '../check.ts';
import { machines } from './index.ts';
import { two } from './waiting.ts';

describe.each(machines)(
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
