import { describe, expect, it } from 'vitest';
import { explore, type Scenario, type StrategyName } from 'troupe/simulation';
import { BUGS, CORRECT, initAndUse, superseded } from './programs.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** How many schedules a strategy takes to find a bug, for each seed, the fewest first. */
function schedules(scenario: Scenario, strategy: StrategyName | 'portfolio'): number[] {
  return SEEDS.map((seed) => {
    const report = explore(scenario, { strategy, seed, schedules: 1_500, exhaustiveMs: 0 });
    return report.failure === undefined ? Infinity : report.schedules;
  }).sort((a, b) => a - b);
}

const NAMES = ['random', 'pctcp', 'pos', 'delays', 'flip'] as const;

describe('the strategies', () => {
  it.each(BUGS)('each finds the bug in $name within 500 schedules', (scenario, verdict) => {
    for (const strategy of NAMES)
      expect(explore(scenario, { strategy }), strategy).toMatchObject({ verdict });
  });

  it.each(CORRECT)('none accuses the correct program $name', (scenario) => {
    for (const strategy of NAMES)
      expect(explore(scenario, { strategy, schedules: 100 }), strategy).toMatchObject({
        verdict: 'PASS',
      });
  });

  it.each([initAndUse(16), superseded(16), initAndUse(32), superseded(32)])(
    'all but a walk at random find $name soon, with every seed',
    (scenario) => {
      for (const strategy of ['pctcp', 'pos', 'delays', 'flip', 'portfolio'] as const) {
        const found = schedules(scenario, strategy);
        expect(found[5], strategy).toBeLessThanOrEqual(10);
        expect(found[10], strategy).toBeLessThanOrEqual(200);
      }
    },
  );
});
