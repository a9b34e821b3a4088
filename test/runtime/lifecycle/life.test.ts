import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise } from 'xstate';
import { ActorEnded, StartFailed, fromHandler, type ExitReason } from 'troupe';
import { createTestSystem } from 'troupe/testing';
import {
  failure,
  gate,
  inspected,
  memoryLog,
  notesOf,
  puppet,
  spawnPuppet,
  tell,
  type PuppetParts,
} from './cast.ts';

/** A puppet that writes its own end to the diary. */
const noting = (diary: string[], name: string, parts: PuppetParts = {}) =>
  puppet({
    ...parts,
    stop: (reason, ctx) => {
      diary.push(`${name} ${reason.type}`);
      return parts.stop?.(reason, ctx);
    },
  });

describe('the start of an agent', () => {
  it('happens in a turn of its own, after the spawn has returned its ref', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = spawnPuppet(system, 'a', { start: () => void diary.push('start') });
    diary.push('spawned');
    expect(system.agents()[0]?.status).toBe('starting');
    await system.run(ref.started());
    expect(diary).toEqual(['spawned', 'start']);
    expect(system.agents()[0]?.status).toBe('running');
  });

  it('runs initial, then the start hook, then the messages, also those sent before it', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = spawnPuppet(system, 'a', {
      initial: () => (diary.push('initial'), ['first']),
      start: () => void diary.push('start'),
    });
    tell(ref, () => void diary.push('message'));
    await system.settle();
    expect(diary).toEqual(['initial', 'start', 'message']);
  });

  it('makes the first state of a child as a doing of the child: what that sends is from it', async () => {
    const system = createTestSystem();
    const events = inspected(system);
    const listener = spawnPuppet(system, 'listener');
    const child = fromHandler({
      initial: () => tell(listener, () => undefined),
      receive: () => undefined,
    });
    const parent = spawnPuppet(system, 'parent');
    await system.settle();
    events.length = 0;
    tell(parent, (ctx) => void ctx.spawn(child, { id: 'child' }));
    await system.settle();
    const sent = events.filter(({ type }) => type === 'delivered');
    expect(sent).toMatchObject([{ to: parent.address }, { from: `${parent.address}/child` }]);
  });

  it('starts agents in the order in which they were spawned', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    for (const id of ['a', 'b', 'c']) spawnPuppet(system, id, { start: () => void diary.push(id) });
    await system.settle();
    expect(diary).toEqual(['a', 'b', 'c']);
  });

  it('lets the start hook give the state', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a', { start: () => ['from start'] });
    await system.settle();
    expect(notesOf(ref)).toEqual(['from start']);
  });

  it('waits for a start hook that is a generator, with the mailbox closed', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = spawnPuppet(system, 'a', {
      *start(ctx) {
        yield* ctx.sleep(100);
        diary.push('started');
      },
    });
    tell(ref, () => void diary.push('message'));
    let started = false;
    void ref.started().then(() => (started = true));
    await system.advance(99);
    expect([diary, started, system.agents()[0]?.status]).toEqual([[], false, 'starting']);
    await system.advance(1);
    expect([diary, started]).toEqual([['started', 'message'], true]);
  });

  it('waits for a start hook that is async', async () => {
    const system = createTestSystem();
    const door = gate();
    const ref = spawnPuppet(system, 'a', {
      start: async () => {
        await door.promise;
        return ['through the door'];
      },
    });
    await system.settle();
    expect(system.agents()[0]?.status).toBe('starting');
    door.open();
    await system.run(ref.started());
    expect(notesOf(ref)).toEqual(['through the door']);
  });

  it('sends what the start hook sent only when the start has succeeded', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    spawnPuppet(system, 'bad', {
      start: (ctx) => {
        ctx.send(probe.ref, { type: 'hello' });
        throw new Error('no');
      },
    });
    await probe.expectNoMessage();
    spawnPuppet(system, 'good', { start: (ctx) => ctx.send(probe.ref, { type: 'hello' }) });
    await probe.expectMessage('hello');
  });

  it('ref.started() of an agent that runs already resolves at once', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    await ref.started();
  });

  it('system.start gives the ref when the agent has started', async () => {
    const system = createTestSystem();
    const starting = system.start(
      puppet({
        *start(ctx) {
          yield* ctx.sleep(10);
        },
      }),
      { id: 'a' },
    );
    const ref = await system.run(starting);
    expect([ref.path, system.nowMs]).toEqual(['/a', 10]);
  });
});

