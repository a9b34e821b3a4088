import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import {
  ActorEnded,
  NameTaken,
  StartFailed,
  fromHandler,
  type Down,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type Probe, type TestSystem } from 'troupe/testing';
import { failure, notesOf, puppet, tell, type PuppetEvent, type PuppetParts } from './cast.ts';

/** A system with a parent whose context the test uses, as a supervisor would. */
async function stage(): Promise<{ system: TestSystem; parent: Probe<Down> }> {
  const system = createTestSystem();
  const parent = system.probe<Down>('p');
  await system.settle();
  return { system, parent };
}

type PuppetRef = Ref<PuppetEvent>;

/** Spawns a held puppet under the parent. */
function hold(
  parent: Probe<Down>,
  parts: PuppetParts = {},
  options: {
    readonly id?: string;
    readonly name?: string;
    readonly mailbox?: { readonly onRestart?: 'keep' | 'clear' };
    readonly trapExit?: boolean;
  } = {},
): PuppetRef {
  return parent.context.spawn(puppet(parts), { id: 'c', hold: true, ...options });
}

describe('the place of a held agent that has ended', () => {
  it('is vacant: it keeps its ref and what waits in its mailbox', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    child.send({ type: 'boom' });
    child.send({ type: 'note', text: 'waiting' });
    await system.settle();
    expect(system.agents()).toMatchObject([
      { children: [{ path: '/p/c', status: 'vacant', queuedMessages: 1 }] },
    ]);
    await system.run(parent.context.restart(child));
    child.send({ type: 'note', text: 'new' });
    await system.settle();
    expect(notesOf(child)).toEqual(['waiting', 'new']);
    expect(system.ref('/p/c')).toBe(child);
  });

  it('drops what waits when its mailbox says clear, and takes what comes while it is vacant', async () => {
    const { system, parent } = await stage();
    const child = hold(parent, {}, { mailbox: { onRestart: 'clear' } });
    await system.settle();
    child.send({ type: 'boom' });
    child.send({ type: 'note', text: 'dropped' });
    const asked = failure(child.ask({ type: 'read' }));
    await system.settle();
    child.send({ type: 'note', text: 'kept' });
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(notesOf(child)).toEqual(['kept']);
    expect(await asked).toMatchObject({ code: 'ACTOR_ENDED', reason: { type: 'crash' } });
    expect(system.deadLetters.list().map(({ reason }) => reason)).toEqual([
      'poison',
      'actor ended',
    ]);
  });

  it('is vacant after every kind of end: normal, stop, kill and crash', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const ends: (() => unknown)[] = [
      () => tell(child, (ctx) => ctx.stop()),
      () => child.stop(),
      () => child.kill(),
      () => child.send({ type: 'boom' }),
    ];
    for (const [index, end] of ends.entries()) {
      await system.settle();
      void end();
      await system.settle();
      expect(system.agents()[0]?.children).toMatchObject([
        { status: 'vacant', incarnation: index + 1, restarts: index },
      ]);
      await system.run(parent.context.restart(child));
    }
    expect(system.stats().restarts).toBe(4);
  });

  it('answers an ask that was queued while it was vacant, in its next life', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.run(child.kill());
    const asked = child.ask({ type: 'read' });
    await system.settle();
    expect(system.requests()).toMatchObject([{ request: 'read', progress: 'queued' }]);
    await system.run(parent.context.restart(child));
    expect(await system.run(asked)).toEqual({ type: 'notes', notes: [] });
  });

  it('lets an ask time out as queued when nobody restarts it', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.run(child.kill());
    const asked = failure(child.ask({ type: 'read' }, { timeoutMs: 100 }));
    expect(await system.run(asked)).toMatchObject({ code: 'ASK_TIMEOUT', progress: 'queued' });
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(system.agents()[0]?.children).toMatchObject([{ handled: 0 }]);
  });

  it('fails what the ended life had taken up, with the crash as its cause', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const error = new Error('the cause');
    tell(child, (ctx) => void ctx.after(10, { type: 'boom', error }));
    const asked: Promise<unknown> = failure(child.ask({ type: 'boom?' }));
    expect(await system.run(asked)).toMatchObject({
      code: 'ACTOR_ENDED',
      reason: { type: 'crash', error: { message: 'boom' } },
      cause: { message: 'boom' },
    });
  });

  it('is shown by started(): a vacant place is not started, and says so after its restart', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.settle();
    await system.run(child.kill());
    let started = false;
    void child.started().then(() => (started = true));
    await system.settle();
    expect(started).toBe(false);
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(started).toBe(true);
  });
});

