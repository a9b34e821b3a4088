import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import {
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  fromHandler,
  type InspectionEvent,
  type Report,
  type ReplyTo,
} from 'troupe';
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
  type PuppetRef,
} from './cast.ts';

/** The events of one type, without what differs from run to run. */
function only<TType extends InspectionEvent['type']>(
  events: readonly InspectionEvent[],
  type: TType,
): Extract<InspectionEvent, { type: TType }>[] {
  return events.filter((event) => event.type === type) as Extract<
    InspectionEvent,
    { type: TType }
  >[];
}

describe('inspection', () => {
  it('tells the life of an agent: spawned, started, handled, transitioned, crashed, ended, restarted', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const events = inspected(system);
    const child = parent.context.spawn(puppet(), { id: 'c', hold: true });
    await system.settle();
    expect(events).toEqual([
      { type: 'spawned', path: '/p/c', parent: '/p' },
      { type: 'started', path: '/p/c', incarnation: 1 },
      expect.objectContaining({ type: 'transitioned', path: '/p/c' }),
    ]);
    events.length = 0;
    const message = { type: 'note', text: 'x' } as const;
    child.send(message);
    await system.advance(0);
    expect(events).toEqual([
      {
        type: 'delivered',
        path: '/p/c',
        to: 'local/p/c',
        from: undefined,
        message,
        traceparent: undefined,
      },
      { type: 'handled', path: '/p/c', message, waitedMs: 0 },
      { type: 'transitioned', path: '/p/c', snapshot: expect.objectContaining({ context: ['x'] }) },
    ]);
    events.length = 0;
    const error = new Error('x');
    const boom = { type: 'boom', error } as const;
    child.send(boom);
    await system.settle();
    expect(events.map(({ type }) => type)).toEqual([
      'delivered',
      'handled',
      'crashed',
      'dropped',
      'ended',
    ]);
    expect(only(events, 'crashed')).toEqual([
      {
        type: 'crashed',
        path: '/p/c',
        incarnation: 1,
        error,
        report: expect.objectContaining({ label: 'agent crashed', path: '/p/c' }) as Report,
      },
    ]);
    expect(only(events, 'dropped')).toMatchObject([{ letter: { reason: 'poison', error } }]);
    expect(only(events, 'ended')).toEqual([
      { type: 'ended', path: '/p/c', incarnation: 1, reason: { type: 'crash', error } },
    ]);
    events.length = 0;
    await system.run(parent.context.restart(child));
    expect(events.map(({ type }) => type)).toEqual(['restarted', 'started', 'transitioned']);
    expect(only(events, 'restarted')).toEqual([
      { type: 'restarted', path: '/p/c', incarnation: 2 },
    ]);
  });

  it('tells the life of an ask: asked, settled with its outcome and time, late reply', async () => {
    const system = createTestSystem();
    const slow = system.spawn(
      fromHandler({
        *receive(
          _state: undefined,
          event: { type: 'q'; ms: number; replyTo: ReplyTo<{ type: 'a' }> },
          ctx,
        ) {
          yield* ctx.sleep(event.ms);
          ctx.reply(event, { type: 'a' });
        },
      }),
      { id: 's' },
    );
    const events = inspected(system);
    await system.run(slow.ask({ type: 'q', ms: 20 }));
    expect(only(events, 'asked')).toEqual([
      { type: 'asked', path: '/s', to: 'local/s', request: 'q', by: undefined },
    ]);
    expect(only(events, 'settled')).toEqual([
      {
        type: 'settled',
        path: '/s',
        to: 'local/s',
        request: 'q',
        by: undefined,
        outcome: 'answered',
        tookMs: 20,
      },
    ]);
    events.length = 0;
    const abort = new AbortController();
    const cancelled = failure(slow.ask({ type: 'q', ms: 50 }, { signal: abort.signal }));
    await system.settle();
    abort.abort(new Error('enough'));
    await cancelled;
    await system.advance(50);
    expect(
      await failure(system.run(slow.ask({ type: 'q', ms: 50 }, { timeoutMs: 10 }))),
    ).toMatchObject({ code: 'ASK_TIMEOUT' });
    await system.advance(50);
    const last = failure(slow.ask({ type: 'q', ms: 50 }));
    await system.settle();
    void slow.kill();
    await system.settle();
    await last;
    expect(only(events, 'settled').map(({ outcome }) => outcome)).toEqual([
      'cancelled',
      'expired',
      'failed',
    ]);
    expect(only(events, 'late reply').length).toBe(2);
  });

  it('gives the path of an agent of this node, and the address alone for a reply and another node', async () => {
    const system = createTestSystem();
    const asker = spawnPuppet(system, 'asker');
    const answering = spawnPuppet(system, 'answering');
    await system.settle();
    const events = inspected(system);
    tell(asker, (ctx) => {
      void ctx.ask(answering, { type: 'read' });
      ctx.send(system.ref('moon/base') as PuppetRef, { type: 'note', text: 'hello' });
    });
    await system.settle();
    expect(only(events, 'delivered').map(({ path, to }) => [path, to])).toEqual([
      ['/asker', 'local/asker'],
      ['/answering', 'local/answering'],
      [undefined, 'moon/base'],
      [undefined, 'local/asker#ask1'],
    ]);
    const both = { path: '/answering', to: 'local/answering', by: 'local/asker' };
    expect(only(events, 'asked')).toMatchObject([both]);
    expect(only(events, 'settled')).toMatchObject([both]);
  });

  it('tells what is unhandled, postponed and reported', async () => {
    const system = createTestSystem();
    const events = inspected(system);
    const machine = system.spawn(createMachine({}), { id: 'm' });
    machine.send({ type: 'what?' } as never);
    const patient = system.spawn(
      fromHandler({
        initial: () => 0,
        receive: (state: number, event: { type: 'later' | 'now' }, ctx) => {
          if (event.type === 'now') {
            ctx.report({ level: 'info', label: 'my/report', fields: { n: 1 } });
            return state + 1;
          }
          return state === 0 ? ctx.postpone() : state + 1;
        },
      }),
      { id: 'p' },
    );
    patient.send({ type: 'later' });
    patient.send({ type: 'now' });
    await system.settle();
    expect(only(events, 'unhandled')).toEqual([
      { type: 'unhandled', path: '/m', message: { type: 'what?' } },
    ]);
    expect(only(events, 'postponed')).toEqual([
      { type: 'postponed', path: '/p', message: { type: 'later' } },
    ]);
    expect(only(events, 'report')).toEqual([
      {
        type: 'report',
        report: { level: 'info', label: 'my/report', path: '/p', fields: { n: 1 } },
      },
    ]);
  });

  it('ends for the observer that is taken away', async () => {
    const system = createTestSystem();
    const seen: string[] = [];
    const off = system.inspect(({ type }) => seen.push(type));
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    const { length } = seen;
    off();
    off();
    ref.send({ type: 'note', text: 'x' });
    await system.settle();
    expect(seen.length).toBe(length);
  });

  it('computes nothing while nobody looks', async () => {
    const random = createSeededRandom(1);
    let drawn = 0;
    const clock = createVirtualClock();
    const scheduler = createSteppedScheduler();
    const system = createSystem({
      log: false,
      clock,
      scheduler,
      random: {
        id: () => ((drawn += 1), random.id()),
        hex: (length) => ((drawn += 1), random.hex(length)),
        float: () => random.float(),
      },
    });
    const asker = spawnPuppet(system, 'asker');
    const target = spawnPuppet(system, 'target');
    const round = async (): Promise<void> => {
      tell(asker, function* (ctx) {
        yield* ctx.ask(target, { type: 'read' });
      });
      scheduler.settle();
    };
    await round();
    // An id and a trace id of the task are needed by nobody.
    expect(drawn).toBe(0);
    const events = inspected(system);
    await round();
    // Nor by an observer that does not read it.
    expect(drawn).toBe(0);
    expect(only(events, 'delivered').some(({ traceparent }) => traceparent !== undefined)).toBe(
      true,
    );
    expect(drawn).toBeGreaterThan(0);
  });

  it('an observer that throws breaks neither the system nor the others, and is logged', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log });
    system.inspect(() => {
      throw new Error('observer');
    });
    system.deadLetters.watch(() => {
      throw new Error('watcher');
    });
    const events = inspected(system);
    const ref = spawnPuppet(system, 'a');
    ref.subscribe(() => {
      throw new Error('subscriber');
    });
    ref.on('*', () => {
      throw new Error('listener');
    });
    tell(ref, (ctx) => ctx.emit({ type: 'out' }));
    ref.send({ type: 'note', text: 'x' });
    ref.send({ type: 'boom' });
    (system.ref('/nobody') as typeof ref).send({ type: 'boom' });
    await system.settle();
    expect(notesOf(ref)).toEqual(['x']);
    expect(events.map(({ type }) => type)).toContain('ended');
    const logged = new Set(
      lines.map(({ fields }) => (fields['err'] as Error | undefined)?.message),
    );
    for (const who of ['observer', 'watcher', 'subscriber', 'listener'])
      expect(logged).toContain(who);
    await system.run(system.stop());
  });

  it('an observer may send, spawn and stop: that comes after', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    await system.settle();
    let once = true;
    system.inspect((event) => {
      if (event.type !== 'handled' || !once) return;
      once = false;
      probe.ref.send({ type: 'seen' });
      spawnPuppet(system, 'late');
    });
    const ref = spawnPuppet(system, 'a');
    ref.send({ type: 'note', text: 'x' });
    await probe.expectMessage('seen');
    expect(notesOf(ref)).toEqual(['x']);
    expect(system.agents().map(({ path }) => path)).toContain('/late');
  });
});

