// The promises of the library, one section each, for teams that are drawn: on virtual time, with a
// turn order that is drawn too. What crashes bring is explored in explored.test.ts.

import { fc, test } from '@fast-check/vitest';
import type { AgentInfo } from 'troupe';
import {
  join,
  perform,
  performer,
  performerTool,
  type Outcome,
  type PerformerRef,
  type Task,
  type Work,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { Witness, has, limits, plans, teamOf, type Plan } from './teams.ts';

/** `TROUPE_RUNS` makes it many more. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1) * 60;
const BUDGET = { tokens: 150, calls: 40, hops: 8 };
const seeds = fc.integer({ min: 1, max: 2 ** 31 });

/** Has a team do one task, in an order of turns that follows from the seed. */
async function play(plan: Plan, seed: number, cancelAtMs?: number) {
  let state = seed;
  const pick = (ready: number): number => {
    state = (Math.imul(state, 48_271) >>> 0) % 0x7f_ff_ff_ff;
    return state % ready;
  };
  const system = createTestSystem({ seed, pick });
  const witness = new Witness();
  system.spawn(limits, { id: 'limits' });
  const host = system.spawn(teamOf(plan, witness), { id: 'host' });
  const cancel = new AbortController();
  const options = { deadlineMs: 1_000, budget: BUDGET, signal: cancel.signal };
  let outcomes = 0;
  const ended = perform(system, host, { id: 't', goal: 'go', input: 1 }, options);
  void ended.then(() => (outcomes += 1));
  if (cancelAtMs !== undefined) {
    await system.advance(cancelAtMs);
    cancel.abort('not wanted');
  }
  const outcome: Outcome<number> = await system.run(ended);
  const endedMs = system.nowMs;
  await system.advance(5_000);
  return { system, witness, outcome, outcomes, endedMs };
}

/** The runs that are left. */
function runs(system: TestSystem): string[] {
  const below = ({ path, children }: AgentInfo): string[] => [path, ...children.flatMap(below)];
  return system
    .agents()
    .flatMap(below)
    .filter((path) => path.includes('$'));
}

describe('P1, P3: a task', () => {
  test.prop([plans, seeds], { numRuns: RUNS })(
    'of any team has one outcome by its deadline, and nothing of it is left',
    async (plan, seed) => {
      const { system, outcome, outcomes, endedMs, witness } = await play(plan, seed);
      expect(outcomes).toBe(1);
      expect(['done', 'partial', 'failed']).toContain(outcome.status);
      expect(endedMs).toBeLessThanOrEqual(1_100);
      expect(runs(system)).toEqual([]);
      expect(witness.held).toBe(0);
    },
  );
});

describe('P2: agents that use each other as tools', () => {
  const edges = fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), {
    minLength: 4,
    maxLength: 4,
  });
  test.prop([edges, fc.nat(6), fc.integer({ min: 1, max: 60 })], { numRuns: RUNS })(
    'stop at the hops and the calls of the task, however they are wired',
    async (wires, hops, calls) => {
      const system = createTestSystem();
      let deepest = 0;
      let works = 0;
      const members: PerformerRef<number, number>[] = [];
      for (const [at, others] of wires.entries()) {
        const work = function* (task: Task<number>, run: Parameters<Work<number, number>>[1]) {
          works += 1;
          deepest = Math.max(deepest, task.input);
          for (const other of others) {
            const tool = performerTool(members[other]!, {
              description: 'helps',
              input: z.number(),
            });
            try {
              yield* tool.call(task.input + 1, run) as Generator<never, unknown>;
            } catch {
              // The next may still have something left.
            }
          }
          return task.input;
        };
        members.push(
          system.spawn(performer(`m${at}`, work, { concurrency: 100 }), { id: `m${at}` }),
        );
      }
      const task = { goal: 'go', input: 0 };
      const outcome = await system.run(
        perform(system, members[0]!, task, { budget: { hops, calls }, deadlineMs: 1_000 }),
      );
      expect(outcome.status).toBe('done');
      expect(deepest).toBe(Math.min(hops, calls));
      expect(works).toBeLessThanOrEqual(calls + 1);
    },
  );
});

describe('P5: a fan-in', () => {
  test.prop([plans, seeds], { numRuns: RUNS })(
    'collects at most once for each task, one slot for each branch in their order',
    async (plan, seed) => {
      const { witness } = await play({ type: 'jury', of: [plan, plan], join: join.all() }, seed);
      for (const times of witness.collected.values()) {
        expect(times).toHaveLength(1);
        expect(times[0]).toEqual(
          times[0]!.map((_, at) => `${times[0]![0] === 'm0' ? 'm' : ''}${at}`),
        );
      }
      expect([...witness.collected.values()]).toContainEqual([['m0', 'm1']]);
    },
  );
});

