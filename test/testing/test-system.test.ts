// What `troupe/testing` promises of a system on virtual time.
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  child,
  fromHandler,
  supervisor,
  whichChildren,
  type AgentContext,
  type InspectionEvent,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type TestSystem, type TestSystemOptions } from 'troupe/testing';

afterEach(() => vi.restoreAllMocks());

const NEVER = new Promise<never>(() => undefined);

type Note = { readonly type: 'note'; readonly text: string };

/** Writes each message down, `afterMs` later. */
const writer = (diary: string[]) =>
  fromHandler({
    *receive(_state: undefined, event: Note & { readonly afterMs?: number }, ctx) {
      if (event.afterMs !== undefined) yield* ctx.wait(ctx.sleep(event.afterMs));
      diary.push(event.text);
    },
  });

const idle = fromHandler({ receive: () => undefined });

/** Never answers, for its handler waits for ever. */
const silent = fromHandler({
  *receive(_state: undefined, _event: { type: 'ask'; replyTo: ReplyTo<{ type: 'reply' }> }, ctx) {
    yield* ctx.wait(NEVER);
  },
});

const ticking = fromHandler({
  start: (_state: undefined, ctx: AgentContext<{ type: 'tick' }>) => {
    ctx.every(1, { type: 'tick' });
  },
  receive: () => undefined,
});

describe('step, settle and pick', () => {
  it('nothing runs before the test says so', async () => {
    const diary: string[] = [];
    const system = createTestSystem();
    system.spawn(writer(diary)).send({ type: 'note', text: 'a' });
    await Promise.resolve();
    expect(diary).toEqual([]);
    await system.settle();
    expect(diary).toEqual(['a']);
  });

  it('step lets one agent handle one message, and says whether anybody had something to do', () => {
    const diary: string[] = [];
    const system = createTestSystem();
    const ref = system.spawn(writer(diary));
    for (const text of ['a', 'b']) ref.send({ type: 'note', text });
    expect(system.step()).toBe(true);
    expect(diary).toEqual([]);
    expect(system.step()).toBe(true);
    expect(diary).toEqual(['a']);
    expect(system.step()).toBe(true);
    expect(diary).toEqual(['a', 'b']);
    expect(system.step()).toBe(false);
  });

  it('settle runs promise continuations too, and time stands still', async () => {
    const diary: string[] = [];
    const system = createTestSystem();
    const ref = system.spawn(writer(diary));
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => ref.send({ type: 'note', text: 'late' }));
    await system.settle();
    expect(diary).toEqual(['late']);
    expect(system.nowMs).toBe(0);
  });

  it('pick chooses who runs next among those that are ready', async () => {
    const diary: string[] = [];
    const system = createTestSystem({ pick: (readyCount) => readyCount - 1 });
    for (const text of ['a', 'b', 'c']) system.spawn(writer(diary)).send({ type: 'note', text });
    await system.settle();
    expect(diary).toEqual(['c', 'b', 'a']);
  });
});

describe('advance', () => {
  it('runs each timer when it is due, in the order of time, and settles after it', async () => {
    const diary: string[] = [];
    const system = createTestSystem();
    for (const afterMs of [30, 10, 20])
      system.spawn(writer(diary)).send({ type: 'note', text: `${afterMs}`, afterMs });
    await system.advance(20);
    expect(diary).toEqual(['10', '20']);
    expect(system.nowMs).toBe(20);
    await system.advance(9);
    expect(diary).toEqual(['10', '20']);
    await system.advance(1);
    expect(diary).toEqual(['10', '20', '30']);
  });

  it.each([-1, NaN, '5'])('refuses %s', async (ms) => {
    await expect(createTestSystem().advance(ms as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      field: 'advance',
    });
  });
});

describe('run', () => {
  it('lets time pass until the promise has settled, and gives its value', async () => {
    const system = createTestSystem();
    const logic = fromHandler({
      *receive(_state: undefined, _event: { type: 'go' }, ctx) {
        yield* ctx.wait(ctx.sleep(60_000));
        ctx.stop('done');
      },
    });
    const ref = system.spawn(logic);
    ref.send({ type: 'go' });
    expect(await system.run(ref.result())).toBe('done');
    expect(system.nowMs).toBe(60_000);
  });

  it('rejects with what the promise rejects with', async () => {
    const error = new Error('no');
    await expect(createTestSystem().run(Promise.reject(error))).rejects.toBe(error);
  });

  it('rejects when nothing is due and the promise never settles, and says who waits for what', async () => {
    const system = createTestSystem();
    const ref = system.spawn(silent, { id: 'silent' });
    system.spawn(idle, { id: 'idle' });
    const asked = ref.ask({ type: 'ask' }, { timeoutMs: Infinity });
    let realMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (realMs += 1));
    await expect(system.run(asked)).rejects.toMatchObject({
      name: 'NotSettled',
      code: 'NOT_SETTLED',
      fields: {
        requests: ['"ask" by local/#ask1 of local/silent (started)'],
        agents: ['/silent (in a wait, 0 queued)'],
      },
    });
  });

  it('waits for real I/O while nothing is due', async () => {
    const system = createTestSystem();
    expect(await system.run(readFile(new URL(import.meta.url), 'utf8'))).toContain('real I/O');
    expect(system.nowMs).toBe(0);
  });

  it('rejects when only periodic timers are due and the promise never settles', async () => {
    const system = createTestSystem();
    system.spawn(ticking);
    await expect(system.run(NEVER)).rejects.toMatchObject({
      code: 'NOT_SETTLED',
      fields: { after: '100000 virtual timers' },
    });
  }, 60_000);
});

