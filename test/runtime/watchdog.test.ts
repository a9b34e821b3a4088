import { describe, expect, it } from 'vitest';
import {
  agentName,
  fromHandler,
  InvalidOption,
  watchForTrouble,
  type AgentContext,
  type Alarm,
  type InspectionEvent,
  type Ref,
  type ReplyTo,
  type WatchdogOptions,
} from 'troupe';
import { child, supervisor } from 'troupe/supervision';
import { createTestSystem, type TestSystem } from 'troupe/testing';

type Done = { readonly type: 'done' };
type Work = { readonly type: 'work'; readonly lap: number; readonly replyTo: ReplyTo<Done> };

type Go = { readonly type: 'go' };

const DONE: Done = { type: 'done' };
const timeoutMs = Infinity;

function watched(options: WatchdogOptions = {}): {
  readonly system: TestSystem;
  readonly alarms: Alarm[];
} {
  const alarms: Alarm[] = [];
  const system = createTestSystem({ log: false });
  watchForTrouble(system, { ...options, onAlarm: (alarm) => alarms.push(alarm) });
  return { system, alarms };
}

const ignore = (): undefined => undefined;

/** Keeps every request; a `release` answers them. */
const keeper = fromHandler({
  initial: (): readonly Work[] => [],
  receive(kept, event: Work | { readonly type: 'release' }, ctx) {
    if (event.type === 'work') {
      ctx.defer(event);
      return [...kept, event];
    }
    for (const request of kept) ctx.reply(request, DONE);
    return [];
  },
});