describe('the message that crashed its agent', () => {
  it('is not handled again: it is a dead letter with its error', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const error = new Error('poison');
    const message = { type: 'boom', error } as const;
    child.send(message);
    await system.settle();
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(system.stats().crashes).toBe(1);
    expect(system.deadLetters.list()).toEqual([
      { reason: 'poison', to: 'local/p/c', from: undefined, message, atMs: 0, error },
    ]);
  });

  it('fails as an ask, once', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const asked = await failure(system.run(child.ask({ type: 'boom?' })));
    expect(asked).toBeInstanceOf(ActorEnded);
    expect(asked).toMatchObject({ reason: { type: 'crash' }, cause: { message: 'boom' } });
    expect(system.stats()).toMatchObject({ openRequests: 0, deadLetters: 1 });
  });

  it('is quarantined at its first crash: its ask fails, it lies with the dead letters, and the next life handles what came after', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const asked = failure(system.run(child.ask({ type: 'boom?' })));
    child.send({ type: 'note', text: 'after' });
    expect(await asked).toMatchObject({ code: 'ACTOR_ENDED', reason: { type: 'crash' } });
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(notesOf(child)).toEqual(['after']);
    expect(system.deadLetters.list()).toMatchObject([
      { reason: 'poison', to: 'local/p/c', message: { type: 'boom?' }, error: { message: 'boom' } },
    ]);
    expect(system.stats()).toMatchObject({ crashes: 1, openRequests: 0, deadLetters: 1 });
  });

  it('crashes the agent again when it is sent again and nothing is better, and is quarantined again', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const error = new Error('poison');
    child.send({ type: 'boom', error });
    for (const crashes of [1, 2, 3]) {
      await system.settle();
      expect(system.stats().crashes).toBe(crashes);
      expect(system.agents()[0]?.children).toMatchObject([{ path: '/p/c', status: 'vacant' }]);
      expect(system.deadLetters.list()).toMatchObject([{ reason: 'poison', error }]);
      await system.run(parent.context.restart(child));
      await system.settle();
      // It does not come back by itself.
      expect(system.stats().crashes).toBe(crashes);
      expect(system.deadLetters.resend(({ reason }) => reason === 'poison')).toBe(1);
      expect(system.deadLetters.list()).toEqual([]);
    }
    expect(system.deadLetters.total).toBe(3);
  });

  it('is answered to nobody when it was an ask and is sent again: that ask has failed, once', async () => {
    const { system, parent } = await stage();
    let broken = true;
    const fragile = fromHandler({
      receive(_state: undefined, event: { type: 'q'; replyTo: ReplyTo<{ type: 'a' }> }, ctx) {
        if (broken) throw new Error('broken');
        ctx.reply(event, { type: 'a' });
      },
    });
    const child = parent.context.spawn(fragile, { id: 'f', hold: true });
    const asked = failure(system.run(child.ask({ type: 'q' })));
    expect(await asked).toBeInstanceOf(ActorEnded);
    broken = false;
    await system.run(parent.context.restart(child));
    expect(system.deadLetters.resend(() => true)).toBe(1);
    await system.settle();
    const { crashes, openRequests, deadLetters, asks } = system.stats();
    expect({ crashes, openRequests, deadLetters }).toEqual({
      crashes: 1,
      openRequests: 0,
      deadLetters: 1,
    });
    expect(asks).toMatchObject({ answered: 0, failed: 1 });
    expect(system.agents()[0]?.children).toMatchObject([{ path: '/p/f', status: 'running' }]);
  });

  it('has sent nothing', async () => {
    const { parent } = await stage();
    const child = hold(parent);
    tell(child, (ctx) => {
      ctx.send(parent.ref, { type: 'x' } as never);
      throw new Error('after a send');
    });
    await parent.expectNoMessage();
  });
});