describe('a start that fails', () => {
  const cause = new Error('cannot');
  const fail = (): never => {
    throw cause;
  };
  const logics = {
    'a throwing initial': puppet({ initial: fail }),
    'a throwing start hook': puppet({ start: fail }),
    'a start hook that throws after it has waited': puppet({
      *start(ctx) {
        yield* ctx.sleep(5);
        fail();
      },
    }),
    'an async start hook that rejects': puppet({ start: () => Promise.reject(cause) }),
    'a throwing context factory of a machine': createMachine({ context: fail }),
    'a throwing entry action of a machine': createMachine({ entry: fail }),
  };

  it.each(Object.entries(logics))('%s is StartFailed with its cause', async (_name, logic) => {
    const system = createTestSystem();
    const ref = system.spawn(logic, { id: 'bad' });
    const error = await failure(system.run(ref.started()));
    expect(error).toBeInstanceOf(StartFailed);
    expect(error).toMatchObject({ code: 'START_FAILED', path: '/bad', cause });
    expect(await failure(ref.result())).toMatchObject({ reason: { type: 'crash', error: cause } });
    // Who asks later hears the same.
    expect(await failure(ref.started())).toMatchObject({ path: '/bad', cause });
    expect(system.agents()).toEqual([]);
  });

  it('is noticed even when its initial had thrown for an earlier look at the snapshot', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'bad', { initial: fail });
    expect(() => ref.getSnapshot()).toThrow(cause);
    expect(await failure(system.run(ref.started()))).toBeInstanceOf(StartFailed);
  });

  it('rejects system.start', async () => {
    const system = createTestSystem();
    const error = await failure(system.run(system.start(puppet({ start: fail }))));
    expect(error).toMatchObject({ code: 'START_FAILED', cause });
  });

  it('takes the agents that it had spawned with it, and says so only when they are gone', async () => {
    const system = createTestSystem();
    const door = gate();
    const ref = spawnPuppet(system, 'bad', {
      start: (ctx) => {
        ctx.spawn(puppet({ stop: () => door.promise }), { id: 'child' });
        throw cause;
      },
    });
    await system.settle();
    // Asked while the child is still cleaning up.
    let told: unknown;
    ref.started().then(
      () => (told = 'started'),
      (error: unknown) => (told = error),
    );
    await system.settle();
    expect(told).toBeUndefined();
    door.open();
    await system.settle();
    expect(told).toBeInstanceOf(StartFailed);
    expect(system.agents()).toEqual([]);
  });

  it('of a child that a start waits for passes through: the first path and the first cause', async () => {
    const system = createTestSystem();
    const top = spawnPuppet(system, 'top', {
      *start(ctx) {
        yield* ctx.started(ctx.spawn(puppet({ start: fail }), { id: 'leaf' }));
      },
    });
    const error = await failure(system.run(top.started()));
    expect(error).toMatchObject({ code: 'START_FAILED', path: '/top/leaf', cause });
  });

  it('of a child that ended long ago still reaches a parent that asks', async () => {
    const system = createTestSystem();
    const parent = system.probe();
    await system.settle();
    const child = parent.context.spawn(puppet({ start: fail }), { id: 'leaf' });
    await system.settle();
    const error = await failure(system.run(parent.context.started(child)));
    expect(error).toMatchObject({ code: 'START_FAILED', cause });
  });

  it('frees the id and the name of the spawn', async () => {
    const system = createTestSystem();
    system.spawn(puppet({ start: fail }), { id: 'a', name: 'n' });
    await system.settle();
    expect(system.whereis('n')).toBeUndefined();
    const ref = system.spawn(puppet(), { id: 'a', name: 'n' });
    expect(system.whereis('n')).toBe(ref);
  });

  it('runs the stop hook for a state that exists, and not for one that never came to be', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    system.spawn(noting(diary, 'start', { start: fail }));
    system.spawn(noting(diary, 'initial', { initial: fail }));
    await system.settle();
    expect(diary).toEqual(['start crash']);
  });
});

