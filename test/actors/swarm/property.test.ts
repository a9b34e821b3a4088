// Whatever members do with a task: its goal stays, grants and time only shrink, hops are kept, and
// nothing that was found out is lost on the way (P1, P2, P14).

import fc from 'fast-check';
import {
  handoff,
  handoffOf,
  perform,
  performer,
  swarm,
  type Handoff,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { expect, it } from 'vitest';

const NAMES = ['a', 'b', 'c'] as const;
const GRANTS = ['read', 'write', 'pay'];
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('handoff' as const),
      to: fc.constantFrom(...NAMES, 'nobody'),
      mode: fc.constantFrom('transfer' as const, 'delegate' as const),
      isNew: fc.boolean(),
      grants: fc.option(fc.subarray(GRANTS), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom<'end' | 'fail'>('end', 'fail') }) },
);

it('a handoff gives on all there is, and no more than there is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), fc.nat(8), async (acts, hopLimit) => {
      const system = createTestSystem();
      const seen: Handoff[] = [];
      const had: { ms: number; tokens: number }[] = [];
      const member = (name: string) =>
        performer(name, function* (task: Task<unknown>, run) {
          const envelope = handoffOf(task)!;
          seen.push(envelope);
          had.push({ ms: run.remainingMs, tokens: run.left['tokens']! });
          yield* run.sleep(1);
          const next = acts[seen.length - 1] ?? { does: 'end' as const };
          if (next.does === 'fail') throw new Error('failed');
          if (next.does !== 'handoff') return 'done';
          const { to, mode, isNew, grants } = next;
          return handoff(to, {
            reason: 'drawn',
            mode,
            ...(isNew && { result: seen.length }),
            ...(grants !== undefined && { grants }),
          });
        });
      const members = { a: member('a'), b: member('b'), c: member('c') };
      const team = swarm('team', { members, entry: 'a', hopLimit, grants: GRANTS });
      const user = { identifiersAlreadyGiven: { order: '1' } };
      const spec = { goal: 'the goal', input: 1 as never, context: { user } };
      const budget = { tokens: 100 };
      const outcome = await system.run(perform(system, team, spec, { deadlineMs: 5_000, budget }));

      expect(['done', 'failed']).toContain(outcome.status);
      for (const [index, envelope] of seen.entries()) {
        expect(envelope.goal).toBe('the goal');
        expect(envelope.user).toMatchObject(user);
        expect(envelope.hops.used).toBeLessThanOrEqual(hopLimit);
        expect(envelope.chain.at(-1)?.agent).toBe(envelope.to);
        expect(had[index]!.ms).toBeLessThanOrEqual(envelope.remainingMs);
        expect(had[index]!.tokens).toBeLessThanOrEqual(envelope.budget['tokens']!);
        expect(GRANTS).toEqual(expect.arrayContaining([...envelope.grants!]));
        const before = seen[index - 1];
        if (before === undefined) continue;
        expect(envelope.remainingMs).toBeLessThan(before.remainingMs);
        expect(envelope.chain.slice(0, before.chain.length)).toEqual(before.chain);
        expect(envelope.results.slice(0, before.results.length)).toEqual(before.results);
        if (envelope.move === 'transfer' || envelope.move === 'delegate')
          expect(before.grants).toEqual(expect.arrayContaining([...envelope.grants!]));
      }
      await system.run(system.stop());
    }),
    { numRuns: 150 },
  );
});