describe('the next life', () => {
  it('has the next incarnation and a fresh state, and nothing of the former one', async () => {
    const { system, parent } = await stage();
    const other = system.spawn(puppet(), { id: 'other', trapExit: true });
    const child = hold(parent, {}, { trapExit: true });
    tell(child, (ctx) => {
      ctx.link(other);
      ctx.monitor(other);
      ctx.register('mine');
      ctx.trapExit(false);
      ctx.after(100, { type: 'note', text: 'timer of the former life' });
      ctx.every(100, { type: 'note', text: 'tick of the former life' });
      ctx.idle(100, { type: 'note', text: 'idle of the former life' });
      ctx.spawn(puppet(), { id: 'grandchild' });
      return ['state of the former life'];
    });
    await system.settle();
    parent.context.monitor(child);
    child.send({ type: 'boom' });
    expect(await parent.expectMessage('troupe.down')).toMatchObject({ incarnation: 1 });
    expect(system.whereis('mine')).toBeUndefined();
    await system.run(parent.context.restart(child));
    expect(system.agents()[0]?.children).toMatchObject([{ incarnation: 2, children: [] }]);
    const incarnations: number[] = [];
    tell(child, (ctx) => void incarnations.push(ctx.incarnation));
    await system.settle();
    expect(incarnations).toEqual([2]);
    await system.advance(1_000);
    other.send({ type: 'boom' });
    await system.settle();
    // Neither its link nor its monitor was ours; and its end is not reported to who watched before.
    expect(notesOf(child)).toEqual([]);
    expect(notesOf(other)).toEqual(['exit /p/c crash']);
    await system.run(child.kill());
    await parent.expectNoMessage();
    expect(system.stats().timers).toBe(0);
  });

  it('gets no notice that was meant for the former one, even when it waited in the mailbox', async () => {
    const { system, parent } = await stage();
    const a = system.spawn(puppet(), { id: 'a' });
    const b = system.spawn(puppet(), { id: 'b' });
    const child = hold(parent, {}, { trapExit: true });
    tell(child, (ctx) => {
      ctx.monitor(a);
      ctx.link(b);
    });
    await system.settle();
    system.suspend(child);
    a.send({ type: 'boom' });
    b.send({ type: 'boom' });
    child.send({ type: 'note', text: 'kept' });
    await system.settle();
    await system.run(child.kill());
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(notesOf(child)).toEqual(['kept']);
  });

  it('gets no event of a timer that had fired before the crash', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    tell(child, (ctx) => void ctx.after(10, { type: 'note', text: 'fired' }));
    await system.settle();
    system.suspend(child);
    await system.advance(10);
    await system.run(child.kill());
    await system.run(parent.context.restart(child));
    await system.advance(100);
    expect(notesOf(child)).toEqual([]);
  });

  it('tries again what the former one had postponed', async () => {
    const { system, parent } = await stage();
    const got: string[] = [];
    type Event = { type: 'later' } | { type: 'boom' };
    let lives = 0;
    const child = parent.context.spawn(
      fromHandler({
        initial: () => (lives += 1),
        receive: (life: number, event: Event, ctx) => {
          if (event.type === 'boom') throw new Error('boom');
          if (life === 1) ctx.postpone();
          else got.push(`life ${life}`);
        },
      }),
      { hold: true },
    );
    child.send({ type: 'later' });
    child.send({ type: 'boom' });
    await system.settle();
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(got).toEqual(['life 2']);
  });

  it('holds the name of the spawn again', async () => {
    const { system, parent } = await stage();
    const child = hold(parent, {}, { name: 'worker' });
    await system.settle();
    expect(system.whereis('worker')).toBe(child);
    child.send({ type: 'boom' });
    await system.settle();
    expect(system.whereis('worker')).toBeUndefined();
    const restarted = parent.context.restart(child);
    // At once, as with a spawn: what is sent to it by name waits for its start.
    expect(system.whereis('worker')).toBe(child);
    await system.run(restarted);
    const { length } = system.deadLetters.list();
    parent.context.send({ name: 'worker' }, { type: 'note', text: 'by name' } as never);
    await system.settle();
    expect(notesOf(child)).toEqual(['by name']);
    expect(system.deadLetters.total).toBe(length);
  });

  it('cannot start when somebody else took its name meanwhile, and can when it is free again', async () => {
    const { system, parent } = await stage();
    const child = hold(parent, {}, { name: 'worker' });
    await system.settle();
    await system.run(child.kill());
    const thief = system.spawn(puppet(), { name: 'worker' });
    const error = await failure(system.run(parent.context.restart(child)));
    expect(error).toBeInstanceOf(StartFailed);
    expect((error as StartFailed).cause).toBeInstanceOf(NameTaken);
    expect(system.whereis('worker')).toBe(thief);
    expect(system.agents()[0]?.children).toMatchObject([{ status: 'vacant' }]);
    await system.run(thief.stop());
    await system.run(parent.context.restart(child));
    expect(system.whereis('worker')).toBe(child);
  });

  it('is watched by who watched the place: subscribers and listeners stay', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const seen: unknown[] = [];
    child.subscribe((snapshot) => seen.push((snapshot as { context?: unknown }).context));
    child.on('*', (emitted) => seen.push((emitted as { type: string }).type));
    await system.settle();
    await system.run(child.kill());
    await system.run(parent.context.restart(child));
    child.send({ type: 'note', text: 'x' });
    tell(child, (ctx) => ctx.emit({ type: 'out' }));
    await system.settle();
    expect(seen).toEqual([[], [], ['x'], 'out']);
  });

  it('of a machine starts from its initial state', async () => {
    const { system, parent } = await stage();
    const machine = createMachine({
      initial: 'a',
      states: { a: { on: { go: 'b' }, after: { 50: 'late' } }, b: {}, late: {} },
      on: {
        boom: {
          actions: () => {
            throw new Error('boom');
          },
        },
      },
    });
    const child = parent.context.spawn(machine, { hold: true });
    await system.advance(40);
    child.send({ type: 'boom' });
    await system.settle();
    expect(child.getSnapshot().status).toBe('error');
    await system.run(parent.context.restart(child));
    expect(child.getSnapshot()).toMatchObject({ status: 'active', value: 'a' });
    await system.advance(49);
    expect(child.getSnapshot().value).toBe('a');
    await system.advance(1);
    expect(child.getSnapshot().value).toBe('late');
  });
});