describe('stats', () => {
  it('count agents, messages, asks, crashes, restarts, timers, names and dead letters', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const child = parent.context.spawn(puppet(), { id: 'c', hold: true, name: 'n' });
    tell(child, (ctx) => void ctx.after(1_000, { type: 'note', text: 'x' }));
    await system.settle();
    expect(system.stats()).toMatchObject({
      agents: 2,
      queuedMessages: 0,
      deepestMailbox: undefined,
      openRequests: 0,
      timers: 1,
      names: 1,
      deadLetters: 0,
      spawned: 2,
      crashes: 0,
      restarts: 0,
      unhandled: 0,
      asks: { answered: 0, failed: 0, meanMs: 0, maxMs: 0 },
    });
    await system.run(child.ask({ type: 'read' }));
    await failure(system.run(child.ask({ type: 'boom?' })));
    await system.run(parent.context.restart(child));
    expect(system.stats()).toMatchObject({
      crashes: 1,
      restarts: 1,
      timers: 0,
      names: 1,
      deadLetters: 1,
      asks: { answered: 1, failed: 1 },
    });
  });

  it('tell the deepest mailbox and the age of its oldest message', async () => {
    const system = createTestSystem();
    const [a, b] = [spawnPuppet(system, 'a'), spawnPuppet(system, 'b')];
    await system.settle();
    for (const ref of [a, b]) system.suspend(ref);
    await system.settle();
    a.send({ type: 'note', text: '1' });
    b.send({ type: 'note', text: '1' });
    await system.advance(30);
    b.send({ type: 'note', text: '2' });
    await system.advance(20);
    expect(system.stats()).toMatchObject({
      queuedMessages: 3,
      deepestMailbox: { path: '/b', messages: 2, oldestMs: 50 },
    });
  });

  it('time the asks', async () => {
    const system = createTestSystem();
    const slow = system.spawn(
      fromHandler({
        *receive(
          _state: undefined,
          event: { type: 'q'; ms: number; replyTo: ReplyTo<{ type: 'a' }> },
          ctx,
        ) {
          yield* ctx.sleep(event.ms);
          ctx.reply(event, { type: 'a' });
        },
      }),
    );
    for (const ms of [10, 30]) await system.run(slow.ask({ type: 'q', ms }));
    expect(system.stats().asks).toEqual({ answered: 2, failed: 0, meanMs: 20, maxMs: 30 });
  });
});

