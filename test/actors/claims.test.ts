import fc from 'fast-check';
import { child, supervisor, type AnyRef, type Ref } from 'troupe';
import {
  claimable,
  claimant,
  claims,
  MemoryJournalStore,
  perform,
  performer,
  type ClaimedTask,
  type ClaimsEvent,
  type ClaimsOptions,
  type Completed,
  type Outcome,
  type Task,
} from 'troupe/actors';
import { explain, explore, type Scenario } from 'troupe/simulation';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

const done = (taskId: string, output: string): Outcome => ({
  status: 'done',
  taskId,
  output,
  spent: {},
});

/** A board, and a desk whose tasks lie on it. */
function setUp(options: ClaimsOptions = {}, system = createTestSystem()) {
  const board = system.spawn(claims(options), { id: 'board' });
  const desk = system.spawn(claimable<string, string>('desk', board), { id: 'desk' });
  const give = (id: string) => perform(system, desk, { id, goal: 'work', input: id });
  return { system, board, give };
}

/** Somebody who claims by hand. */
function hand(system: TestSystem, board: Ref<ClaimsEvent>) {
  const probe = system.probe<never>();
  const by = probe.ref as AnyRef;
  return {
    claim: () => board.ask({ type: 'claim', by }, { timeoutMs: Infinity }) as Promise<ClaimedTask>,
    complete: ({ task, token }: ClaimedTask, output: string) =>
      board.ask({
        type: 'complete',
        taskId: task.id,
        token,
        outcome: done(task.id, output),
      }) as Promise<Completed>,
    renew: ({ task, token }: ClaimedTask) => board.ask({ type: 'renew', taskId: task.id, token }),
  };
}