describe('a place that crashes on start', () => {
  it('keeps its mailbox closed: what waits is neither handled nor lost', async () => {
    const { system, parent } = await stage();
    let sick = true;
    const child = hold(parent, {
      start: () => {
        if (sick) throw new Error('sick');
      },
    });
    child.send({ type: 'note', text: 'patient' });
    for (let i = 0; i < 3; i += 1) {
      const started: PromiseLike<unknown> =
        i === 0 ? child.started() : parent.context.restart(child);
      expect(await failure(system.run(started))).toMatchObject({ code: 'START_FAILED' });
      expect(system.agents()[0]?.children).toMatchObject([
        { status: 'vacant', incarnation: i + 1, queuedMessages: 1, handled: 0 },
      ]);
    }
    sick = false;
    await system.run(parent.context.restart(child));
    await system.settle();
    expect(notesOf(child)).toEqual(['patient']);
  });

  it('poisons nothing', async () => {
    const { system, parent } = await stage();
    const child = hold(parent, {
      start: () => {
        throw new Error('sick');
      },
    });
    child.send({ type: 'note', text: 'innocent' });
    await system.settle();
    expect(system.deadLetters.total).toBe(0);
  });
});

describe('a release', () => {
  it('ends the place: what waited becomes dead letters, asks fail', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.settle();
    child.send({ type: 'boom', error: new Error('why') });
    child.send({ type: 'note', text: 'lost' });
    const asked = failure(child.ask({ type: 'read' }));
    const result = failure(child.result());
    const started = child.started();
    await system.settle();
    parent.context.release(child);
    await system.settle();
    expect(await asked).toMatchObject({
      code: 'ACTOR_ENDED',
      reason: { error: { message: 'why' } },
    });
    expect(await result).toMatchObject({ code: 'ACTOR_ENDED' });
    await started;
    expect(system.deadLetters.list().map(({ reason }) => reason)).toEqual([
      'poison',
      'actor ended',
    ]);
    expect(system.agents()[0]?.children).toEqual([]);
    // The place is free for another.
    hold(parent);
    await system.settle();
    expect(system.agents()[0]?.children).toMatchObject([{ status: 'running', incarnation: 1 }]);
  });

  it('of a place that never started tells who waits for the start', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.settle();
    await system.run(child.kill());
    const waiting = failure(child.started());
    parent.context.release(child);
    await system.settle();
    expect(await waiting).toBeInstanceOf(StartFailed);
  });

  it('completes the observers', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    const seen: string[] = [];
    child.subscribe({ complete: () => seen.push('complete') });
    await system.settle();
    await system.run(child.kill());
    expect(seen).toEqual([]);
    parent.context.release(child);
    await system.settle();
    expect(seen).toEqual(['complete']);
  });

  it('of an agent that runs does nothing', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.settle();
    parent.context.release(child);
    await system.settle();
    expect(system.agents()[0]?.children).toMatchObject([{ status: 'running' }]);
  });

  it('comes by itself with the end of the parent', async () => {
    const { system, parent } = await stage();
    const child = hold(parent);
    await system.settle();
    await system.run(child.kill());
    const asked = failure(child.ask({ type: 'read' }));
    await system.run(parent.ref.stop());
    expect(await asked).toMatchObject({ code: 'ACTOR_ENDED' });
    expect(system.agents()).toEqual([]);
  });

  it('comes by a stop or a kill of the vacant place from outside', async () => {
    for (const end of ['stop', 'kill'] as const) {
      const { system, parent } = await stage();
      const child = hold(parent);
      await system.settle();
      await system.run(child.kill());
      expect(await system.run(child[end]())).toEqual({ type: 'killed' });
      expect(system.agents()[0]?.children).toEqual([]);
    }
  });
});