describe('an agent that is done', () => {
  it('ends normally with the output of ctx.stop, for result() and Down', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    const downs: unknown[] = [];
    system.monitor(ref, ({ reason, incarnation }) => downs.push({ reason, incarnation }));
    tell(ref, (ctx) => ctx.stop({ sum: 3 }));
    expect(await system.run(ref.result())).toEqual({ sum: 3 });
    expect(downs).toEqual([{ reason: { type: 'normal', output: { sum: 3 } }, incarnation: 1 }]);
    // And for whoever asks later.
    expect(await ref.result()).toEqual({ sum: 3 });
  });

  it('finishes the turn: what it sends after ctx.stop still leaves, what is queued does not run', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const ref = spawnPuppet(system, 'a');
    tell(ref, (ctx) => {
      ctx.stop();
      ctx.send(probe.ref, { type: 'last words' });
    });
    ref.send({ type: 'note', text: 'too late' });
    await probe.expectMessage('last words');
    expect(notesOf(ref)).toEqual([]);
    expect(system.deadLetters.list().map(({ reason }) => reason)).toEqual(['actor ended']);
  });

  it('keeps the first output', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    tell(ref, (ctx) => {
      ctx.stop(1);
      ctx.stop(2);
    });
    expect(await system.run(ref.result())).toBe(1);
  });

  it('may be done in its start', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a', { start: (ctx) => ctx.stop('quick') });
    await system.run(ref.started());
    expect(await ref.result()).toBe('quick');
  });

  it('ends with the output of a machine that reached its final state', async () => {
    const system = createTestSystem();
    const machine = createMachine({
      initial: 'on',
      states: { on: { on: { finish: 'off' } }, off: { type: 'final' } },
      output: { left: 'over' },
    });
    const ref = system.spawn(machine);
    ref.send({ type: 'finish' });
    expect(await system.run(ref.result())).toEqual({ left: 'over' });
    expect(ref.getSnapshot().status).toBe('done');
  });

  it('ends with what a promise logic resolves to, and crashes with what it rejects with', async () => {
    const system = createTestSystem();
    const good = system.spawn(fromPromise(() => Promise.resolve(7)));
    const bad = system.spawn(fromPromise(() => Promise.reject(new Error('no'))));
    expect(await system.run(good.result())).toBe(7);
    const error = await failure(system.run(bad.result()));
    expect(error).toBeInstanceOf(ActorEnded);
    expect((error as ActorEnded).reason).toMatchObject({ type: 'crash', error: { message: 'no' } });
  });

  it('takes its children with it, and is over only after them', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'parent'), { id: 'p' });
    tell(ref, (ctx) => {
      ctx.spawn(noting(diary, 'child'));
      ctx.stop();
    });
    await system.run(ref.result());
    expect(diary).toEqual(['child shutdown', 'parent normal']);
  });
});

