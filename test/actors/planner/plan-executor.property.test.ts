import fc from 'fast-check';
import {
  TaskFailed,
  capability,
  perform,
  performer,
  planExecutor,
  registry,
  type Plan,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { expect, it } from 'vitest';

/** Plans of any form: each step needs some of those before it, and does as it is told. */
const anyPlan = fc
  .array(
    fc.record({
      does: fc.constantFrom('ok', 'ok', 'ok', 'fails', 'hangs', 'crashes'),
      needs: fc.array(fc.nat(7), { maxLength: 3 }),
      takesMs: fc.nat(50),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((drawn) =>
    drawn.map(({ needs, ...rest }, index) => ({
      ...rest,
      id: `s${index}`,
      needs: [...new Set(needs.filter((need) => need < index).map((need) => `s${need}`))],
    })),
  );

it('of any plan exactly that is done which can be, within what was granted', async () => {
  const tokens = fc.integer({ min: 1, max: 60 });
  await fc.assert(
    fc.asyncProperty(
      anyPlan,
      fc.integer({ min: 1, max: 4 }),
      tokens,
      async (drawn, concurrency, budget) => {
        let running = 0;
        let most = 0;
        let spent = 0;
        const began: string[] = [];
        const worker = performer('worker', function* ({ input }: Task<(typeof drawn)[0]>, run) {
          run.spend({ tokens: 1 });
          spent += 1;
          began.push(input.id);
          running += 1;
          most = Math.max(most, running);
          try {
            yield* run.sleep(input.does === 'hangs' ? Infinity : input.takesMs);
            if (input.does === 'fails') throw new TaskFailed({ kind: 'toolError', message: 'no' });
            if (input.does === 'crashes') throw new TypeError('a bug');
            return input.id;
          } finally {
            running -= 1;
          }
        });
        const skills = registry({
          do: capability({ description: 'does it', workers: { ada: { performer: worker } } }),
        });
        const plan: Plan = {
          ladder: [],
          steps: drawn.map((each) => ({
            id: each.id,
            capability: 'do',
            input: { from: 'literal', value: each },
            needs: each.needs,
            timeoutMs: 60,
          })),
        };
        const system = createTestSystem();
        const desk = planExecutor('desk', { registry: skills, plan, concurrency });
        const task = { goal: 'go', input: undefined };
        const options = { deadlineMs: 60_000, budget: { tokens: budget } };
        const outcome = await system.run(perform(system, desk, task, options));

        const can = new Set<string>();
        for (const { id, does, needs } of drawn)
          if (does === 'ok' && needs.every((need) => can.has(need))) can.add(id);
        const cannot = drawn.map(({ id }) => id).filter((id) => !can.has(id));
        const isEnough = budget >= drawn.length;
        if (isEnough) {
          const status = cannot.length === 0 ? 'done' : can.size === 0 ? 'failed' : 'partial';
          expect(outcome.status).toBe(status);
          if (outcome.status === 'partial') expect(outcome.missing).toEqual(cannot);
        }
        for (const { id, needs } of drawn)
          if (began.includes(id)) expect(needs.every((need) => can.has(need))).toBe(true);
        expect(new Set(began).size).toBe(began.length);
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(spent).toBeLessThanOrEqual(budget);
        expect(outcome.spent['tokens']).toBeLessThanOrEqual(budget);
        expect(outcome.spent['tokens']).toBeGreaterThanOrEqual(spent);
        await system.stop();
      },
    ),
    { numRuns: 60 },
  );
});