describe('health', () => {
  it('is ready when everybody has started and nobody is full', async () => {
    const system = createTestSystem();
    expect(system.health()).toEqual({ ready: true, reasons: [] });
    spawnPuppet(system, 'a');
    await system.settle();
    expect(system.health()).toEqual({ ready: true, reasons: [] });
  });

  it('is not while an agent starts', async () => {
    const system = createTestSystem();
    spawnPuppet(system, 'a', {
      *start(ctx) {
        yield* ctx.sleep(10);
      },
    });
    await system.settle();
    expect(system.health()).toEqual({ ready: false, reasons: ['/a has not started'] });
    await system.advance(10);
    expect(system.health().ready).toBe(true);
  });

  it('is not while a place is vacant', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const child = parent.context.spawn(puppet(), { id: 'c', hold: true });
    await system.run(child.kill());
    expect(system.health()).toEqual({ ready: false, reasons: ['/p/c waits for its restart'] });
    await system.run(parent.context.restart(child));
    expect(system.health().ready).toBe(true);
  });

  it('is not while a mailbox is full', async () => {
    const system = createTestSystem();
    const ref = system.spawn(puppet(), { id: 'a', mailbox: { capacityMessages: 1 } });
    await system.settle();
    system.suspend(ref);
    ref.send({ type: 'note', text: 'x' });
    await system.settle();
    expect(system.health()).toEqual({ ready: false, reasons: ['the mailbox of /a is full'] });
    system.resume(ref);
    await system.settle();
    expect(system.health().ready).toBe(true);
  });

  it('is not while the system stops, and afterwards', async () => {
    const system = createTestSystem();
    const door = gate();
    spawnPuppet(system, 'a', { stop: () => door.promise });
    await system.settle();
    const stopped = system.stop();
    await system.settle();
    expect(system.health().reasons).toContain('the system is stopping');
    door.open();
    await stopped;
    expect(system.health().ready).toBe(false);
  });
});

