import fc from 'fast-check';
import { child, supervisor, type AnyRef } from 'troupe';
import {
  assignmentOf,
  digestOf,
  fanIn,
  MemoryJournalStore,
  overseer,
  perform,
  performer,
  rung,
  TaskFailed,
  type Assignment,
  type FailureKind,
  type Outcome,
  type OverseerOptions,
  type Task,
  type WorkEvent,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

/** What was done, by the key of the task, and by whom in which way. */
class World {
  readonly attempts: string[] = [];
  readonly #done = new Map<string, number>();

  /** An effect under a key: it is there once, however often it is tried. */
  effect(key: string): void {
    this.#done.set(key, (this.#done.get(key) ?? 0) + 1);
  }
  count(key: string): number {
    return this.#done.get(key) ?? 0;
  }
}

type Act = (name: string, assignment: Assignment) => FailureKind | 'crash host' | undefined;

/** A worker that takes 100 ms, and then does it or fails as `act` says. */
const worker = (name: string, world: World, act: Act = () => undefined) =>
  performer(name, function* (task: Task<string>, run) {
    const assignment = assignmentOf(task);
    const { strategy } = assignment;
    world.attempts.push(strategy === undefined ? name : `${name} ${strategy}`);
    yield* run.sleep(100);
    const kind = act(name, assignment);
    if (kind === 'crash host')
      run.ctx.exit(run.ctx.parent!, { type: 'crash', error: new Error('segfault') });
    if (kind === 'crash host') yield* run.sleep(Infinity);
    else if (kind !== undefined) throw new TaskFailed({ kind, message: `${name} cannot` });
    world.effect(assignment.idempotencyKey);
    return `${task.input} by ${name}`;
  });

function pool(
  names: readonly string[],
  world: World,
  act?: Act,
  options: Partial<OverseerOptions<string, string>> = {},
) {
  const workers = Object.fromEntries(names.map((name) => [name, worker(name, world, act)]));
  return overseer('pool', { workers, ...options });
}

const run = (system: TestSystem, host: ReturnType<typeof pool> | AnyRef, id = 't') =>
  system.run(
    perform(system, host as ReturnType<typeof pool>, { id, goal: 'work', input: id }),
  ) as Promise<Outcome<string>>;

describe('an overseer', () => {
  it('gives each task to the least loaded worker, and tells why', async () => {
    const system = createTestSystem();
    const world = new World();
    const decisions: unknown[] = [];
    system.inspect((event) => {
      if (event.type === 'report' && event.report.label === 'actors/decision')
        decisions.push(event.report.fields);
    });
    const host = system.spawn(pool(['ada', 'ben'], world), { id: 'pool' });
    const outcomes = await Promise.all(['1', '2', '3'].map((id) => run(system, host, id)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['done', 'done', 'done']);
    expect(world.attempts).toEqual(['ada', 'ben', 'ada']);
    expect(system.nowMs).toBe(200);
    expect(decisions[1]).toMatchObject({ what: 'ben', why: 'first by the least loaded of ben: 0' });
  });

  it('goes up its ladder: retry, another way, another worker, less, with all attempts told', async () => {
    const system = createTestSystem();
    const world = new World();
    const told: number[] = [];
    const act: Act = (_, { attempts }) => {
      told.push(attempts.length);
      return 'rateLimited';
    };
    const outcome = await run(
      system,
      pool(['ada', 'ben'], world, act, {
        ladder: [
          rung.retry(),
          rung.strategy('slowly'),
          rung.reassign(),
          rung.degrade((input, attempts) => `${input} without ${attempts.length}`),
        ],
      }),
    );
    expect(world.attempts).toEqual(['ada', 'ada', 'ada slowly', 'ben']);
    expect(told).toEqual([0, 1, 2, 3]);
    expect(outcome).toMatchObject({ status: 'partial', output: 't without 4', missing: ['t'] });
    expect(outcome.steps?.map(({ name }) => name)).toEqual([
      'ada',
      'ada',
      'ada, slowly',
      'ben',
      'degrade',
    ]);
  });

  it('escalates at the end of the ladder, with the history', async () => {
    const system = createTestSystem();
    const boss = performer('boss', ({ input }: Task<{ attempts: readonly unknown[] }>) => {
      return `done myself after ${input.attempts.length}`;
    });
    const ladder = [rung.reassign(), rung.escalate(boss)];
    const outcome = await run(
      system,
      pool(['ada', 'ben'], new World(), () => 'bug', { ladder }),
    );
    expect(outcome).toMatchObject({ status: 'done', output: 'done myself after 2' });
  });

  it('fails with every attempt as a cause when the ladder has ended', async () => {
    const system = createTestSystem();
    const outcome = await run(
      system,
      pool(['ada', 'ben'], new World(), () => 'unavailable'),
    );
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'unavailable', message: '3 attempts failed, the last one: ada cannot' },
    });
    if (outcome.status === 'failed') expect(outcome.failure.causes).toHaveLength(3);
  });

  it.each([
    ['blockedExternally', ['ada', 'ada slowly', 'ben']],
    ['guardDenied', ['ada']],
  ] as const)('leaves out the rungs that do not help against %s', async (kind, tried) => {
    const world = new World();
    const ladder = [rung.retry(3), rung.strategy('slowly'), rung.reassign()];
    await run(
      createTestSystem(),
      pool(['ada', 'ben'], world, () => kind, { ladder }),
    );
    expect(world.attempts).toEqual(tried);
  });

  it('waits as long as a failure asks for, and others go on meanwhile', async () => {
    const system = createTestSystem();
    const world = new World();
    const slow = performer('slow', ({ input }: Task<string>) => {
      world.attempts.push(`${input} at ${system.nowMs}`);
      if (world.attempts.length > 1) return input;
      const retry = { afterMs: 5_000 };
      throw new TaskFailed({ kind: 'rateLimited', message: '429', retry });
    });
    const host = system.spawn(overseer('pool', { workers: { slow } }), { id: 'pool' });
    await Promise.all([run(system, host, 'a'), run(system, host, 'b')]);
    expect(world.attempts).toEqual(['a at 0', 'b at 0', 'a at 5000']);
  });

  it('does no work twice that is asked for twice under one id', async () => {
    const system = createTestSystem();
    const world = new World();
    const host = system.spawn(pool(['ada', 'ben'], world), { id: 'pool' });
    const [first, second] = await Promise.all([run(system, host), run(system, host)]);
    const third = await run(system, host);
    expect(world.count('t')).toBe(1);
    expect([first, second, third].map((outcome) => 'output' in outcome && outcome.output)).toEqual([
      't by ada',
      't by ada',
      't by ada',
    ]);
    const task = { id: 't', goal: 'work', input: 'other' };
    const other = await system.run(perform(system, host, task));
    expect(other).toMatchObject({ status: 'failed', failure: { kind: 'invalidInput' } });
  });

  it('the result of a worker that was too slow for its lease does not count', async () => {
    const system = createTestSystem();
    const world = new World();
    const act: Act = (name) => (name === 'ada' ? 'crash host' : undefined);
    const outcome = await run(
      system,
      pool(['ada', 'ben'], world, act, { attemptMs: 50, ladder: [rung.reassign()] }),
    );
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });
    expect(world.attempts).toEqual(['ada', 'ben']);
  });

  it('opens the breaker of a worker that fails again and again, and tries it later', async () => {
    const system = createTestSystem();
    const world = new World();
    const act: Act = (name) => (name === 'ada' && system.nowMs < 5_000 ? 'crash' : undefined);
    const host = system.spawn(
      pool(['ada', 'ben'], world, act, { breaker: { failuresMax: 2, openMs: 9_000 } }),
      { id: 'pool' },
    );
    for (const id of ['1', '2', '3', '4']) await run(system, host, id);
    expect(world.attempts).toEqual(['ada', 'ben', 'ada', 'ben', 'ben', 'ben']);
    await system.advance(9_000);
    await run(system, host, '5');
    expect(world.attempts.at(-1)).toBe('ada');
  });

  it('a worker that crash-loops is given up, and its siblings do not notice (P11)', async () => {
    const system = createTestSystem();
    const world = new World();
    const act: Act = (name) => (name === 'ada' ? 'crash host' : undefined);
    const lives: string[] = [];
    system.inspect((event) => event.type === 'restarted' && lives.push(event.path));
    const host = system.spawn(
      pool(['ada', 'ben', 'cem'], world, act, {
        intensity: 1,
        breaker: { failuresMax: 9, openMs: 1 },
      }),
      { id: 'pool' },
    );
    const outcomes = await Promise.all(
      ['1', '2', '3', '4', '5', '6'].map((id) => run(system, host, id)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill('done'));
    const there = (id: string) => system.whereis(`/pool/team/crew/${id}`) !== undefined;
    expect(['ada', 'ben', 'cem', 'desk'].filter(there)).toEqual(['ben', 'cem', 'desk']);
    expect(lives).toEqual(['/pool/team/crew/ada/agent']);
    expect(world.attempts.filter((name) => name === 'ada')).toHaveLength(2);
  });

  it('an overseer is a worker of another one: what it cannot do, that one gives to somebody else', async () => {
    const world = new World();
    const act: Act = (name) => (name === 'cem' ? undefined : 'crash');
    const outcome = await run(
      createTestSystem(),
      overseer('head', {
        workers: { left: pool(['ada', 'ben'], world, act), right: pool(['cem'], world, act) },
        ladder: [rung.reassign()],
      }),
    );
    expect(outcome).toMatchObject({ status: 'done', output: 't by cem' });
    expect(world.attempts).toEqual(['ada', 'ben', 'ada', 'cem']);
  });

  it('an attempt that is lost does not take the budget of the others with it', async () => {
    const system = createTestSystem();
    const act: Act = (name) => (name === 'ada' ? 'crash host' : undefined);
    const host = pool(['ada', 'ben'], new World(), act);
    const task = { goal: 'work', input: 'x' };
    const outcome = await system.run(perform(system, host, task, { budget: { tokens: 30 } }));
    expect(outcome).toMatchObject({ status: 'done', spent: { tokens: 10 } });
  });

  it.each([
    { workers: {} },
    { workers: { desk: worker('w', new World()) } },
    { workers: { w: worker('w', new World()) }, attemptMs: 0 },
    { workers: { w: worker('w', new World()) }, breaker: { failuresMax: -1 } },
  ])('refuses options that make no sense (%#)', (options) => {
    expect(() => overseer('pool', options)).toThrow(/allowed/);
  });
});