describe('P9: a task that is cancelled', () => {
  test.prop([plans, seeds, fc.nat(5)], { numRuns: RUNS })(
    'is worked on by nobody from then on, however deep',
    async (plan, seed, cancelAtMs) => {
      // What a fan-out has sent off is wanted by nobody, and goes on.
      fc.pre(!has(plan, 'announce'));
      const { system, witness, outcome } = await play(plan, seed, cancelAtMs);
      if (outcome.status === 'cancelled') expect(witness.latestMs).toBeLessThanOrEqual(cancelAtMs);
      expect(runs(system)).toEqual([]);
      expect(witness.held).toBe(0);
    },
  );
});

describe('P10, P14: what a team spends and how long it works', () => {
  test.prop([plans, seeds], { numRuns: RUNS })(
    'is never more than each of them was granted, and the outcome owns up to all of it',
    async (plan, seed) => {
      const { witness, outcome } = await play(plan, seed);
      expect(witness.overdrawn).toEqual([]);
      const spent = witness.accounts.reduce((sum, account) => sum + account.spent, 0);
      expect(spent).toBeLessThanOrEqual(outcome.spent['tokens'] ?? 0);
      expect(outcome.spent['tokens'] ?? 0).toBeLessThanOrEqual(BUDGET.tokens + 1e-6);
      expect(witness.latestMs).toBeLessThanOrEqual(1_000);
    },
  );
});

describe('P11: a member that crashes', () => {
  const crashes = fc.array(
    fc.record({
      afterMs: fc.constantFrom(1_000, 3_000, 6_000),
      who: fc.constantFrom('a', 'b', 'c'),
    }),
    { maxLength: 8 },
  );
  test.prop([crashes], { numRuns: RUNS })(
    'is started again without its siblings, until there are more crashes in a period than allowed',
    async (events) => {
      const system = createTestSystem();
      const idle = performer('idle', (task: Task<number>) => task.input);
      const team = performer('team', () => 1, { team: { a: idle, b: idle, c: idle } });
      system.spawn(team, { id: 'host' });
      const lives: Record<string, number> = { a: 0, b: 0, c: 0 };
      system.inspect((event) => {
        const name = event.type === 'started' && event.path.match(/^[/]host[/]team[/](\w)$/)?.[1];
        if (typeof name === 'string') lives[name]! += 1;
      });
      await system.settle();
      const expected: Record<string, number> = { a: 1, b: 1, c: 1 };
      let latestMs = -Infinity;
      for (const { afterMs, who } of events) {
        await system.advance(afterMs);
        await system.crash(system.whereis(`/host/team/${who}`)!);
        await system.settle();
        const isOneTooMany = system.nowMs - latestMs <= 5_000;
        latestMs = system.nowMs;
        if (isOneTooMany) {
          expect(system.whereis('/host')).toBeUndefined();
          break;
        }
        expected[who]! += 1;
        expect(lives).toEqual(expected);
      }
      expect(lives).toEqual(expected);
    },
  );
});

describe('P15: a team', () => {
  test.prop([plans, seeds, fc.option(fc.nat(5), { nil: undefined })], { numRuns: RUNS })(
    'does the same in the same order with the same seed',
    async (plan, seed, cancelAtMs) => {
      const first = await play(plan, seed, cancelAtMs);
      const second = await play(plan, seed, cancelAtMs);
      expect(second.witness.story).toEqual(first.witness.story);
      expect(second.outcome).toEqual(first.outcome);
    },
  );
});

describe('P16: a performer with more tasks than it can hold', () => {
  const uses = fc.array(fc.nat(5), { minLength: 1, maxLength: 30 });
  const few = fc.integer({ min: 1, max: 4 });
  test.prop([uses, few, few], { numRuns: RUNS })(
    'keeps within its bounds, refuses the rest, and begins the others in the order that they came',
    async (times, capacityMessages, concurrency) => {
      const system = createTestSystem();
      const begun: number[] = [];
      let busy = 0;
      let busiest = 0;
      const work = performer(
        'worker',
        function* (task: Task<number>, run) {
          begun.push(task.input);
          busiest = Math.max(busiest, (busy += 1));
          yield* run.sleep(times[task.input]!);
          busy -= 1;
          return task.input;
        },
        { concurrency },
      );
      const mailbox = { capacityMessages, capacityPostponed: capacityMessages };
      const worker = system.spawn(work, { id: 'w', mailbox });
      let deepest = 0;
      system.inspect(() => {
        const info = system.agents().find(({ path }) => path === '/w');
        deepest = Math.max(deepest, info?.queuedMessages ?? 0);
      });
      const outcomes = await system.run(
        Promise.all(
          times.map((_, input) =>
            perform(system, worker, { goal: 'work', input }, { deadlineMs: 1_000 }),
          ),
        ),
      );
      const done = outcomes.flatMap((outcome) => ('output' in outcome ? [outcome.output] : []));
      expect(begun).toEqual(done);
      expect(busiest).toBeLessThanOrEqual(concurrency);
      expect(done.length).toBeGreaterThanOrEqual(Math.min(times.length, capacityMessages));
      for (const outcome of outcomes)
        if (outcome.status !== 'done')
          expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'unavailable' } });
      expect(deepest).toBeLessThanOrEqual(2 * capacityMessages);
    },
  );
});