describe('a stop', () => {
  it('ends the children in reverse start order, then runs the hook, then tells', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'parent'), { id: 'p' });
    tell(ref, (ctx) => {
      for (const id of ['1', '2', '3']) {
        const child = ctx.spawn(noting(diary, id), { id });
        system.monitor(child, ({ reason }) => diary.push(`${id} down ${reason.type}`));
      }
    });
    system.monitor(ref, ({ reason }) => diary.push(`parent down ${reason.type}`));
    await system.settle();
    const reason = await system.run(ref.stop());
    expect(reason).toEqual({ type: 'shutdown' });
    expect(diary).toEqual([
      '3 shutdown',
      '3 down shutdown',
      '2 shutdown',
      '2 down shutdown',
      '1 shutdown',
      '1 down shutdown',
      'parent shutdown',
      'parent down shutdown',
    ]);
  });

  it('goes through a whole tree, deepest first', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const branch = (name: string): ReturnType<typeof puppet> =>
      noting(diary, name, {
        start: (ctx) => {
          if (name.length < 3) for (const n of ['x', 'y']) ctx.spawn(branch(`${name}${n}`));
        },
      });
    const ref = system.spawn(branch('r'));
    await system.settle();
    await system.run(ref.stop());
    expect(diary.map((line) => line.split(' ')[0])).toEqual([
      'ryy',
      'ryx',
      'ry',
      'rxy',
      'rxx',
      'rx',
      'r',
    ]);
  });

  it('carries its detail in the reason', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    expect(await system.run(ref.stop({ detail: 'deploy' }))).toEqual({
      type: 'shutdown',
      detail: 'deploy',
    });
  });

  it('waits for each child within its own grace, one after the other', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const slow = (ms: number) =>
      puppet({ stop: (_reason, ctx) => new Promise((done) => void ctx.sleep(ms).then(done)) });
    const ref = system.spawn(puppet(), { id: 'p', shutdown: 'infinity' });
    tell(ref, (ctx) => {
      ctx.spawn(slow(70), { id: 'patient', shutdown: 100 });
      ctx.spawn(slow(70), { id: 'hasty', shutdown: 50 });
    });
    await system.settle();
    for (const id of ['patient', 'hasty']) {
      system.monitor(system.ref(`/p/${id}`), ({ reason }) =>
        diary.push(`${id} ${reason.type} at ${system.nowMs}`),
      );
    }
    await system.run(ref.stop());
    expect(diary).toEqual(['hasty killed at 50', 'patient shutdown at 120']);
    expect(system.nowMs).toBe(120);
  });

  it('ends the children at once together when the agent says parallel', async () => {
    const system = createTestSystem();
    const slow = (ms: number) =>
      puppet({ stop: (_reason, ctx) => new Promise((done) => void ctx.sleep(ms).then(done)) });
    const ref = system.spawn(puppet({ stopChildren: 'parallel' }), { shutdown: 'infinity' });
    tell(ref, (ctx) => {
      for (const ms of [30, 70, 50]) ctx.spawn(slow(ms));
    });
    await system.settle();
    await system.run(ref.stop());
    expect(system.nowMs).toBe(70);
  });

  it('kills a brutal_kill child without its cleanup', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'parent'));
    tell(ref, (ctx) => {
      const child = ctx.spawn(noting(diary, 'child'), { shutdown: 'brutal_kill' });
      system.monitor(child, ({ reason }) => diary.push(`down ${reason.type}`));
    });
    await system.settle();
    await system.run(ref.stop());
    expect(diary).toEqual(['down killed', 'parent shutdown']);
  });

  it('kills an agent whose trapping handler waits for a promise that never settles', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'), { trapExit: true, shutdown: 200 });
    tell(ref, function* (ctx) {
      yield* ctx.wait(new Promise(() => undefined));
    });
    await system.settle();
    expect(await system.run(ref.stop())).toEqual({ type: 'killed' });
    expect([system.nowMs, diary]).toEqual([200, []]);
  });

  it('lets a trapping handler finish within the grace', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'), { trapExit: true });
    tell(ref, function* (ctx) {
      yield* ctx.sleep(100);
      diary.push('finished');
    });
    await system.settle();
    expect(await system.run(ref.stop())).toEqual({ type: 'shutdown' });
    expect([system.nowMs, diary]).toEqual([100, ['finished', 'a shutdown']]);
  });

  it('cuts off a waiting handler that does not trap: its finally runs at once, before all else', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'), { id: 'a' });
    tell(ref, function* (ctx) {
      ctx.spawn(noting(diary, 'child'));
      try {
        yield* ctx.sleep(1_000);
        diary.push('woke');
      } finally {
        diary.push('finally');
      }
    });
    await system.settle();
    expect(await system.run(ref.stop())).toEqual({ type: 'shutdown' });
    expect([system.nowMs, diary]).toEqual([0, ['finally', 'child shutdown', 'a shutdown']]);
  });

  it('lets the finally of a handler that is cut off send', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const ref = spawnPuppet(system, 'a');
    tell(ref, function* (ctx) {
      try {
        yield* ctx.sleep(1_000);
      } finally {
        ctx.send(probe.ref, { type: 'released' });
      }
    });
    await system.settle();
    void ref.stop();
    await probe.expectMessage('released');
  });

  it('does not wait in a finally, and logs one that throws', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log });
    const diary: string[] = [];
    const waits = spawnPuppet(system, 'a');
    tell(waits, function* (ctx) {
      try {
        yield* ctx.sleep(1_000);
      } finally {
        yield* ctx.sleep(500);
        diary.push('waited in finally');
      }
    });
    const throws = spawnPuppet(system, 'b');
    tell(throws, function* (ctx) {
      try {
        yield* ctx.sleep(1_000);
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- the test is about just this
        throw new Error('in finally');
      }
    });
    await system.settle();
    expect(await system.run(waits.stop())).toEqual({ type: 'shutdown' });
    expect(await system.run(throws.stop())).toEqual({ type: 'shutdown' });
    await system.advance(2_000);
    expect(diary).toEqual([]);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { err: { message: 'in finally' } } },
    ]);
  });

  it('goes ahead of the messages that wait', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    for (let i = 0; i < 5; i += 1) ref.send({ type: 'note', text: `${i}` });
    await system.run(ref.stop());
    expect(notesOf(ref)).toEqual([]);
    expect(system.deadLetters.total).toBe(5);
  });

  it('keeps the first reason', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    const [first, second] = [ref.stop({ detail: 1 }), ref.stop({ detail: 2 })];
    expect(await system.run(first)).toEqual({ type: 'shutdown', detail: 1 });
    expect(await system.run(second)).toEqual({ type: 'shutdown', detail: 1 });
  });

  it('of an ended agent gives its reason, and of one that never existed noproc', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    ref.send({ type: 'boom' });
    await system.settle();
    expect(await ref.stop()).toMatchObject({ type: 'crash' });
    expect(await ref.kill()).toMatchObject({ type: 'crash' });
    expect(await system.ref('/nobody').stop()).toEqual({ type: 'noproc' });
    expect(await system.ref('/nobody').kill()).toEqual({ type: 'noproc' });
  });

  it('of an agent that is still starting ends it when its start allows', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(
      noting(diary, 'a', {
        *start(ctx) {
          try {
            yield* ctx.sleep(1_000);
          } finally {
            diary.push('cut off');
          }
        },
      }),
    );
    await system.settle();
    const started = failure(ref.started());
    expect(await system.run(ref.stop())).toEqual({ type: 'shutdown' });
    expect(await started).toBeInstanceOf(StartFailed);
    expect(diary).toEqual(['cut off', 'a shutdown']);
  });

  it('by ctx.stopChild gives the reason, and the same again for a child that has ended', async () => {
    const system = createTestSystem();
    const parent = system.probe();
    await system.settle();
    const child = parent.context.spawn(puppet());
    await system.settle();
    expect(await system.run(parent.context.stopChild(child))).toEqual({ type: 'shutdown' });
    expect(await system.run(parent.context.stopChild(child))).toEqual({ type: 'shutdown' });
    const brutal = parent.context.spawn(puppet());
    expect(await system.run(parent.context.stopChild(brutal, 'brutal_kill'))).toEqual({
      type: 'killed',
    });
  });
});