describe('a desk that is killed', () => {
  const ids = Array.from({ length: 12 }, (_, index) => `t${index}`);

  it.each([0, 50, 100, 150, 250, 400])(
    'at %i ms is started again, and no work is lost or done twice (R6)',
    async (killMs) => {
      const system = createTestSystem();
      const world = new World();
      const host = system.spawn(pool(['ada', 'ben', 'cem'], world), { id: 'pool' });
      const outcomes = Promise.all(
        ids.map((id) => perform(system, host, { id, goal: 'work', input: id })),
      );
      await system.advance(killMs);
      await system.run(system.whereis('/pool/team/crew/desk')!.kill());
      expect((await system.run(outcomes)).map(({ status }) => status)).toEqual(
        ids.map(() => 'done'),
      );
      expect(ids.map((id) => world.count(id))).toEqual(ids.map(() => 1));
      expect(world.attempts).toHaveLength(ids.length);
      // What was under way went on: the kill cost no time.
      expect(system.nowMs).toBe(400);
    },
  );

  it('the whole overseer is killed: with its journal, only what had not ended is done again', async () => {
    const system = createTestSystem();
    const world = new World();
    const store = new MemoryJournalStore();
    const logic = pool(['ada', 'ben'], world, undefined, { store, attemptMs: 1_000 });
    const top = supervisor({ children: [child({ id: 'pool', logic, name: 'pool' })] });
    await system.run(system.start(top, { id: 'top' }));
    const ref = system.whereis('pool') as unknown as typeof logic;
    const all = () =>
      Promise.all(
        ['1', '2', '3', '4'].map((id) => perform(system, ref, { id, goal: 'work', input: id })),
      );
    const first = all();
    await system.advance(150);
    await system.run(system.whereis('pool')!.kill());
    const statuses = (await first).map(({ status }) => status);
    expect(statuses).toEqual(['done', 'done', 'failed', 'failed']);
    const again = (await system.run(all())).map(({ status }) => status);
    expect(again).toEqual(['done', 'done', 'done', 'done']);
    expect(['1', '2', '3', '4'].map((id) => world.count(id))).toEqual([1, 1, 1, 1]);
  });
});

