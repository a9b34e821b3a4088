import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SystemStopped, createSystem, type ReplyTo } from 'troupe';
import { createTestSystem } from 'troupe/testing';
import { failure, gate, puppet, spawnPuppet, tell } from './cast.ts';

describe('system.stop', () => {
  it('stops the last started first, each with its children, one after the other', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const slow = (name: string) =>
      puppet({
        async stop(_reason, ctx) {
          await ctx.sleep(10);
          diary.push(`${name} at ${system.nowMs}`);
        },
      });
    for (const name of ['a', 'b']) {
      const ref = system.spawn(slow(name), { id: name });
      tell(ref, (ctx) => void ctx.spawn(slow(`${name} child`)));
    }
    await system.settle();
    await system.stop();
    expect(diary).toEqual(['b child at 10', 'b at 20', 'a child at 30', 'a at 40']);
    expect(system.agents()).toEqual([]);
  });

  it('gives each agent its own grace', async () => {
    const system = createTestSystem();
    const reasons: string[] = [];
    const stuck = puppet({ stop: () => new Promise(() => undefined) });
    for (const [id, shutdown] of [
      ['a', 100],
      ['b', 50],
      ['c', 'brutal_kill'],
    ] as const) {
      const ref = system.spawn(stuck, { id, shutdown });
      system.monitor(ref, ({ reason }) => reasons.push(`${id} ${reason.type} ${system.nowMs}`));
    }
    await system.settle();
    await system.stop();
    expect(reasons).toEqual(['c killed 0', 'b killed 50', 'a killed 150']);
  });

  it('runs no cleanup of a brutal_kill agent at the top', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(puppet({ stop: (reason) => void diary.push(reason.type) }), {
      shutdown: 'brutal_kill',
    });
    system.monitor(ref, ({ reason }) => diary.push(`down ${reason.type}`));
    await system.settle();
    await system.stop();
    expect(diary).toEqual(['down killed']);
  });

  it('is idempotent, also while it is under way', async () => {
    const system = createTestSystem();
    const door = gate();
    let stops = 0;
    const stop = (): Promise<void> => ((stops += 1), door.promise);
    spawnPuppet(system, 'a', { stop }, { shutdown: 'infinity' });
    await system.settle();
    const both = [system.stop(), system.stop()];
    await system.settle();
    door.open();
    await Promise.all(both);
    await system.stop();
    expect(stops).toBe(1);
  });

  it('settles every open ask: with the end of who holds it, or with SystemStopped', async () => {
    const system = createTestSystem();
    const probe = system.probe<{ type: 'q'; replyTo: ReplyTo<{ type: 'a' }> }>();
    await system.settle();
    const held = failure(probe.ref.ask({ type: 'q' }, { timeoutMs: 1e9 }));
    await system.settle();
    system.suspend(probe.ref);
    await system.settle();
    const queued = failure(probe.ref.ask({ type: 'q' }, { timeoutMs: 1e9 }));
    await system.settle();
    await system.stop();
    expect(await held).toMatchObject({ code: 'ACTOR_ENDED', reason: { type: 'shutdown' } });
    expect(await queued).toMatchObject({ code: 'ACTOR_ENDED', reason: { type: 'shutdown' } });
    expect(await failure(probe.ref.ask({ type: 'q' }))).toBeInstanceOf(SystemStopped);
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0, agents: 0 });
  });

  it('refuses to spawn from then on, at the top and below', async () => {
    const system = createTestSystem();
    const door = gate();
    let inner: unknown;
    const ref = spawnPuppet(system, 'a', {}, { trapExit: true, shutdown: 'infinity' });
    tell(ref, async (ctx) => {
      await door.promise;
      try {
        ctx.spawn(puppet());
      } catch (error) {
        inner = error;
      }
    });
    await system.settle();
    const stopped = system.stop();
    expect(() => system.spawn(puppet())).toThrow(SystemStopped);
    await system.settle();
    door.open();
    await stopped;
    expect(inner).toBeInstanceOf(SystemStopped);
    expect(() => system.spawn(puppet(), { id: 'late' })).toThrow('spawn /late');
    expect(await failure(system.start(puppet()))).toBeInstanceOf(SystemStopped);
  });

  it('leaves a system to which a send does no harm', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    await system.settle();
    await system.stop();
    ref.send({ type: 'note', text: 'late' });
    await system.settle();
    expect(system.deadLetters.total).toBe(1);
    expect(await ref.stop()).toEqual({ type: 'shutdown' });
  });

  it('of a system without agents is done at once', async () => {
    await createTestSystem().stop();
  });

  it('waits for an agent that stops already', async () => {
    const system = createTestSystem();
    const door = gate();
    const ref = spawnPuppet(system, 'a', { stop: () => door.promise }, { shutdown: 'infinity' });
    await system.settle();
    void ref.stop();
    await system.settle();
    let over = false;
    const stopped = system.stop().then(() => (over = true));
    await system.settle();
    expect(over).toBe(false);
    door.open();
    await stopped;
  });

  it('may be asked for by an agent', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    tell(ref, () => void system.stop());
    await system.settle();
    expect(system.agents()).toEqual([]);
  });

  it('comes with the end of an `await using` block', async () => {
    const diary: string[] = [];
    {
      await using system = createTestSystem();
      spawnPuppet(system, 'a', { stop: () => void diary.push('stopped') });
      await system.settle();
    }
    diary.push('after');
    expect(diary).toEqual(['stopped', 'after']);
  });

  it('works on the real scheduler and clock', async () => {
    const diary: string[] = [];
    const system = createSystem({ log: false });
    const ref = await system.start(
      puppet({
        start: (ctx) => void ctx.every(1, { type: 'note', text: 'tick' }),
        stop: () => void diary.push('stopped'),
      }),
    );
    const asked = ref.ask({ type: 'read' });
    await asked;
    await system[Symbol.asyncDispose]();
    expect(diary).toEqual(['stopped']);
    expect(system.stats()).toMatchObject({ agents: 0, timers: 0, openRequests: 0 });
  });
});

/** Runs a program of ./processes; its lines, and how it ends. */
function run(program: string) {
  const path = fileURLToPath(new URL(`processes/${program}`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const line = async (expected: string): Promise<void> => {
    while (!lines.includes(expected)) await once(reader, 'line');
  };
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, lines, line, ended };
}

describe('a process', () => {
  it('ends by itself, with code 0, when its system has stopped', { timeout: 30_000 }, async () => {
    const { ended, lines } = run('stops.ts');
    const [code, signal] = await ended;
    expect({ code, signal, lines }).toEqual({
      code: 0,
      signal: null,
      lines: ['stop hook', 'rejected', 'rejected', 'rejected', 'stopped'],
    });
  });

  it(
    'with stopOnSignals stops in order at SIGTERM, and ends by itself',
    { timeout: 30_000 },
    async () => {
      const { child, ended, line, lines } = run('signals.ts');
      await line('ready');
      child.kill('SIGTERM');
      const [code, signal] = await ended;
      expect({ code, signal, lines }).toEqual({
        code: 0,
        signal: null,
        lines: ['ready', 'stopped second', 'stopped first', 'all stopped'],
      });
    },
  );

  it('with stopOnSignals ends at once at a second signal', { timeout: 30_000 }, async () => {
    const { child, ended, line } = run('stuck.ts');
    await line('ready');
    child.kill('SIGTERM');
    await line('stopping');
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
  });
});