describe('a kill', () => {
  it('runs nothing of the agent any more: no stop hook, no finally', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'));
    tell(ref, function* (ctx) {
      ctx.signal.addEventListener('abort', () => diary.push('aborted'));
      try {
        yield* ctx.sleep(1_000);
      } finally {
        diary.push('finally');
      }
    });
    await system.settle();
    expect(await system.run(ref.kill())).toEqual({ type: 'killed' });
    expect(diary).toEqual(['aborted']);
  });

  it('kills the children too', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'));
    tell(ref, (ctx) => {
      const child = ctx.spawn(noting(diary, 'child'), { shutdown: 'infinity', trapExit: true });
      system.monitor(child, ({ reason }) => diary.push(`child ${reason.type}`));
    });
    await system.settle();
    await system.run(ref.kill());
    expect(diary).toEqual(['child killed']);
    expect(system.agents()).toEqual([]);
  });

  it('cuts an orderly stop short', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(noting(diary, 'a'), { shutdown: 'infinity' });
    tell(ref, (ctx) => {
      ctx.spawn(puppet({ stop: () => new Promise(() => undefined) }), { shutdown: 'infinity' });
    });
    await system.settle();
    const stopped = ref.stop();
    await system.settle();
    expect(system.agents()[0]?.status).toBe('stopping');
    expect(await system.run(ref.kill())).toEqual({ type: 'killed' });
    expect(await stopped).toEqual({ type: 'killed' });
    expect(diary).toEqual([]);
  });

  it('ends the wait for a stop hook', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(
      system,
      'a',
      { stop: () => new Promise(() => undefined) },
      { shutdown: 300 },
    );
    await system.settle();
    expect(await system.run(ref.stop())).toEqual({ type: 'killed' });
    expect(system.nowMs).toBe(300);
  });

  it('reaches an agent that traps exits', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a', {}, { trapExit: true });
    await system.settle();
    expect(await system.run(ref.kill())).toEqual({ type: 'killed' });
    expect(notesOf(ref)).toEqual([]);
  });
});