describe('two lives, one ref', () => {
  it('hundred kills and restarts under one name never fail', async () => {
    const { system, parent } = await stage();
    const child = parent.context.spawn(
      fromHandler({
        receive: (
          _state: undefined,
          event: { type: 'ping'; replyTo: ReplyTo<{ type: 'pong' }> },
          ctx,
        ) => ctx.reply(event, { type: 'pong' }),
      }),
      { hold: true, name: 'one' },
    );
    for (let i = 0; i < 100; i += 1) {
      expect(await system.run(child.ask({ type: 'ping' }))).toEqual({ type: 'pong' });
      await system.run(child.kill());
      await system.run(parent.context.restart(child));
    }
    expect(system.whereis('one')).toBe(child);
    expect(system.agents()[0]?.children).toMatchObject([{ incarnation: 101, restarts: 100 }]);
  });
});

describe('the start of a child that has nothing to do at it', () => {
  const idle = fromHandler({ receive() {} });

  it('takes no turn: it has started when it is spawned, and when it is restarted', async () => {
    const { system, parent } = await stage();
    const child = parent.context.spawn(idle, { id: 'c', hold: true });
    expect(system.agents()).toMatchObject([{ children: [{ status: 'running' }] }]);
    await system.run(child.kill());
    void parent.context.restart(child);
    expect(system.agents()).toMatchObject([{ children: [{ status: 'running', incarnation: 2 }] }]);
  });

  it('is a turn where there is something: a start, or a first state that cannot be made', async () => {
    const { system, parent } = await stage();
    parent.context.spawn(fromHandler({ start() {}, receive() {} }));
    const bad = parent.context.spawn(
      fromHandler({
        initial: () => {
          throw new RangeError('no state');
        },
        receive() {},
      }),
    );
    expect(system.agents()).toMatchObject([
      { children: [{ status: 'starting' }, { status: 'starting' }] },
    ]);
    expect(await system.run(failure(bad.started()))).toBeInstanceOf(StartFailed);
  });

  it('is observed outside of the step that restarts it', async () => {
    const system = createTestSystem();
    const sink = system.probe<{ type: 'seen' }>('sink');
    const senders: unknown[] = [];
    system.inspect((event) => {
      if (event.type === 'delivered' && event.path === '/sink') senders.push(event.from);
    });
    const parent = system.spawn(
      fromHandler({
        initial: (): Ref[] => [],
        start: (children, ctx) => void children.push(ctx.spawn(idle, { id: 'c', hold: true })),
        receive: ([child], _event: { type: 'restart' }, ctx) => void ctx.restart(child as Ref),
      }),
      { id: 'p' },
    );
    await system.settle();
    const child = system.ref('/p/c');
    child.subscribe(() => sink.ref.send({ type: 'seen' }));
    await system.run(child.kill());
    parent.send({ type: 'restart' });
    await system.settle();
    expect(senders).toEqual([undefined]);
  });
});
