import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { createMachine } from 'xstate';
import { fromHandler, here, type Down, type Exit, type ExitReason } from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { failure, notesOf, puppet, spawnPuppet, tell, type PuppetRef } from './cast.ts';

const CRASH: ExitReason = { type: 'crash', error: new Error('x') };

/** Two linked puppets; the second may trap exits. */
async function pair(system: TestSystem, trapExit: boolean): Promise<[PuppetRef, PuppetRef]> {
  const a = spawnPuppet(system, 'a');
  const b = spawnPuppet(system, 'b', {}, { trapExit });
  await system.settle();
  system.link(a, b);
  return [a, b];
}

/** How the present life of an agent ends, if it has ended. */
function fate(system: TestSystem, ref: PuppetRef): { reason: ExitReason | undefined } {
  const seen: { reason: ExitReason | undefined } = { reason: undefined };
  system.monitor(ref, ({ reason }) => (seen.reason = reason));
  return seen;
}

describe('a linked agent that ends', () => {
  const ends: Record<string, [(ref: PuppetRef) => unknown, ExitReason['type']]> = {
    'stopped with shutdown': [(ref) => ref.stop(), 'shutdown'],
    'shut down with a detail': [(ref) => ref.stop({ detail: 1 }), 'shutdown'],
    crashed: [(ref) => ref.send({ type: 'boom' }), 'crash'],
    killed: [(ref) => ref.kill(), 'killed'],
  };

  it('normally leaves the other alone when it does not trap', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, false);
    const seen = fate(system, b);
    tell(a, (ctx) => ctx.stop());
    await system.settle();
    expect(seen.reason).toBeUndefined();
  });

  it('normally is a message for the other when it traps', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, true);
    tell(a, (ctx) => ctx.stop());
    await system.settle();
    expect(notesOf(b)).toEqual(['exit /a normal']);
  });

  it.each(Object.entries(ends))('%s ends the other with its reason', async (_how, [end, type]) => {
    const system = createTestSystem();
    const [a, b] = await pair(system, false);
    const [fromA, fromB] = [fate(system, a), fate(system, b)];
    void end(a);
    await system.settle();
    expect(fromA.reason?.type).toBe(type);
    expect(fromB.reason).toEqual(fromA.reason);
  });

  it.each(Object.entries(ends))(
    '%s is a message for the other when it traps',
    async (_how, [end, type]) => {
      const system = createTestSystem();
      const [a, b] = await pair(system, true);
      void end(a);
      await system.settle();
      expect(notesOf(b)).toEqual([`exit /a ${type}`]);
      expect(system.agents()).toMatchObject([{ path: '/b', status: 'running' }]);
    },
  );

  it('works both ways', async () => {
    for (const first of [0, 1]) {
      const system = createTestSystem();
      const refs = await pair(system, false);
      refs[first]!.send({ type: 'boom' });
      await system.settle();
      expect(system.agents()).toEqual([]);
    }
  });

  it('carries on along a chain of links, and the reason stays that of the first', async () => {
    const system = createTestSystem();
    const refs = ['a', 'b', 'c', 'd'].map((id) => spawnPuppet(system, id));
    await system.settle();
    for (let i = 1; i < refs.length; i += 1) system.link(refs[i - 1]!, refs[i]!);
    const last = fate(system, refs[3]!);
    const error = new Error('first');
    refs[0]!.send({ type: 'boom', error });
    await system.settle();
    expect(last.reason).toEqual({ type: 'crash', error });
  });

  it('tells once, however often the two were linked', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, true);
    system.link(a, b);
    system.link(b, a);
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(b)).toEqual(['exit /a crash']);
  });

  it('is a machine or a function agent: a machine gets the Exit that it traps as an event', async () => {
    const system = createTestSystem();
    const machine = createMachine({
      types: {} as { events: Exit },
      initial: 'calm',
      states: { calm: { on: { 'troupe.exit': 'told' } }, told: {} },
    });
    const m = system.spawn(machine, { trapExit: true });
    const a = spawnPuppet(system, 'a');
    await system.settle();
    system.link(m, a);
    a.send({ type: 'boom' });
    await system.settle();
    expect(m.getSnapshot().value).toBe('told');
  });
});