describe('an overseer that takes over a journal', () => {
  it('waits for a lease of the former life to run out, and does the work then', async () => {
    const system = createTestSystem();
    const world = new World();
    const store = new MemoryJournalStore();
    const lease = { token: 7, holder: 'gone/run', worker: 'ada', step: 0, termMs: 3_000 };
    const past: WorkEvent[] = [
      { type: 'accepted', id: 't', digest: digestOf('t') },
      { type: 'leased', id: 't', lease },
    ];
    store.append(
      'pool',
      0,
      past.map((event, at) => ({ seq: at + 1, version: 1, event })),
    );
    const outcome = await run(system, pool(['ada'], world, undefined, { store, key: 'pool' }));
    expect(outcome).toMatchObject({ status: 'done' });
    expect(system.nowMs).toBe(3_100);
    expect(store.read('pool', 2).map(({ event }) => (event as WorkEvent).type)).toEqual([
      'lapsed',
      'leased',
      'ended',
    ]);
  });
});

describe('two overseers with one journal', () => {
  it('never give the same work to two workers', async () => {
    const system = createTestSystem();
    const world = new World();
    const shared = { store: new MemoryJournalStore(), key: 'pool' };
    const hosts = ['left', 'right'].map((id) =>
      system.spawn(pool([`${id}-ada`, `${id}-ben`], world, undefined, shared), { id }),
    );
    const ids = ['1', '2', '3', '4', '5', '6'];
    const both = (ask: readonly string[]) =>
      Promise.all(
        ask.map((id, index) =>
          perform(
            system,
            hosts[index % 2]!,
            { id, goal: 'work', input: id },
            { deadlineMs: 9_000 },
          ),
        ),
      );
    const first = await system.run(both(ids));
    expect(first.map(({ status }) => status)).toEqual(ids.map(() => 'done'));
    // Now each asks the other one.
    const again = await system.run(both(['6', ...ids.slice(0, 5)]));
    expect(again.map(({ status }) => status)).toEqual(ids.map(() => 'done'));
    expect(world.attempts).toHaveLength(ids.length);
    expect(ids.map((id) => world.count(id))).toEqual(ids.map(() => 1));
  });
});