describe('suspend', () => {
  it('stops an agent from taking messages until it is resumed; nothing is lost or reordered', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    system.suspend(ref);
    system.suspend(ref);
    for (const text of ['1', '2', '3']) ref.send({ type: 'note', text });
    await system.settle();
    expect(notesOf(ref)).toEqual([]);
    system.resume(ref);
    await system.settle();
    expect(notesOf(ref)).toEqual(['1', '2', '3']);
  });

  it('does not keep an agent from being stopped, killed or linked to death', async () => {
    for (const end of ['stop', 'kill', 'link'] as const) {
      const system = createTestSystem();
      const ref = spawnPuppet(system, 'a');
      const other = spawnPuppet(system, 'b');
      await system.settle();
      system.suspend(ref);
      system.link(ref, other);
      if (end === 'link') other.send({ type: 'boom' });
      else void ref[end]();
      await system.settle();
      expect(system.agents().map(({ path }) => path)).not.toContain('/a');
    }
  });

  it('ends with the life: a restarted agent takes messages', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const child = parent.context.spawn(puppet(), { hold: true });
    await system.settle();
    system.suspend(child);
    child.send({ type: 'note', text: 'x' });
    await system.run(child.kill());
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(notesOf(child)).toEqual(['x']);
  });

  it('as sys:suspend: what is asked waits and can time out as queued, while the system still serves it', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    system.suspend(ref);
    const late = ref.ask({ type: 'read' }, { timeoutMs: 50 });
    const kept = ref.ask({ type: 'read' }, { timeoutMs: 1_000 });
    expect(await failure(system.run(late))).toMatchObject({
      code: 'ASK_TIMEOUT',
      progress: 'queued',
    });
    expect(ref.getSnapshot().status).toBe('active');
    expect(system.agents()).toMatchObject([{ status: 'running', queuedMessages: 2, handled: 0 }]);
    expect(system.requests()).toMatchObject([{ request: 'read', progress: 'queued' }]);
    system.resume(ref);
    expect(await system.run(kept)).toEqual({ type: 'notes', notes: [] });
    // The one that had timed out is not handled any more.
    expect(system.agents()).toMatchObject([{ handled: 1 }]);
  });

  it('holds timers and notices back as well, in their order', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    const watched = spawnPuppet(system, 'b');
    tell(ref, (ctx) => {
      ctx.after(10, { type: 'note', text: 'timer' });
      ctx.monitor(watched);
    });
    await system.settle();
    system.suspend(ref);
    await system.advance(10);
    await system.run(watched.kill());
    expect(notesOf(ref)).toEqual([]);
    system.resume(ref);
    await system.settle();
    expect(notesOf(ref)).toEqual(['timer', 'down /b killed']);
  });

  it('of an agent that is gone is refused', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.run(ref.stop());
    for (const call of [() => system.suspend(ref), () => system.resume(ref)])
      expect(await failure(call)).toMatchObject({ code: 'INVALID_OPTION', field: 'ref' });
  });
});