describe('crash', () => {
  const boom = new Error('boom');

  function watched(options: TestSystemOptions = {}): {
    system: TestSystem;
    crashed: () => string[];
  } {
    const events: InspectionEvent[] = [];
    const system = createTestSystem(options);
    system.inspect((event) => events.push(event));
    return {
      system,
      crashed: () =>
        events.flatMap((event) =>
          event.type === 'crashed' && event.error === boom ? [event.path] : [],
        ),
    };
  }

  it.each([false, true])(
    'ends an agent as if its own code had thrown; it traps exits: %s',
    async (trapExit) => {
      const { system, crashed } = watched();
      const ref = system.spawn(idle, { id: 'a', trapExit });
      await system.settle();
      const reasons: unknown[] = [];
      system.monitor(ref, ({ reason }) => reasons.push(reason));
      await system.crash(ref, boom);
      expect(reasons).toEqual([{ type: 'crash', error: boom }]);
      expect(crashed()).toEqual(['/a']);
      expect(system.stats()).toMatchObject({ crashes: 1, agents: 0 });
    },
  );

  it('ends a supervisor, which stops its children and is started again by its own', async () => {
    const { system, crashed } = watched();
    const inner = supervisor({ children: [child({ id: 'w', logic: idle })] });
    const outer = supervisor({ children: [child({ id: 'inner', logic: inner })] });
    const root = await system.run(system.start(outer, { id: 'top' }));
    await system.crash(system.ref('/top/inner'), boom);
    expect(crashed()).toEqual(['/top/inner']);
    expect(await system.run(whichChildren(root))).toMatchObject([{ id: 'inner' }]);
    expect(system.agents()[0]?.children[0]).toMatchObject({
      status: 'running',
      incarnation: 2,
      children: [{ path: '/top/inner/w', status: 'running' }],
    });
  });

  it('refuses an agent that has ended, and a place that waits for its restart', async () => {
    const system = createTestSystem();
    const ref = system.spawn(idle);
    await system.crash(ref);
    const refused = { code: 'INVALID_OPTION', field: 'ref' };
    await expect(system.crash(ref)).rejects.toMatchObject(refused);
    await expect(system.crash(5 as never)).rejects.toMatchObject(refused);
    const backoff = { minMs: 100, maxMs: 100 };
    const children = [child({ id: 'w', logic: idle, backoff })];
    await system.run(system.start(supervisor({ children }), { id: 'sup' }));
    await system.crash(system.ref('/sup/w'));
    expect(system.agents()[0]?.children[0]?.status).toBe('vacant');
    await expect(system.crash(system.ref('/sup/w'))).rejects.toMatchObject(refused);
  });
});

describe('createTestSystem', () => {
  it.each<readonly [field: string, options: unknown]>([
    ['createTestSystem', null],
    ['createTestSystem', 5],
    ['createTestSystem.sead', { sead: 1 }],
    ['createTestSystem.clock', { clock: undefined }],
    ['seed', { seed: 'x' }],
    ['seed', { seed: NaN }],
    ['pick', { pick: 1 }],
  ])('names what it refuses: %s of %j', (field, options) => {
    expect(() => createTestSystem(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error,
    );
  });

  it('gives the same run for the same seed, and another for another', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const drawn: number[] = [];
      const system = createTestSystem({ seed });
      const backoff = { minMs: 100, maxMs: 1_000, jitter: 1 };
      const children = [child({ id: 'w', logic: idle, backoff })];
      await system.run(system.start(supervisor({ intensity: 9, children }), { id: 'sup' }));
      for (let i = 0; i < 3; i += 1) {
        await system.crash(system.ref('/sup/w'));
        await system.run(system.ref('/sup/w').started());
        drawn.push(system.nowMs);
      }
      return drawn;
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('stops on virtual time: graces pass without a wait', async () => {
    const system = createTestSystem();
    const stuck = fromHandler({ receive: () => undefined, stop: () => NEVER });
    system.spawn(stuck, { shutdown: 60_000 });
    await system.settle();
    await system.stop();
    expect(system.nowMs).toBe(60_000);
    expect(system.stats()).toMatchObject({ agents: 0, timers: 0 });
  });
});
