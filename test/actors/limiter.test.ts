import fc from 'fast-check';
import {
  TaskFailed,
  limited,
  limiter,
  perform,
  performer,
  type Portion,
  type ResourceLimit,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

interface Use extends Portion {
  readonly forMs: number;
  readonly fails?: boolean;
}

/** Lets many use one resource at once, and notes who had it when. */
async function use(limit: ResourceLimit, uses: readonly Use[], deadlineMs = 1_000_000) {
  const system = createTestSystem();
  const limits = system.spawn(limiter({ model: limit }), { id: 'limits' });
  const begun: { readonly who: number; readonly atMs: number }[] = [];
  let weight = 0;
  let heaviest = 0;
  const user = performer(
    'user',
    (task: Task<number>, run) => {
      const { forMs, fails = false, ...portion } = uses[task.input]!;
      return limited(
        run,
        limits,
        'model',
        function* () {
          begun.push({ who: task.input, atMs: run.now() });
          heaviest = Math.max(heaviest, (weight += portion.weight ?? 1));
          try {
            yield* run.sleep(forMs);
          } finally {
            weight -= portion.weight ?? 1;
          }
          if (fails)
            throw new TaskFailed({
              kind: 'rateLimited',
              message: '429',
              retry: { afterMs: 5_000 },
            });
          return task.input;
        },
        portion,
      );
    },
    { concurrency: 1_000 },
  );
  const ref = system.spawn(user, { id: 'user' });
  const outcomes = await system.run(
    Promise.all(
      uses.map((_, input) => perform(system, ref, { goal: 'use', input }, { deadlineMs })),
    ),
  );
  return { begun, heaviest, statuses: outcomes.map(({ status }) => status), outcomes };
}

describe('a limiter', () => {
  it('lets no more weight in than there is, and serves in the order of asking', async () => {
    const uses = [{ forMs: 10, weight: 2 }, { forMs: 10, weight: 3 }, { forMs: 10 }];
    const { begun, heaviest } = await use({ concurrency: 3 }, uses);
    expect(begun).toEqual([
      { who: 0, atMs: 0 },
      { who: 1, atMs: 10 },
      { who: 2, atMs: 20 },
    ]);
    expect(heaviest).toBe(3);
  });

  it('lets through what its bucket holds, and then as much as flows in', async () => {
    const uses = Array.from({ length: 4 }, () => ({ forMs: 0 }));
    const { begun } = await use({ perSecond: 2, burst: 2 }, uses);
    expect(begun.map(({ atMs }) => atMs)).toEqual([0, 0, 500, 1_000]);
  });

  it('pauses for everybody when the resource says so', async () => {
    const uses = [{ forMs: 10, fails: true }, { forMs: 10 }];
    const { begun, statuses } = await use({ concurrency: 1 }, uses);
    expect(statuses).toEqual(['failed', 'done']);
    expect(begun[1]).toEqual({ who: 1, atMs: 5_010 });
  });

  it('frees what its holder had when the holder ends, and forgets who waits no more', async () => {
    const uses = [{ forMs: 100 }, { forMs: 1_000_000 }, { forMs: 10 }, { forMs: 10 }];
    const { statuses, begun } = await use({ concurrency: 1 }, uses, 1_000);
    expect(statuses).toEqual(['done', 'failed', 'failed', 'failed']);
    expect(begun.map(({ who }) => who)).toEqual([0, 1]);
  });

  it('fails at once for a resource that there is not, and for more than there can be', async () => {
    const { outcomes } = await use({ concurrency: 2 }, [{ forMs: 1, weight: 3 }]);
    expect(outcomes[0]).toMatchObject({ status: 'failed', failure: { code: 'INVALID_OPTION' } });
  });

  it('starves nobody and never gives out more than there is', async () => {
    const uses = fc.array(
      fc.record({ forMs: fc.nat(50), weight: fc.integer({ min: 1, max: 4 }), tokens: fc.nat(3) }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(uses, async (all) => {
        const limit = { concurrency: 4, perSecond: 100, burst: 5 };
        const { begun, heaviest, statuses } = await use(limit, all);
        expect(statuses).toEqual(all.map(() => 'done'));
        expect(begun.map(({ who }) => who)).toEqual([...all.keys()]);
        expect(heaviest).toBeLessThanOrEqual(4);
      }),
      { numRuns: 30 },
    );
  });
});