describe('the state of an agent, as sys:get_state', () => {
  it('is read with getSnapshot() at any time, and that takes no turn: also when it is suspended, waits or has ended', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a', { initial: () => ['first'] });
    expect(notesOf(ref)).toEqual(['first']);
    ref.send({ type: 'note', text: 'second' });
    await system.settle();
    tell(ref, function* (ctx) {
      yield* ctx.sleep(100);
      return ['third'];
    });
    ref.send({ type: 'note', text: 'fourth' });
    await system.settle();
    const { handled } = system.agents()[0]!;
    expect(notesOf(ref)).toEqual(['first', 'second']);
    system.suspend(ref);
    await system.advance(100);
    expect(notesOf(ref)).toEqual(['third']);
    expect(system.agents()).toMatchObject([{ handled, queuedMessages: 1 }]);
    system.resume(ref);
    await system.run(ref.stop());
    expect(ref.getSnapshot().status).toBe('stopped');
    expect(notesOf(ref)[0]).toBe('third');
  });

  it('of a machine is its whole snapshot', async () => {
    const system = createTestSystem();
    const machine = createMachine({
      context: { count: 1 },
      initial: 'off',
      states: { off: { on: { flip: 'on' } }, on: {} },
    });
    const ref = system.spawn(machine, { id: 'm' });
    expect(ref.getSnapshot()).toMatchObject({ value: 'off', context: { count: 1 } });
    ref.send({ type: 'flip' });
    await system.settle();
    expect(ref.getSnapshot()).toMatchObject({ value: 'on', status: 'active' });
  });
});

describe('agents and requests', () => {
  it('system.agents() is the tree, with status, incarnation, counts, names and what is owed', async () => {
    const system = createTestSystem();
    const top = spawnPuppet(system, 'top');
    tell(top, (ctx) => {
      for (const id of ['a', 'b']) ctx.spawn(puppet(), { id });
    });
    const probe = system.probe<{ type: 'q'; replyTo: ReplyTo<{ type: 'a' }> }>('probe');
    await system.settle();
    const asked = probe.ref.ask({ type: 'q' });
    await system.settle();
    for (const name of ['one', 'two']) system.register(name, top);
    expect(system.agents()).toEqual([
      {
        path: '/top',
        status: 'running',
        incarnation: 1,
        restarts: 0,
        handled: 1,
        queuedMessages: 0,
        obligations: [],
        names: ['one', 'two'],
        children: ['a', 'b'].map((id) => ({
          path: `/top/${id}`,
          status: 'running',
          incarnation: 1,
          restarts: 0,
          handled: 0,
          queuedMessages: 0,
          obligations: [],
          names: [],
          children: [],
        })),
      },
      expect.objectContaining({ path: '/probe', obligations: ['q'] }),
    ]);
    probe.reply(await probe.expectMessage('q'), { type: 'a' });
    await system.run(asked);
    expect(system.agents()).toMatchObject([{}, { path: '/probe', obligations: [] }]);
  });

  it('system.requests() are the open asks: what, of whom, by whom, who holds it, how far, how old', async () => {
    const system = createTestSystem();
    const probe = system.probe<{ type: 'q'; replyTo: ReplyTo<{ type: 'a' }> }>('probe');
    await system.settle();
    const first = probe.ref.ask({ type: 'q' });
    await system.settle();
    await system.advance(40);
    system.suspend(probe.ref);
    await system.settle();
    const second = probe.ref.ask({ type: 'q' });
    await system.advance(2);
    expect(system.requests()).toMatchObject([
      {
        request: 'q',
        target: 'local/probe',
        holder: 'local/probe',
        progress: 'started',
        ageMs: 42,
      },
      { request: 'q', target: 'local/probe', holder: undefined, progress: 'queued', ageMs: 2 },
    ]);
    system.resume(probe.ref);
    for (const asked of [first, second]) {
      probe.reply(await probe.expectMessage('q'), { type: 'a' });
      await system.run(asked);
    }
    expect(system.requests()).toEqual([]);
  });
});