describe('a link', () => {
  it('to a dead agent ends one that does not trap, with noproc', async () => {
    const system = createTestSystem();
    const dead = spawnPuppet(system, 'dead');
    await system.run(dead.stop());
    for (const to of [dead, system.ref('/never')]) {
      const a = spawnPuppet(system, 'a');
      const seen = fate(system, a);
      tell(a, (ctx) => ctx.link(to));
      await system.settle();
      expect(seen.reason).toEqual({ type: 'noproc' });
    }
  });

  it('to a dead agent is an Exit with noproc, and from whom, for one that traps', async () => {
    const system = createTestSystem();
    const dead = spawnPuppet(system, 'dead');
    await system.run(dead.stop());
    const a = spawnPuppet(system, 'a', {}, { trapExit: true });
    tell(a, (ctx) => ctx.link(dead));
    tell(a, (ctx) => ctx.link(system.ref('/never')));
    await system.settle();
    expect(notesOf(a)).toEqual(['exit /dead noproc', 'exit /never noproc']);
  });

  it('to itself means nothing', async () => {
    const system = createTestSystem();
    const a = spawnPuppet(system, 'a');
    tell(a, (ctx) => ctx.link(ctx.self));
    await system.settle();
    expect(system.agents()).toMatchObject([{ status: 'running' }]);
  });

  it('that is taken back tells nobody, from whichever side', async () => {
    for (const [by, end] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const system = createTestSystem();
      const refs = await pair(system, true);
      tell(refs[by], (ctx) => ctx.unlink(refs[1 - by]!));
      await system.settle();
      refs[end].send({ type: 'boom' });
      await system.settle();
      expect(system.agents().length).toBe(1);
      expect(notesOf(refs[1 - end]!)).toEqual([]);
    }
  });

  it('that is taken back leaves an Exit in the mailbox that had come already', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, true);
    system.suspend(b);
    a.send({ type: 'boom' });
    await system.settle();
    tell(b, (ctx) => ctx.unlink(a));
    system.resume(b);
    await system.settle();
    expect(notesOf(b)).toEqual(['exit /a crash']);
  });

  it('holds until the end: a parent that links its child falls with it', async () => {
    const system = createTestSystem();
    const parent = spawnPuppet(system, 'p');
    tell(parent, (ctx) => {
      ctx.spawn(puppet(), { id: 'c', link: true }).send({ type: 'boom' });
    });
    await system.settle();
    expect(system.agents()).toEqual([]);
  });

  it('made with the spawn is there before the child can crash', async () => {
    const system = createTestSystem();
    const parent = spawnPuppet(system, 'p', {}, { trapExit: true });
    const bad = puppet({
      start: () => {
        throw new Error('at once');
      },
    });
    tell(parent, (ctx) => void ctx.spawn(bad, { id: 'c', link: true, monitor: true }));
    await system.settle();
    expect(notesOf(parent)).toEqual(['exit /p/c crash', 'down /p/c crash']);
  });

  it('by system.link with an ended agent gives the living one noproc', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const held = parent.context.spawn(puppet(), { id: 'held', hold: true });
    const a = spawnPuppet(system, 'a', {}, { trapExit: true });
    await system.run(held.kill());
    system.link(held, a);
    system.link(a, held);
    await system.settle();
    expect(notesOf(a)).toEqual(['exit /p/held noproc', 'exit /p/held noproc']);
    // The next life there is linked to nobody.
    await system.run(parent.context.restart(held));
    a.send({ type: 'boom' });
    await system.settle();
    expect(system.agents()).toMatchObject([{ children: [{ path: '/p/held', status: 'running' }] }]);
  });
});