describe('a watchdog', () => {
  it('tells of a deadlock, with its members', async () => {
    const { system, alarms } = watched();
    const Self = agentName<Ref<Work>>('self');
    const agent = fromHandler({
      *receive(_state: undefined, event: Work, ctx) {
        const self = ctx.whereis(Self) as Ref<Work>;
        ctx.reply(event, yield* ctx.ask(self, { type: 'work', lap: 0 }, { timeoutMs }));
      },
    });
    const ref = system.spawn(agent, { id: 'a', name: Self });
    ref.ask({ type: 'work', lap: 0 }, { timeoutMs }).catch(ignore);
    await system.settle();
    expect(alarms).toEqual([
      {
        kind: 'deadlock',
        message: 'local/a waits for "work" of local/a',
        agents: ['local/a'],
        requests: ['work'],
        custody: [
          { agent: 'local/', did: 'asked', message: 'work', id: 1, atMs: 0 },
          { agent: 'local/a', did: 'asked', message: 'work', id: 2, atMs: 0 },
          { agent: 'local/a', did: 'queued', message: 'work', id: 2, atMs: 0 },
        ],
      },
    ]);
  });

  it('tells once of a request whose holder is idle, in the log and the inspection too', async () => {
    const { system, alarms } = watched({ stuckMs: 5_000 });
    const seen: InspectionEvent[] = [];
    system.inspect((event) => void (event.type === 'alarm' && seen.push(event)));
    const ref = system.spawn(keeper, { id: 'keeper' });
    ref.ask({ type: 'work', lap: 0 }, { timeoutMs }).catch(ignore);
    await system.advance(5_000);
    expect(alarms).toEqual([]);
    await system.advance(20_000);
    expect(alarms).toMatchObject([
      { kind: 'stuck request', agents: ['local/keeper'], requests: ['work'] },
    ]);
    expect(alarms[0]?.custody).toMatchObject([
      { agent: 'local/', did: 'asked', message: 'work', atMs: 0 },
      { agent: 'local/keeper', did: 'started', message: 'work', atMs: 0 },
    ]);
    expect(seen).toEqual([{ type: 'alarm', alarm: alarms[0] }]);
  });

  it('tells nothing of a request that is answered in time, has a holder at work, or may wait', async () => {
    const { system, alarms } = watched({ stuckMs: 5_000, mayWait: ['take'] });
    const ref = system.spawn(keeper, { id: 'keeper' });
    const asked = ref.ask({ type: 'work', lap: 0 }, { timeoutMs });
    await system.advance(4_000);
    ref.send({ type: 'release' });
    expect(await system.run(asked)).toEqual(DONE);
    const slow = fromHandler({
      *receive(_state: undefined, event: Work, ctx) {
        yield* ctx.sleep(60_000);
        ctx.reply(event, DONE);
      },
    });
    const taker = fromHandler({
      receive: (_state: undefined, event: { type: 'take'; replyTo: ReplyTo<Done> }, ctx) =>
        ctx.defer(event),
    });
    system.spawn(taker, { id: 'taker' }).ask({ type: 'take' }, { timeoutMs }).catch(ignore);
    const slept = system.spawn(slow, { id: 'slow' }).ask({ type: 'work', lap: 0 }, { timeoutMs });
    await system.advance(70_000);
    expect(await slept).toEqual(DONE);
    expect(alarms).toEqual([]);
  });

  /** Two agents that hand a request to each other, `lap` being what `next` makes of it, until `isDone`. */
  function handing(
    system: TestSystem,
    next: (lap: number) => number,
    isDone: (lap: number) => boolean,
  ): Ref<Work> {
    const partner = (other: string) =>
      fromHandler({
        receive(_state: undefined, event: Work, ctx) {
          if (isDone(event.lap)) ctx.reply(event, DONE);
          else
            ctx.forward(ctx.whereis(agentName<Ref<Work>>(other)) as Ref<Work>, {
              ...event,
              lap: next(event.lap),
            });
        },
      });
    system.spawn(partner('a'), { id: 'b', name: 'b' });
    return system.spawn(partner('b'), { id: 'a', name: 'a' });
  }

  it('tells of a request that goes round', async () => {
    const { system, alarms } = watched();
    const ref = handing(
      system,
      (lap) => (lap + 1) % 3,
      () => false,
    );
    ref.ask({ type: 'work', lap: 0 }, { timeoutMs }).catch(ignore);
    await system.settle();
    expect(alarms).toMatchObject([{ kind: 'handoff loop', requests: ['work'] }]);
    expect([...(alarms[0]?.agents ?? [])].sort()).toEqual(['local/a', 'local/b']);
    const { custody = [] } = alarms[0] ?? {};
    expect(custody.length).toBeLessThanOrEqual(32);
    expect(custody.at(-1)).toMatchObject({ did: 'forwarded', message: 'work' });
    expect(custody.at(-1)?.agent).not.toBe(custody.at(-2)?.agent);
  });

  it('tells nothing of many hops that come nearer to an end', async () => {
    const { system, alarms } = watched();
    const ref = handing(
      system,
      (lap) => lap + 1,
      (lap) => lap === 100,
    );
    expect(await system.run(ref.ask({ type: 'work', lap: 0 }))).toEqual(DONE);
    expect(alarms).toEqual([]);
  });

  const crasher = fromHandler({
    receive(_state: undefined, event: { readonly type: 'crash' | 'fine' }) {
      if (event.type === 'crash') throw new Error('crashed');
    },
  });

  async function crashing(system: TestSystem, types: readonly ('crash' | 'fine')[]): Promise<void> {
    const top = supervisor({
      intensity: 100,
      children: [child({ id: 'w', logic: crasher })],
    });
    system.spawn(top, { id: 'top' });
    await system.settle();
    for (const type of types) {
      (system.ref('/top/w') as Ref<{ type: 'crash' | 'fine' }>).send({ type });
      await system.advance(100);
    }
  }

  it('tells once of a storm of restarts', async () => {
    const { system, alarms } = watched();
    await crashing(system, Array(14).fill('crash'));
    expect(alarms).toMatchObject([{ kind: 'restart storm', agents: ['local/top/w'] }]);
  });

  it('tells nothing of crashes between which something is handled, or that are seldom', async () => {
    const { system, alarms } = watched({ stormWindowMs: 300, stormCrashes: 5 });
    await crashing(system, Array(9).fill('crash'));
    await system.advance(1_000);
    for (let times = 0; times < 10; times += 1) {
      (system.ref('/top/w') as Ref<{ type: 'crash' | 'fine' }>).send({
        type: times % 2 === 0 ? 'fine' : 'crash',
      });
      await system.advance(10);
    }
    expect(alarms).toEqual([]);
  });

  type Tick = { readonly type: 'tick' | 'job' };

  async function ticking(system: TestSystem, starves: boolean): Promise<void> {
    const agent = fromHandler({
      initial: () => 0,
      receive(ticks, event: Tick, ctx) {
        if (event.type === 'tick') return ticks;
        if (starves) ctx.postpone();
        return undefined;
      },
    });
    const ref = system.spawn(agent, { id: 'w' });
    ref.send({ type: 'job' });
    for (let second = 0; second < 20; second += 1) {
      for (let tick = 0; tick < 100; tick += 1) ref.send({ type: 'tick' });
      await system.advance(1_000);
    }
  }

  it('tells once of a message that waits while others are handled', async () => {
    const { system, alarms } = watched();
    await ticking(system, true);
    expect(alarms).toMatchObject([{ kind: 'starvation', agents: ['local/w'], requests: ['job'] }]);
  });

  it('tells nothing of messages that have their turn, or of a long queue', async () => {
    const { system, alarms } = watched();
    await ticking(system, false);
    const slow = fromHandler({
      *receive(_state: undefined, _event: Tick, ctx) {
        yield* ctx.sleep(10);
      },
    });
    const ref = system.spawn(slow, { id: 'slow' });
    for (let tick = 0; tick < 4_000; tick += 1) ref.send({ type: 'tick' });
    await system.advance(60_000);
    expect(alarms).toEqual([]);
  });

  it('ends when it is told to, and with the system', async () => {
    const alarms: Alarm[] = [];
    const system = createTestSystem({ log: false });
    const stop = watchForTrouble(system, {
      stuckMs: 1_000,
      onAlarm: (alarm) => alarms.push(alarm),
    });
    const ref = system.spawn(keeper, { id: 'keeper' });
    ref.ask({ type: 'work', lap: 0 }, { timeoutMs }).catch(ignore);
    stop();
    await system.advance(10_000);
    expect(alarms).toEqual([]);
    expect(system.stats().timers).toBe(0);
    watchForTrouble(system);
    await system.stop();
    expect(system.stats().timers).toBe(0);
  });

  it('refuses options that make no sense, and a second one', () => {
    const system = createTestSystem();
    expect(() => watchForTrouble(system, { everyMs: 0 })).toThrow(InvalidOption);
    expect(() => watchForTrouble(system, { mayWait: 'take' as never })).toThrow(InvalidOption);
    expect(() => watchForTrouble(system, { often: true } as never)).toThrow(InvalidOption);
    expect(() => watchForTrouble(system, { onAlarm: 1 as never })).toThrow(InvalidOption);
    watchForTrouble(system);
    expect(() => watchForTrouble(system)).toThrow(InvalidOption);
  });

  /** Two that take two locks each, in opposite orders; `say` is what they say of it. */
  async function crossed(
    say: (ctx: AgentContext<Go>, did: 'wants' | 'holds', lock: Ref<Work>) => void,
  ): Promise<readonly Alarm[]> {
    const { system, alarms } = watched({ stuckMs: 5_000 });
    const lock = fromHandler({
      initial: () => false,
      receive(taken, event: Work, ctx) {
        if (taken) ctx.defer(event);
        else ctx.reply(event, DONE);
        return true;
      },
    });
    const locks = ['l', 'r'].map((id) => system.spawn(lock, { id }));
    const clerk = (own: readonly Ref<Work>[]) =>
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx) {
          for (const one of own) {
            say(ctx, 'wants', one);
            yield* ctx.ask(one, { type: 'work', lap: 0 }, { timeoutMs });
            say(ctx, 'holds', one);
          }
        },
      });
    const ann = system.spawn(clerk(locks), { id: 'ann' });
    const bob = system.spawn(clerk(locks.toReversed()), { id: 'bob' });
    ann.send({ type: 'go' });
    bob.send({ type: 'go' });
    await system.advance(20_000);
    return alarms;
  }

  it('tells once of agents that want what the other says that it holds', async () => {
    const deadlock = {
      kind: 'deadlock',
      agents: ['local/ann', 'local/bob'],
      message:
        'local/ann waits for local/r, which local/bob holds; local/bob waits for local/l, which local/ann holds',
      requests: ['work'],
    };
    expect(await crossed((ctx, did, lock) => did === 'holds' && ctx.holds(lock))).toMatchObject([
      deadlock,
    ]);
    const byName = await crossed((ctx, did, lock) => ctx[did](`lock ${lock.path}`));
    expect(byName).toMatchObject([
      { kind: 'deadlock', message: expect.stringContaining('waits for lock /r, which') },
    ]);
    expect(await crossed(ignore)).toMatchObject([
      { kind: 'stuck request' },
      { kind: 'stuck request' },
    ]);
  });
});
