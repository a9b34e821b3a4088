import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHandler } from 'troupe';
import { cases, holds, replayToken, type Scenario, type Trial } from 'troupe/simulation';
import { BUGS, CORRECT, withNoise } from './programs.ts';

function check<W>(scenario: Scenario<W>, options: fc.Parameters<[Trial<W>]> = {}) {
  return fc.check(fc.property(cases(scenario), holds), { seed: 7, numRuns: 500, ...options });
}

describe('cases, as an arbitrary of fast-check', () => {
  it.each(BUGS)(
    'fails for $name, and shrinks to a case of the same bug',
    (scenario, verdict, size) => {
      const noisy = { ...withNoise(scenario, 2, 4), name: scenario.name as string };
      const { failed, counterexample } = check(noisy);
      expect(failed).toBe(true);
      const [trial] = counterexample as [Trial];
      expect(trial.violation?.verdict).toBe(verdict);
      expect(replayToken(noisy, trial.token as string)).toMatchObject({
        drifted: false,
        violation: { verdict },
      });
      const { constraints, faults, choices } = replayToken(noisy, trial.token as string).case;
      expect(constraints.length + faults.length + Object.keys(choices).length).toBeLessThanOrEqual(
        size + 1,
      );
      expect(String(trial)).not.toMatch(/p[io]ng/);
    },
  );

  it('fails again, alike, with the seed and the path that fast-check prints', () => {
    const [scenario] = BUGS[1] as (typeof BUGS)[number];
    const first = check(scenario);
    const again = check(scenario, { path: first.counterexamplePath as string, endOnFailure: true });
    expect(again.failed).toBe(true);
    expect(again.numShrinks).toBe(0);
    expect(String(again.counterexample?.[0])).toBe(String(first.counterexample?.[0]));
  });

  it.each(CORRECT)('holds for the correct program $name', (scenario) => {
    expect(check(scenario, { numRuns: 50 })).toMatchObject({ failed: false });
  });

  it('fails for a program that draws chance of its own, and says where', () => {
    const drawing: Scenario = {
      name: 'drawing',
      setup({ spawn, send }) {
        const agent = fromHandler({
          receive: (_state: undefined, _event: { type: 'go' }) => void Math.random(),
        });
        send(spawn(agent, { id: 'A' }), { type: 'go' });
      },
    };
    const { failed, counterexample } = check(drawing, { numRuns: 1, endOnFailure: true });
    expect(failed).toBe(true);
    expect(counterexample?.[0].violation?.message).toMatch(/^A uses Math\.random in a step/);
  });

  it('shrinks the workload together with the schedule', () => {
    const queue: Scenario<number[]> = {
      name: 'queue',
      workload: fc.array(fc.nat(99), { maxLength: 8 }),
      setup({ spawn, send }, numbers) {
        const last = spawn(
          fromHandler({
            initial: () => -1,
            receive: (_last, { n }: { type: 'n'; n: number }) => n,
          }),
          { id: 'Last' },
        );
        for (const [index, n] of numbers.entries()) {
          const relay = spawn(
            fromHandler({
              receive: (_state: undefined, { n: number }: { type: 'n'; n: number }, ctx) =>
                ctx.send(last, { type: 'n', n: number }),
            }),
            { id: `R${index}` },
          );
          send(relay, { type: 'n', n });
        }
      },
      // Not so: any of them may be the last.
      eventually: { 'the last is below 50': (world) => world.state<number>('Last') < 50 },
    };
    const [trial] = check(queue).counterexample as [Trial<number[]>];
    expect(trial.workload).toEqual([50]);
    expect(String(trial)).toContain('first in, first out');
  });
});