describe('ctx.exit', () => {
  const send = async (trapExit: boolean, reason: ExitReason, toSelf = false) => {
    const system = createTestSystem();
    const from = spawnPuppet(system, 'from', {}, { trapExit: toSelf && trapExit });
    const to = toSelf ? from : spawnPuppet(system, 'to', {}, { trapExit });
    await system.settle();
    const seen = fate(system, to);
    tell(from, (ctx) => ctx.exit(to, reason));
    await system.settle();
    return { ...seen, notes: notesOf(to) };
  };

  it('with normal is ignored by an agent that does not trap, and a message for one that does', async () => {
    expect(await send(false, { type: 'normal' })).toEqual({ reason: undefined, notes: [] });
    expect(await send(true, { type: 'normal' })).toEqual({
      reason: undefined,
      notes: ['exit /from normal'],
    });
  });

  it('with normal to oneself ends one that does not trap, and is a message for one that does', async () => {
    expect(await send(false, { type: 'normal' }, true)).toEqual({
      reason: { type: 'normal' },
      notes: [],
    });
    expect(await send(true, { type: 'normal' }, true)).toEqual({
      reason: undefined,
      notes: ['exit /from normal'],
    });
  });

  it('with another reason ends an agent that does not trap, and is a message for one that does', async () => {
    for (const reason of [CRASH, { type: 'shutdown', detail: 1 }] as const) {
      expect(await send(false, reason)).toEqual({ reason, notes: [] });
      expect(await send(true, reason)).toEqual({
        reason: undefined,
        notes: [`exit /from ${reason.type}`],
      });
    }
  });

  it('with killed kills, whether the agent traps or not', async () => {
    for (const trap of [false, true]) {
      expect(await send(trap, { type: 'killed' })).toEqual({
        reason: { type: 'killed' },
        notes: [],
      });
    }
  });

  it('leaves a link as it is', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, false);
    tell(a, (ctx) => ctx.exit(b, { type: 'normal' }));
    await system.settle();
    b.send({ type: 'boom' });
    await system.settle();
    expect(system.agents()).toEqual([]);
  });

  it('that is trapped comes after what the same sender sent in the same step', async () => {
    const system = createTestSystem();
    const to = spawnPuppet(system, 'to', {}, { trapExit: true });
    const from = spawnPuppet(system, 'from');
    tell(from, (ctx) => {
      ctx.send(to, { type: 'note', text: 'before' });
      ctx.exit(to, CRASH);
      ctx.send(to, { type: 'note', text: 'after' });
    });
    await system.settle();
    expect(notesOf(to)).toEqual(['before', 'exit /from crash', 'after']);
  });

  it('aims at the present life: it does not reach one that is started later', async () => {
    const system = createTestSystem();
    const parent = system.probe('p');
    await system.settle();
    const held = parent.context.spawn(puppet(), { id: 'held', hold: true });
    await system.settle();
    await system.run(held.kill());
    parent.context.exit(held, CRASH);
    await system.run(parent.context.restart(held));
    await system.settle();
    expect(system.agents()).toMatchObject([{ children: [{ status: 'running', incarnation: 2 }] }]);
  });

  it('to nobody does nothing', async () => {
    const system = createTestSystem();
    const a = spawnPuppet(system, 'a');
    tell(a, (ctx) => ctx.exit(system.ref('/nobody'), CRASH));
    await system.settle();
    expect(system.stats().crashes).toBe(0);
  });
});

describe('trapping exits', () => {
  it('can be switched on and off by the agent itself', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, false);
    tell(b, (ctx) => ctx.trapExit(true));
    await system.settle();
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(b)).toEqual(['exit /a crash']);
    tell(b, (ctx) => ctx.trapExit(false));
    const c = spawnPuppet(system, 'c');
    await system.settle();
    system.link(b, c);
    c.send({ type: 'boom' });
    await system.settle();
    expect(system.agents()).toEqual([]);
  });

  it('does not keep an agent alive whose parent ends', async () => {
    const system = createTestSystem();
    const parent = spawnPuppet(system, 'p');
    tell(parent, (ctx) => void ctx.spawn(puppet(), { trapExit: true, link: true }));
    await system.settle();
    parent.send({ type: 'boom' });
    await system.settle();
    expect(system.agents()).toEqual([]);
  });

  it('keeps a trapped Exit behind what the same agent had sent before', async () => {
    const system = createTestSystem();
    const [a, b] = await pair(system, true);
    tell(a, (ctx) => {
      for (let i = 0; i < 5; i += 1) ctx.send(b, { type: 'note', text: `${i}` });
    });
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(b)).toEqual(['0', '1', '2', '3', '4', 'exit /a crash']);
  });
});