describe('the stop hook', () => {
  it('runs at every end but a kill, with the reason', async () => {
    const system = createTestSystem();
    const reasons: ExitReason[] = [];
    const logic = puppet({ stop: (reason) => void reasons.push(reason) });
    const end = async (act: (ref: ReturnType<typeof system.spawn<typeof logic>>) => unknown) => {
      const ref = system.spawn(logic);
      await system.settle();
      void act(ref);
      await system.settle();
    };
    const error = new Error('x');
    await end((ref) => tell(ref, (ctx) => ctx.stop(5)));
    await end((ref) => ref.stop({ detail: 'd' }));
    await end((ref) => ref.send({ type: 'boom', error }));
    await end((ref) => system.crash(ref, error));
    await end((ref) => ref.kill());
    expect(reasons).toEqual([
      { type: 'normal', output: 5 },
      { type: 'shutdown', detail: 'd' },
      { type: 'crash', error },
      { type: 'crash', error },
    ]);
  });

  it('sees the state that the last message left', async () => {
    const system = createTestSystem();
    const seen: number[] = [];
    const ref = system.spawn(
      fromHandler({
        initial: () => 0,
        receive: (sum: number, event: { type: 'add'; amount: number }) => sum + event.amount,
        stop: (sum) => void seen.push(sum),
      }),
    );
    ref.send({ type: 'add', amount: 2 });
    ref.send({ type: 'add', amount: 3 });
    await system.settle();
    await system.run(ref.stop());
    expect(seen).toEqual([5]);
  });

  it('is awaited when it is async', async () => {
    const system = createTestSystem();
    const door = gate();
    const ref = spawnPuppet(system, 'a', { stop: () => door.promise });
    await system.settle();
    let over = false;
    void ref.stop().then(() => (over = true));
    await system.settle();
    expect([over, system.agents()[0]?.status]).toEqual([false, 'stopping']);
    door.open();
    await system.settle();
    expect(over).toBe(true);
  });

  it('may send, and its sends keep their order across an await', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const ref = spawnPuppet(system, 'a', {
      async stop(_reason, ctx) {
        ctx.send(probe.ref, { type: 'one' });
        await Promise.resolve();
        ctx.send(probe.ref, { type: 'two' });
      },
    });
    await system.settle();
    await system.run(ref.stop());
    await probe.expectMessage('one');
    await probe.expectMessage('two');
  });

  it('may emit to the listeners', async () => {
    const system = createTestSystem();
    const emitted: string[] = [];
    const ref = spawnPuppet(system, 'a', { stop: (_reason, ctx) => ctx.emit({ type: 'bye' }) });
    ref.on('*', (event) => emitted.push((event as { type: string }).type));
    await system.settle();
    await system.run(ref.stop());
    expect(emitted).toEqual(['bye']);
  });

  it('that throws or rejects is logged, and the agent ends with its own reason', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log });
    const thrown = spawnPuppet(system, 'a', {
      stop: () => {
        throw new Error('thrown');
      },
    });
    const rejected = spawnPuppet(system, 'b', {
      stop: () => Promise.reject(new Error('rejected')),
    });
    await system.settle();
    expect(await system.run(thrown.stop())).toEqual({ type: 'shutdown' });
    expect(await system.run(rejected.stop())).toEqual({ type: 'shutdown' });
    expect(lines).toMatchObject([
      { level: 'error', message: 'cleanup failed', fields: { path: '/a' } },
      { level: 'error', message: 'cleanup failed', fields: { path: '/b' } },
    ]);
  });

  it('leaves no ask and no timer behind', async () => {
    const system = createTestSystem();
    const probe = system.probe<{ type: 'q'; replyTo: never }>();
    const ref = spawnPuppet(system, 'a', {
      stop: (_reason, ctx) => {
        ctx.after(50, { type: 'note', text: 'never' });
        void ctx.ask(probe.ref as never, { type: 'q' } as never).then(undefined, () => undefined);
      },
    });
    await system.settle();
    await system.run(ref.stop());
    await system.settle();
    expect([system.stats().timers, system.stats().openRequests]).toEqual([0, 0]);
  });

  it('cannot spawn: an agent that is ending takes no children', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log });
    const ref = spawnPuppet(system, 'a', { stop: (_reason, ctx) => void ctx.spawn(puppet()) });
    await system.settle();
    expect(await system.run(ref.stop())).toEqual({ type: 'shutdown' });
    await system.settle();
    expect(system.agents()).toEqual([]);
    expect(system.stats().agents).toBe(0);
    expect(lines).toMatchObject([{ fields: { err: { code: 'ACTOR_ENDED' } } }]);
  });
});

