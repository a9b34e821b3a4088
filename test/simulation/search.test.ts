import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explore, type Report, type StrategyName } from 'troupe/simulation';
import { BUGS, CORRECT, withNoise } from './programs.ts';

const strategies = fc.constantFrom<StrategyName | 'portfolio'>(
  'portfolio',
  'random',
  'pctcp',
  'pos',
  'delays',
  'flip',
);
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const bugs = fc.constantFrom(...BUGS);

function untimed(report: Report): Report {
  return { ...report, tookMs: 0 };
}

describe('the search', () => {
  it('does the same for the same seed, down to every step and the token', () => {
    fc.assert(
      fc.property(bugs, strategies, seeds, ([scenario], strategy, seed) => {
        const options = { strategy, seed, schedules: 50, exhaustiveMs: 0 };
        expect(untimed(explore(scenario, options))).toEqual(untimed(explore(scenario, options)));
      }),
      { numRuns: 40 },
    );
  });

  it('never shrinks one verdict into another', () => {
    fc.assert(
      fc.property(bugs, strategies, seeds, fc.nat(2), ([scenario], strategy, seed, noise) => {
        const noisy = withNoise(scenario, noise, 4);
        const { failure } = explore(noisy, { strategy, seed, schedules: 50, exhaustiveMs: 0 });
        fc.pre(failure !== undefined);
        expect(failure?.minimal?.violation.verdict).toBe(failure?.violation.verdict);
      }),
      { numRuns: 60 },
    );
  });

  it('accuses no program that always comes to its end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CORRECT),
        strategies,
        seeds,
        fc.integer({ min: 1, max: 30 }),
        (scenario, strategy, seed, stepsMax) => {
          // Few steps, so that the fair end begins in the midst of things.
          const options = { strategy, seed, stepsMax, schedules: 20, exhaustiveMs: 0 };
          expect(explore(scenario, options)).toMatchObject({ verdict: 'PASS', warnings: [] });
        },
      ),
      { numRuns: 60 },
    );
  });
});