describe('a monitor', () => {
  it('reports the end once, with ref, incarnation and reason', async () => {
    const system = createTestSystem();
    const probe = system.probe<Down>();
    const a = spawnPuppet(system, 'a');
    await system.settle();
    probe.context.monitor(a);
    const error = new Error('x');
    a.send({ type: 'boom', error });
    expect(await probe.expectMessage('troupe.down')).toEqual({
      type: 'troupe.down',
      ref: a,
      incarnation: 1,
      reason: { type: 'crash', error },
    });
    await probe.expectNoMessage();
  });

  it('reports each way of ending with its reason', async () => {
    const system = createTestSystem();
    const probe = system.probe<Down>();
    const ways: [(ref: PuppetRef) => unknown, ExitReason][] = [
      [(ref) => tell(ref, (ctx) => ctx.stop(1)), { type: 'normal', output: 1 }],
      [(ref) => ref.stop(), { type: 'shutdown' }],
      [(ref) => ref.kill(), { type: 'killed' }],
    ];
    for (const [end, reason] of ways) {
      const a = spawnPuppet(system, 'a');
      await system.settle();
      probe.context.monitor(a);
      void end(a);
      expect((await probe.expectMessage('troupe.down')).reason).toEqual(reason);
    }
  });

  it('of a dead agent, or of one that never was, reports noproc at once', async () => {
    const system = createTestSystem();
    const probe = system.probe<Down>();
    const dead = spawnPuppet(system, 'dead');
    await system.run(dead.stop());
    for (const ref of [dead, system.ref('/never')]) {
      probe.context.monitor(ref);
      expect(await probe.expectMessage('troupe.down')).toMatchObject({
        ref: { address: ref.address },
        reason: { type: 'noproc' },
      });
    }
    const outside: Down[] = [];
    system.monitor(dead, (down) => outside.push(down));
    expect(outside).toMatchObject([{ reason: { type: 'noproc' } }]);
  });

  it('of an agent on a node that cannot be reached reports noconnection', async () => {
    const system = createTestSystem();
    const probe = system.probe<Down>();
    await system.settle();
    probe.context.monitor(system.ref('mars/base'));
    expect((await probe.expectMessage('troupe.down')).reason).toEqual({ type: 'noconnection' });
  });

  it('stacks: two monitors bring two Downs', async () => {
    const system = createTestSystem();
    const watcher = spawnPuppet(system, 'w');
    const a = spawnPuppet(system, 'a');
    tell(watcher, (ctx) => {
      ctx.monitor(a);
      ctx.monitor(a);
    });
    await system.settle();
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(watcher)).toEqual(['down /a crash', 'down /a crash']);
  });

  it('that is taken back brings none', async () => {
    const system = createTestSystem();
    const probe = system.probe<Down>();
    const a = spawnPuppet(system, 'a');
    await system.settle();
    const kept = probe.context.monitor(a);
    probe.context.demonitor(probe.context.monitor(a));
    const outside: Down[] = [];
    system.monitor(a, (down) => outside.push(down))();
    a.send({ type: 'boom' });
    await probe.expectMessage('troupe.down');
    await probe.expectNoMessage();
    expect(outside).toEqual([]);
    // Of a watch that is over nothing is left to take back.
    probe.context.demonitor(kept);
  });

  it('is one-way: the end of the watcher means nothing to the watched', async () => {
    const system = createTestSystem();
    const watcher = spawnPuppet(system, 'w');
    const a = spawnPuppet(system, 'a', {}, { trapExit: true });
    tell(watcher, (ctx) => void ctx.monitor(a));
    await system.settle();
    watcher.send({ type: 'boom' });
    await system.settle();
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(a)).toEqual([]);
    expect(system.deadLetters.list(({ reason }) => reason !== 'poison')).toEqual([]);
  });

  it('of an agent that is ending still gives the true reason', async () => {
    const system = createTestSystem();
    const a = spawnPuppet(system, 'a', { stop: (_r, ctx) => ctx.sleep(50).then(() => undefined) });
    await system.settle();
    void a.stop({ detail: 'slow' });
    await system.settle();
    const seen = fate(system, a);
    await system.advance(50);
    expect(seen.reason).toEqual({ type: 'shutdown', detail: 'slow' });
  });

  it('made with the spawn is there before the child can end', async () => {
    const system = createTestSystem();
    const parent = spawnPuppet(system, 'p');
    tell(parent, (ctx) => {
      ctx.spawn(puppet({ start: (child) => child.stop() }), { id: 'c', monitor: true });
    });
    await system.settle();
    expect(notesOf(parent)).toEqual(['down /p/c normal']);
  });

  it('brings its Down after what the same agent had sent before, also in its stop hook', async () => {
    const system = createTestSystem();
    const watcher = spawnPuppet(system, 'w');
    const a = spawnPuppet(system, 'a', {
      stop: (_reason, ctx) => ctx.send(watcher, { type: 'note', text: 'last' }),
    });
    tell(watcher, (ctx) => void ctx.monitor(a));
    await system.settle();
    tell(a, (ctx) => {
      ctx.send(watcher, { type: 'note', text: 'one' });
      ctx.send(watcher, { type: 'note', text: 'two' });
      ctx.stop();
    });
    await system.settle();
    expect(notesOf(watcher)).toEqual(['one', 'two', 'last', 'down /a normal']);
  });

  it('brings its Down after what still waits for room in the mailbox of its watcher', async () => {
    const system = createTestSystem();
    const watcher = system.spawn(puppet(), {
      mailbox: { capacityMessages: 1, overflow: 'wait' },
    });
    const a = spawnPuppet(system, 'a');
    tell(watcher, (ctx) => void ctx.monitor(a));
    await system.settle();
    system.suspend(watcher);
    tell(a, (ctx) => {
      for (const text of ['1', '2', '3']) ctx.send(watcher, { type: 'note', text });
    });
    await system.settle();
    await system.run(a.stop());
    system.resume(watcher);
    await system.settle();
    expect(notesOf(watcher)).toEqual(['1', '2', '3', 'down /a shutdown']);
  });

  it('reports to a machine as an event', async () => {
    const system = createTestSystem();
    const a = spawnPuppet(system, 'a');
    const machine = createMachine({
      types: {} as { events: Down },
      entry: () => void here().monitor(a),
      initial: 'up',
      states: { up: { on: { 'troupe.down': 'down' } }, down: {} },
    });
    const m = system.spawn(machine);
    await system.settle();
    a.send({ type: 'boom' });
    await system.settle();
    expect(m.getSnapshot().value).toBe('down');
  });

  it('takes only a ref', async () => {
    const system = createTestSystem();
    const error = await failure(() => system.monitor('x' as never, () => undefined));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', field: 'ref' });
  });

  it('a callback that throws stops nobody else from being told', async () => {
    const system = createTestSystem();
    const a = spawnPuppet(system, 'a');
    const watcher = spawnPuppet(system, 'w');
    system.monitor(a, () => {
      throw new Error('observer');
    });
    tell(watcher, (ctx) => void ctx.monitor(a));
    await system.settle();
    a.send({ type: 'boom' });
    await system.settle();
    expect(notesOf(watcher)).toEqual(['down /a crash']);
    expect(system.agents()).toMatchObject([{ path: '/w' }]);
  });
});