describe('a tree', () => {
  it('loses the children of an agent that crashes, and nothing beside it', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const top = system.spawn(noting(diary, 'top'), { id: 'top' });
    tell(top, (ctx) => {
      for (const id of ['left', 'right']) {
        const branch = ctx.spawn(noting(diary, id), { id });
        tell(branch, (inner) => void inner.spawn(noting(diary, `leaf of ${id}`), { id: 'leaf' }));
      }
    });
    await system.settle();
    (system.ref('/top/left/leaf') as never as typeof top).send({ type: 'boom' });
    await system.settle();
    expect(diary).toEqual(['leaf of left crash']);
    (system.ref('/top/right') as never as typeof top).send({ type: 'boom' });
    await system.settle();
    expect(diary).toEqual(['leaf of left crash', 'leaf of right shutdown', 'right crash']);
    expect(system.agents()).toMatchObject([
      { path: '/top', status: 'running', children: [{ path: '/top/left', status: 'running' }] },
    ]);
  });

  it('crashes in order: the Down of an agent comes after those of all its children', async () => {
    const system = createTestSystem();
    const downs: string[] = [];
    const top = spawnPuppet(system, 'top');
    tell(top, (ctx) => void ctx.spawn(puppet(), { id: 'child' }));
    await system.settle();
    system.monitor(top, ({ reason }) => downs.push(`top ${reason.type}`));
    system.monitor(system.ref('/top/child'), ({ reason }) => downs.push(`child ${reason.type}`));
    top.send({ type: 'boom' });
    await system.settle();
    expect(downs).toEqual(['child shutdown', 'top crash']);
  });

  it('a save that is rejected while the agent stops does not end it before its children', async () => {
    const system = createTestSystem();
    const written = gate();
    const door = gate();
    let saves = 0;
    const store = {
      load: () => undefined,
      save: () => ((saves += 1) === 1 ? undefined : written.promise),
      delete: () => undefined,
    };
    const ref = system.spawn(puppet(), { id: 'p', persist: { store } });
    const other = spawnPuppet(system, 'other');
    await system.settle();
    tell(ref, (ctx) => {
      ctx.link(other);
      ctx.spawn(puppet({ stop: () => door.promise }), { id: 'child' });
    });
    await system.settle();
    other.send({ type: 'boom' });
    await system.settle();
    written.fail(new Error('disk'));
    await system.settle();
    expect(system.agents()).toMatchObject([
      { path: '/p', status: 'stopping', children: [{ path: '/p/child' }] },
    ]);
    door.open();
    await system.settle();
    expect(system.agents()).toEqual([]);
  });
});

