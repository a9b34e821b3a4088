import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHandler } from 'troupe';
import { explore, type Case, type Minimal, type Scenario } from 'troupe/simulation';
import { BUGS, initAndUse, superseded, withNoise } from './programs.ts';

function sizeOf({ constraints, faults, choices }: Case): number {
  return constraints.length + faults.length + Object.keys(choices).length;
}

/** What a failure came down to; without the exhaustive search, so that strategies must find it. */
function minimal(scenario: Scenario, seed: number): { verdict: string; least: Minimal } {
  const { verdict, failure } = explore(scenario, { seed, exhaustiveMs: 0 });
  expect(failure?.minimal, `${scenario.name}, seed ${seed}`).toBeDefined();
  return { verdict, least: failure?.minimal as Minimal };
}

const HARD = [initAndUse(16), superseded(16)].map(
  (scenario, index) => [scenario, ['ORDER', 'SAFETY'][index] as string, 1] as const,
);

describe('a failure is shrunk', () => {
  it.each([...BUGS, ...HARD])(
    '$name: to the least explanation or one more',
    (scenario, expected, size) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { verdict, least } = minimal(scenario, seed);
        expect(verdict).toBe(expected);
        expect(sizeOf(least.case), JSON.stringify(least.case)).toBeLessThanOrEqual(size + 1);
        expect(least.violation.verdict).toBe(expected);
        expect(least.replays).toBeLessThanOrEqual(100);
      }
    },
  );

  it.each([...BUGS, ...HARD])(
    '$name: to an explanation that names nothing unrelated',
    (scenario) => {
      for (const seed of [1, 2, 3]) {
        const { least } = minimal(withNoise(scenario, 3, 8), seed);
        expect(JSON.stringify(least.case)).not.toMatch(/p[io]ng/);
      }
    },
  );

  it('never to another bug: of two, the one that was found stays', () => {
    const both: Scenario = {
      name: 'two bugs',
      setup(stage) {
        initAndUse().setup(stage, undefined);
        superseded().setup(stage, undefined);
      },
      ordering: initAndUse().ordering ?? [],
      eventually: superseded().eventually ?? {},
    };
    const found = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const { verdict, least } = minimal(both, seed);
      expect(least.violation.verdict).toBe(verdict);
      found.add(verdict);
    }
    expect(found).toEqual(new Set(['ORDER', 'SAFETY']));
  });

  it('with its workload, as fast-check shrinks it', () => {
    const sums: Scenario<number[]> = {
      name: 'sums',
      workload: fc.array(fc.nat(1_000), { maxLength: 30 }),
      setup({ spawn, send }, numbers) {
        const sum = spawn(
          fromHandler({
            initial: () => 0,
            receive: (total, { n }: { type: 'add'; n: number }) => total + n,
          }),
          { id: 'Sum' },
        );
        for (const n of numbers) send(sum, { type: 'add', n });
      },
      invariant: { 'below 500': (world) => world.state<number>('Sum') < 500 },
    };
    const { failure } = explore(sums);
    expect(failure?.minimal?.case).toEqual({
      workload: [500],
      constraints: [],
      faults: [],
      choices: {},
    });
  });
});
