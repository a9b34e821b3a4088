import fc from 'fast-check';
import {
  concatenate,
  ensemble,
  fanIn,
  join,
  judge,
  merge,
  perform,
  performer,
  rank,
  vote,
  TaskFailed,
  type Join,
  type Outcome,
  type Slot,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';

/** What a branch does: after so long it says its value, fails, or never says anything. */
interface Say {
  readonly afterMs: number;
  readonly how: 'ok' | 'fail' | 'silent';
  readonly value?: number;
}
const ok = (value: number, afterMs = 0): Say => ({ how: 'ok', value, afterMs });
const failing = (afterMs = 0): Say => ({ how: 'fail', afterMs });
const silence: Say = { how: 'silent', afterMs: 0 };

function speaker(begun: number[] = []) {
  return performer(
    'speaker',
    function* ({ input }: Task<Say>, run) {
      begun.push(input.value ?? -1);
      yield* run.sleep(input.how === 'silent' ? 1_000_000_000 : input.afterMs);
      if (input.how === 'fail') throw new Error('CAPTCHA');
      return input.value ?? 0;
    },
    { concurrency: 100 },
  );
}

/** Runs a fan-in over what the branches say; counts how often the collector ran. */
async function fan(says: readonly Say[], policy: Join, deadlineMs = 60_000, concurrency = 8) {
  const system = createTestSystem();
  let collected = 0;
  const begun: number[] = [];
  const team = fanIn('team', {
    worker: speaker(begun),
    join: policy,
    concurrency,
    collect: (slots) => {
      collected += 1;
      return slots;
    },
  });
  const task = { goal: 'listen', input: says };
  const outcome = await system.run(perform(system, team, task, { deadlineMs }));
  const tookMs = system.nowMs;
  await system.settle();
  expect(system.agents()).toEqual([]);
  return { outcome, collected, tookMs, begun };
}

const slotsOf = (outcome: Outcome<readonly Slot<number>[]>): readonly Slot<number>[] =>
  outcome.status === 'failed'
    ? (outcome.failure.partial as readonly Slot<number>[])
    : outcome.status === 'cancelled'
      ? []
      : outcome.output;
const statuses = (outcome: Outcome<readonly Slot<number>[]>) =>
  slotsOf(outcome).map(({ status }) => status);

describe('a fan-in', () => {
  it('has one slot for each input, in the order of the inputs', async () => {
    const { outcome } = await fan([ok(1, 30), ok(2, 10), ok(3, 20)], join.all());
    expect(outcome).toMatchObject({
      status: 'done',
      output: [
        { name: '0', output: 1 },
        { name: '1', output: 2 },
        { name: '2', output: 3 },
      ],
    });
  });

  it('one failing branch leaves its siblings their results', async () => {
    const { outcome, collected } = await fan([ok(1), failing(), ok(3, 50)], join.all());
    expect(statuses(outcome)).toEqual(['ok', 'failed', 'ok']);
    expect(outcome).toMatchObject({
      status: 'partial',
      missing: ['1'],
      failures: [{ kind: 'crash', message: 'CAPTCHA' }],
    });
    expect(collected).toBe(1);
  });

  it('a silent member does not hang the team, nor lose what the others did', async () => {
    const { outcome, tookMs } = await fan([ok(1), silence, ok(3)], join.all(), 1_000);
    expect(statuses(outcome)).toEqual(['ok', 'timedOut', 'ok']);
    expect(outcome.status).toBe('partial');
    expect(tookMs).toBe(900);
  });

  it('fails with all causes when nothing came, and the collector has run', async () => {
    const { outcome, collected } = await fan([failing(), failing()], join.all());
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'dependencyFailed', causes: [{ kind: 'crash' }, { kind: 'crash' }] },
    });
    expect(collected).toBe(1);
  });

  it('a quorum ends when it is reached, and cancels the rest', async () => {
    const { outcome, tookMs } = await fan([ok(1, 10), silence, ok(3, 20)], join.quorum(2));
    expect(outcome.status).toBe('done');
    expect(statuses(outcome)).toEqual(['ok', 'cancelled', 'ok']);
    expect(tookMs).toBe(20);
  });

  it('a quorum fails as soon as it cannot be reached', async () => {
    const { outcome, tookMs } = await fan([failing(10), failing(20), silence], join.quorum(2));
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'dependencyFailed' } });
    expect(tookMs).toBe(20);
  });

  it('the first is enough for first(1), and who has not begun never does', async () => {
    const says = [silence, ok(2, 5), ok(3, 1), ok(4)];
    const { outcome, begun } = await fan(says, join.first(), 60_000, 2);
    expect(statuses(outcome)).toEqual(['cancelled', 'ok', 'skipped', 'skipped']);
    expect(outcome.status).toBe('done');
    expect(begun).toEqual([-1, 2]);
  });

  it('a best effort takes what is there when time is up', async () => {
    const { outcome, tookMs } = await fan([ok(1, 10), ok(2, 500)], join.bestEffort(100));
    expect(statuses(outcome)).toEqual(['ok', 'timedOut']);
    expect(tookMs).toBe(100);
  });

  it('is done with nothing to do', async () => {
    const { outcome, collected } = await fan([], join.all());
    expect([outcome.status, collected]).toEqual(['done', 1]);
  });

  it('fires once and has as many slots as inputs, whatever the branches do (P5)', async () => {
    const say = fc.record({
      afterMs: fc.nat(50),
      how: fc.constantFrom<Say['how']>('ok', 'fail', 'silent'),
    });
    const policies = fc.oneof(
      fc.constant(join.all()),
      fc.integer({ min: 1, max: 4 }).map(join.quorum),
      fc.integer({ min: 1, max: 4 }).map(join.first),
      fc.integer({ min: 1, max: 60 }).map(join.bestEffort),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(say, { maxLength: 6 }),
        policies,
        fc.integer({ min: 1, max: 3 }),
        async (says, policy, concurrency) => {
          const { outcome, collected, tookMs } = await fan(says, policy, 200, concurrency);
          expect(collected).toBe(1);
          expect(slotsOf(outcome)).toHaveLength(says.length);
          expect(slotsOf(outcome).map(({ name }) => Number(name))).toEqual([...says.keys()]);
          expect(tookMs).toBeLessThanOrEqual(200);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('runs no more branches at a time than it may', async () => {
    const system = createTestSystem();
    let atOnce = 0;
    let most = 0;
    const worker = performer(
      'worker',
      function* (task: Task<number>, run) {
        most = Math.max(most, (atOnce += 1));
        yield* run.sleep(10);
        atOnce -= 1;
        return task.input;
      },
      { concurrency: 100 },
    );
    const team = fanIn('team', { worker, concurrency: 3, collect: (slots) => slots.length });
    const input = Array.from({ length: 10 }, (_, index) => index);
    const outcome = await system.run(perform(system, team, { goal: 'work', input }));
    expect(outcome).toMatchObject({ status: 'done', output: 10 });
    expect(most).toBe(3);
    expect(system.nowMs).toBe(40);
  });
});

describe('an aggregation', () => {
  const says = <T>(value: T) => performer('member', () => value);
  const of = async <T, R>(
    values: readonly T[],
    collect: Parameters<typeof ensemble<unknown, T, R>>[1]['collect'],
  ) => {
    const system = createTestSystem();
    const members = Object.fromEntries(values.map((value, at) => [`m${at}`, says(value)]));
    const team = ensemble<unknown, T, R>('team', { members, collect });
    return system.run(perform(system, team, { goal: 'agree', input: undefined }));
  };

  it('concatenates lists in the order of the members', async () => {
    expect(await of([[1, 2], [3]], concatenate<number>())).toMatchObject({ output: [1, 2, 3] });
  });

  it('merges objects, and names the key on which they disagree', async () => {
    const values = [{ a: 1 }, { a: 2, b: 3 }];
    expect(await of(values, merge<number>('last'))).toMatchObject({ output: { a: 2, b: 3 } });
    expect(
      await of(
        values,
        merge<number>((_, all) => Math.max(...all)),
      ),
    ).toMatchObject({
      output: { a: 2, b: 3 },
    });
    expect(await of(values, merge<number>())).toMatchObject({
      failure: { kind: 'invalidOutput', message: 'merge: m0, m1 disagree on "a"' },
    });
  });

  it('votes by majority, and by weight', async () => {
    expect(await of(['x', 'y', 'x'], vote<string>())).toMatchObject({ output: 'x' });
    expect(await of(['x', 'y', 'z'], vote<string>())).toMatchObject({ status: 'failed' });
    const weightOf = (name: string) => (name === 'm1' ? 5 : 1);
    expect(await of(['x', 'y', 'x'], vote<string>({ weightOf }))).toMatchObject({ output: 'y' });
  });

  it('ranks by score, equals in the order of the members', async () => {
    const outcome = await of(
      ['bb', 'a', 'cc'],
      rank<string>((text) => text.length, 2),
    );
    expect(outcome).toMatchObject({ output: [{ output: 'bb' }, { output: 'cc' }] });
  });

  it('lets a judge decide, and fails with it', async () => {
    const longest = performer('judge', ({ input }: Task<readonly { output: string }[]>) =>
      input.map(({ output }) => output).reduce((a, b) => (b.length > a.length ? b : a)),
    );
    expect(await of(['a', 'bbb'], judge<string, string>(longest))).toMatchObject({ output: 'bbb' });
    const tired = performer('judge', (): string => {
      throw new TaskFailed({ kind: 'modelRefusal', message: 'no' });
    });
    expect(await of(['a'], judge<string, string>(tired))).toMatchObject({
      failure: { kind: 'dependencyFailed', step: 'judge', causes: [{ kind: 'modelRefusal' }] },
    });
  });
});

it('a fan-in nests, and its types hold', async () => {
  const double = performer('double', (task: Task<number>) => task.input * 2);
  const inner = fanIn('inner', {
    worker: double,
    collect: (slots) =>
      slots.reduce((sum, slot) => sum + (slot.status === 'ok' ? slot.output : 0), 0),
  });
  const outer = fanIn('outer', { worker: inner, collect: (slots) => slots });
  const system = createTestSystem();
  const input = [[1, 2], [3]];
  const outcome = await system.run(perform(system, outer, { goal: 'sum', input }));
  expectTypeOf(outcome).toEqualTypeOf<Outcome<readonly Slot<number>[]>>();
  expect(outcome).toMatchObject({ status: 'done', output: [{ output: 6 }, { output: 6 }] });
});