describe('claims', () => {
  it('give each task to one of those who are free, in the order of both', async () => {
    const { system, board, give } = setUp();
    const [ada, ben] = [hand(system, board), hand(system, board)];
    const claimed = Promise.all([ada.claim(), ben.claim()]);
    const outcomes = Promise.all([give('1'), give('2')]);
    const [first, second] = await system.run(claimed);
    expect([first.task.id, second.task.id]).toEqual(['1', '2']);
    await system.run(Promise.all([ada.complete(first, 'a'), ben.complete(second, 'b')]));
    expect((await outcomes).map((outcome) => 'output' in outcome && outcome.output)).toEqual([
      'a',
      'b',
    ]);
  });

  it('a late result of a lease that has run out is refused, and the one who took over counts', async () => {
    const { system, board, give } = setUp({ leaseMs: 1_000 });
    const [ada, ben] = [hand(system, board), hand(system, board)];
    const outcome = give('1');
    const lost = await system.run(ada.claim());
    const stolen = ben.claim();
    await system.advance(1_000);
    const second = await system.run(stolen);
    expect(second.task).toEqual(lost.task);
    expect(second.token).toBeGreaterThan(lost.token);
    expect(await system.run(ada.renew(lost))).toMatchObject({ isHeld: false });
    expect(await system.run(ada.complete(lost, 'late'))).toMatchObject({ counts: false });
    expect(await system.run(ben.complete(second, 'in time'))).toMatchObject({ counts: true });
    expect(await system.run(ben.complete(second, 'twice'))).toMatchObject({ counts: false });
    expect(await outcome).toMatchObject({ status: 'done', output: 'in time' });
  });

  it('who renews keeps the lease', async () => {
    const { system, board, give } = setUp({ leaseMs: 1_000 });
    const ada = hand(system, board);
    void give('1');
    const claimed = await system.run(ada.claim());
    for (let turn = 0; turn < 5; turn += 1) {
      await system.advance(900);
      expect(await system.run(ada.renew(claimed))).toMatchObject({ isHeld: true });
    }
  });

  it('fail a task that has lost one claimant too many, and name the last one', async () => {
    const { system, board, give } = setUp({ leaseMs: 1_000, lapsesMax: 2 });
    const outcome = give('1');
    const hands = [1, 2, 3, 4].map(() => hand(system, board).claim());
    void Promise.allSettled(hands);
    await system.advance(3_000);
    expect(await outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'unavailable', message: expect.stringContaining('3 who had claimed it') },
    });
  });

  it('a task that is wanted no more is called off at its claimant', async () => {
    const { system, board } = setUp({ leaseMs: 300 });
    let ended = '';
    const slow = performer('slow', function* (_: Task<string>, run) {
      run.signal.addEventListener('abort', () => (ended = `at ${system.nowMs}`));
      yield* run.sleep(100_000);
      return '';
    });
    system.spawn(claimant(board, slow), { id: 'ada' });
    const desk = claimable<string, string>('desk', board);
    const task = { goal: 'work', input: 'x' };
    const stop = new AbortController();
    const outcome = perform(system, desk, task, { signal: stop.signal });
    await system.advance(450);
    stop.abort('never mind');
    expect(await system.run(outcome)).toMatchObject({ status: 'cancelled' });
    await system.advance(50);
    expect(ended).toBe('at 500');
  });

  it('what the claimant spends is taken from the budget of the task', async () => {
    const { system, board } = setUp();
    const thrifty = performer('thrifty', (_: Task<string>, run) => {
      run.spend({ tokens: 30 });
      return '';
    });
    system.spawn(claimant(board, thrifty), { id: 'ada' });
    const desk = claimable<string, string>('desk', board);
    const options = { budget: { tokens: 100, hops: 3 } };
    const outcome = await system.run(perform(system, desk, { goal: 'work', input: 'x' }, options));
    expect(outcome).toMatchObject({ status: 'done', spent: { tokens: 30 } });
    const twice = await system.run(
      perform(system, desk, { goal: 'work', input: 'x' }, { budget: { tokens: 20 } }),
    );
    expect(twice).toMatchObject({ status: 'failed', failure: { kind: 'budgetExceeded' } });
  });

  it('a board that is killed goes on from its journal, and no task is lost or done twice', async () => {
    const system = createTestSystem();
    const store = new MemoryJournalStore();
    const top = supervisor({
      children: [child({ id: 'board', logic: claims({ store }), name: 'board' })],
    });
    await system.run(system.start(top, { id: 'top' }));
    const board = system.whereis('board') as Ref<ClaimsEvent>;
    const worked: string[] = [];
    const worker = performer('worker', function* ({ input }: Task<string>, run) {
      yield* run.sleep(100);
      worked.push(input);
      return input;
    });
    for (const id of ['ada', 'ben']) system.spawn(claimant(board, worker), { id });
    const desk = system.spawn(claimable<string, string>('desk', board), { id: 'desk' });
    const ids = ['1', '2', '3', '4', '5'];
    const outcomes = Promise.all(
      ids.map((id) => perform(system, desk, { id, goal: 'work', input: id })),
    );
    await system.advance(150);
    await system.run(board.kill());
    expect((await system.run(outcomes)).map(({ status }) => status)).toEqual(ids.map(() => 'done'));
    expect(worked.toSorted()).toEqual(ids);
  });

  it('no task is held by two, and each has one outcome, whoever is slow or killed (P1, R42)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 3 }),
        async (tookMs, killsMs) => {
          const store = new MemoryJournalStore();
          const { system, board, give } = setUp({ leaseMs: 300, lapsesMax: 20, store, key: 'k' });
          let turn = 0;
          const worker = performer('worker', function* ({ input }: Task<string>, run) {
            yield* run.sleep(tookMs[turn++ % tookMs.length]!);
            return input;
          });
          const logic = claimant(board, worker);
          const children = ['ada', 'ben', 'cem'].map((id) => child({ id, logic, name: id }));
          const top = supervisor({ children, intensity: 10 });
          await system.run(system.start(top, { id: 'top' }));
          const ids = ['1', '2', '3', '4', '5', '6'];
          const outcomes = Promise.all(ids.map(give));
          for (const [index, killMs] of killsMs.toSorted((a, b) => a - b).entries()) {
            await system.advance(Math.max(0, killMs - system.nowMs));
            const name = ['ada', 'ben', 'cem'][index]!;
            await system.run(system.whereis(name)!.kill());
          }
          expect((await system.run(outcomes)).map(({ status }) => status)).toEqual(
            ids.map(() => 'done'),
          );
          const ended = store
            .read('k', 0)
            .map(({ event }) => event as { type: string; id: string })
            .filter(({ type }) => type === 'ended');
          expect(ended.map(({ id }) => id).toSorted()).toEqual(ids);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('every order of events and crashes leaves each task with one outcome (P1)', () => {
    const outcomes: Outcome[] = [];
    const worker = performer('worker', ({ input }: Task<string>) => input);
    const scenario: Scenario = {
      name: 'two claimants, one of whom crashes',
      setup({ spawn, client }) {
        outcomes.length = 0;
        const board = spawn(claims({ leaseMs: Infinity }), { id: 'board' });
        for (const id of ['ada', 'ben']) spawn(claimant(board, worker), { id });
        const desk = spawn(claimable<string, string>('desk', board), { id: 'desk' });
        for (const id of ['a', 'b'])
          client(`boss-${id}`, function* (ctx) {
            const task = { id, goal: 'work', input: id };
            const asked = { type: 'task', task, by: ctx.self, timeoutMs: Infinity } as const;
            outcomes.push((yield* ctx.ask(desk, asked, { timeoutMs: Infinity })).outcome);
          });
      },
      faults: { crash: { of: ['ada'], max: 1 } },
      allow: { crashes: ['*'], deadLetters: ['*'], waiting: ['ada', 'ben'] },
      eventually: {
        'both are done, once': () =>
          outcomes.length === 2 && outcomes.every(({ status }) => status === 'done'),
      },
    };
    const report = explore(scenario, { schedules: 100, exhaustiveMs: 500 });
    expect(report.failure && explain(report)).toBeUndefined();
  });
});