describe('every accepted task has exactly one outcome (P1)', () => {
  const kinds = ['crash', 'crash host', 'rateLimited', 'blockedExternally', undefined] as const;

  it('whatever its workers do, and whenever the desk is killed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 800 }),
        fc.integer({ min: 1, max: 3 }),
        async (fates, killMs, workers) => {
          const system = createTestSystem();
          const world = new World();
          let turn = 0;
          const act: Act = () => fates[turn++ % fates.length];
          const store = new MemoryJournalStore();
          const names = ['ada', 'ben', 'cem'].slice(0, workers);
          const logic = pool(names, world, act, {
            store,
            key: 'pool',
            intensity: 100,
            breaker: { failuresMax: 1_000 },
            attemptMs: 1_000,
            ladder: [rung.retry(2), rung.strategy('other'), rung.reassign()],
          });
          const host = system.spawn(
            fanIn('all', { worker: logic, collect: (slots) => slots, concurrency: 20 }),
            { id: 'all' },
          );
          const input = Array.from({ length: 8 }, (_, index) => `${index}`);
          const outcome = perform(system, host, { id: 't', goal: 'work', input });
          await system.advance(killMs);
          await system.run(system.whereis('/all/team/worker/team/crew/desk')!.kill());
          const { status } = await system.run(outcome);
          expect(['done', 'partial', 'failed']).toContain(status);
          const ended = store
            .read('pool', 0)
            .map(({ event }) => event as WorkEvent)
            .filter(({ type }) => type === 'ended');
          expect(ended).toHaveLength(8);
          expect(new Set(ended.map(({ id }) => id)).size).toBe(8);
          for (const event of ended) {
            if (event.type !== 'ended') continue;
            expect(world.count(event.id)).toBe(event.outcome.status === 'done' ? 1 : 0);
          }
          await system.settle();
        },
      ),
      { numRuns: 60 },
    );
  });
});