describe('a name', () => {
  it('is free before the Down and the Exit of its holder arrive', async () => {
    const system = createTestSystem();
    const free: boolean[] = [];
    const watcher = system.spawn(
      fromHandler({
        receive: (_state: undefined, _event: Down | Exit, ctx) => {
          free.push(ctx.whereis({ name: 'n' }) === undefined);
          ctx.register('n');
          ctx.unregister('n');
        },
      }),
      { trapExit: true },
    );
    for (let i = 0; i < 20; i += 1) {
      const holder = system.spawn(puppet(), { id: 'holder', name: 'n' });
      await system.settle();
      system.link(watcher, holder);
      system.monitor(holder, () => free.push(system.whereis('n') === undefined));
      void (i % 2 === 0 ? holder.kill() : holder.send({ type: 'boom' }));
      await system.settle();
    }
    expect(free).toEqual(Array(40).fill(true));
  });
});

describe('links and monitors at random', () => {
  const op = fc.record({
    what: fc.constantFrom('link', 'unlink', 'monitor', 'demonitor', 'crash', 'stop', 'kill'),
    a: fc.nat(5),
    b: fc.nat(5),
  });

  test.prop([fc.array(op, { maxLength: 40 }), fc.integer({ min: 1, max: 0x7ffffffe })])(
    'each monitor that is not taken back brings exactly one Down, each other none',
    async (ops, seed) => {
      let random = seed;
      const system = createTestSystem({
        pick: (ready) => (random = (random * 48_271) % 0x7fffffff) % ready,
      });
      const agents = Array.from({ length: 6 }, (_, i) => system.probe(`p${i}`));
      const watches: { downs: number; takenBack: boolean; readonly end: () => void }[] = [];
      const watch = (at: number): void => {
        const own = { downs: 0, takenBack: false, end: (): void => undefined };
        own.end = system.monitor(agents[at]!.ref, () => (own.downs += 1));
        watches.push(own);
      };
      const alive = (...ats: number[]): boolean =>
        ats.every((at) => agents[at]!.ref.getSnapshot().status === 'active');
      await system.settle();
      for (const { what, a, b } of ops) {
        const { ref, context } = agents[a]!;
        if (what === 'link' && alive(a, b)) context.link(agents[b]!.ref);
        else if (what === 'unlink' && alive(a, b)) context.unlink(agents[b]!.ref);
        else if (what === 'monitor') watch(a);
        else if (what === 'demonitor') {
          const chosen = watches[b];
          chosen?.end();
          if (chosen?.downs === 0) chosen.takenBack = true;
        } else if (what === 'crash') {
          if (alive(a)) await system.crash(ref);
        } else if (what === 'stop') await system.run(ref.stop());
        else if (what === 'kill') await system.run(ref.kill());
      }
      await system.run(system.stop());
      for (const { downs, takenBack } of watches) expect(downs).toBe(takenBack ? 0 : 1);
      expect(system.stats()).toMatchObject({ agents: 0, names: 0, timers: 0, openRequests: 0 });
    },
  );
});