describe('a zombie: an async handler whose life has ended', () => {
  it('can do nothing any more', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    await system.settle();
    const door = gate();
    const errors: unknown[] = [];
    let signal: AbortSignal | undefined;
    const ref = spawnPuppet(system, 'a');
    tell(ref, async (ctx) => {
      await door.promise;
      const calls: (() => unknown)[] = [
        () => ctx.send(probe.ref, { type: 'x' }),
        () => ctx.ask(probe.ref as never, { type: 'x' } as never),
        () => ctx.spawn(puppet()),
        () => ctx.stop(),
        () => ctx.exit(probe.ref, { type: 'killed' }),
        () => ctx.link(probe.ref),
        () => ctx.monitor(probe.ref),
        () => ctx.register('zombie'),
        () => ctx.after(1, { type: 'note', text: '' }),
        () => ctx.every(1, { type: 'note', text: '' }),
        () => ctx.idle(1, { type: 'note', text: '' }),
        () => ctx.sleep(1),
        () => ctx.emit({ type: 'x' }),
      ];
      for (const call of calls) {
        try {
          call();
          errors.push(`${String(call)} did not fail`);
        } catch (error) {
          errors.push((error as ActorEnded).code);
        }
      }
      signal = ctx.signal;
      return ['zombie state'];
    });
    await system.settle();
    await system.run(ref.stop());
    door.open();
    await system.settle();
    expect(errors).toEqual(Array(13).fill('ACTOR_ENDED'));
    expect(signal?.aborted).toBe(true);
    expect(notesOf(ref)).toEqual([]);
    expect(system.stats()).toMatchObject({ names: 0, timers: 0, agents: 1 });
    await probe.expectNoMessage();
  });

  it('cannot touch the life that came after it', async () => {
    const system = createTestSystem();
    const parent = system.probe();
    await system.settle();
    const door = gate();
    const child = parent.context.spawn(puppet(), { id: 'c', hold: true });
    tell(child, async () => {
      await door.promise;
      return ['zombie state'];
    });
    await system.settle();
    await system.run(child.kill());
    await system.run(parent.context.restart(child));
    child.send({ type: 'note', text: 'mine' });
    door.open();
    await system.settle();
    expect(notesOf(child)).toEqual(['mine']);
    expect(system.stats().crashes).toBe(0);
  });

  it('that rejects after its end is no crash and no unhandled rejection', async () => {
    const system = createTestSystem();
    const events = inspected(system);
    const door = gate();
    const ref = spawnPuppet(system, 'a');
    tell(ref, () => door.promise as Promise<never>);
    await system.settle();
    await system.run(ref.stop());
    door.fail(new Error('late'));
    await system.settle();
    expect(events.filter(({ type }) => type === 'crashed')).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('tells the status of a function agent through its life', async () => {
    const system = createTestSystem();
    const ref = system.spawn(puppet());
    const seen: unknown[] = [];
    ref.subscribe({ next: ({ status }) => seen.push(status), complete: () => seen.push('over') });
    expect(ref.getSnapshot().status).toBe('active');
    await system.settle();
    tell(ref, (ctx) => ctx.stop());
    await system.settle();
    expect(ref.getSnapshot().status).toBe('done');
    expect(seen).toEqual(['active', 'over']);

    const crashed = system.spawn(puppet());
    crashed.send({ type: 'boom' });
    await system.settle();
    expect(crashed.getSnapshot()).toMatchObject({ status: 'error', error: { message: 'boom' } });
    const stopped = system.spawn(puppet());
    await system.run(stopped.stop());
    expect(stopped.getSnapshot().status).toBe('stopped');
  });

  it('of a machine that crashed has its error, and the observer is told', async () => {
    const system = createTestSystem();
    const machine = createMachine({
      context: { n: 0 },
      on: {
        add: { actions: assign({ n: 1 }) },
        boom: {
          actions: () => {
            throw new Error('boom');
          },
        },
      },
    });
    const ref = system.spawn(machine);
    const seen: unknown[] = [];
    ref.subscribe({
      next: (snapshot) => seen.push(snapshot.context.n),
      error: (error) => seen.push((error as Error).message),
    });
    ref.send({ type: 'add' });
    ref.send({ type: 'boom' });
    await system.settle();
    expect(seen).toEqual([0, 1, 'boom']);
  });
});
