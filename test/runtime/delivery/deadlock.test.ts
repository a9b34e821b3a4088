import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  DeadlockError,
  agentName,
  ask,
  fromHandler,
  type InspectionEvent,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';

type Done = { readonly type: 'done'; readonly by: string };
type Go = {
  readonly type: 'go';
  readonly via: readonly string[];
  readonly replyTo: ReplyTo<Done>;
};

const timeoutMs = Infinity;

/** Asks the first of `via` for the rest, and answers what it was answered. */
const relay = fromHandler({
  *receive(_state: undefined, event: Go, ctx) {
    const [next, ...via] = event.via;
    if (next === undefined) return ctx.reply(event, { type: 'done', by: ctx.self.path });
    const to = ctx.whereis(agentName<Ref<Go>>(next));
    ctx.reply(event, yield* ctx.ask(to as Ref<Go>, { type: 'go', via }, { timeoutMs }));
  },
});

function team(...names: string[]): {
  readonly system: TestSystem;
  readonly seen: InspectionEvent[];
  readonly refs: Ref<Go>[];
} {
  const system = createTestSystem();
  const seen: InspectionEvent[] = [];
  system.inspect((event) => void (event.type === 'deadlock' && seen.push(event)));
  const refs = names.map((name) => system.spawn(relay, { id: name, name }));
  return { system, seen, refs };
}

const outcome = (asked: Promise<Done>): Promise<unknown> =>
  asked.then(
    ({ by }) => by,
    (error: unknown) => error,
  );

describe('a live deadlock', () => {
  it('of one agent that asks itself fails at once', async () => {
    const { system, refs } = team('a');
    const asked = outcome((refs[0] as Ref<Go>).ask({ type: 'go', via: ['a'] }, { timeoutMs }));
    const error = await system.run(asked);
    expect(error).toMatchObject({ name: 'ActorEnded' });
    expect((error as Error).cause).toBeInstanceOf(DeadlockError);
    expect((error as Error).cause).toMatchObject({
      code: 'DEADLOCK',
      members: ['local/a'],
      requests: ['go'],
    });
    expect(system.nowMs).toBe(0);
  });

  it('fails the youngest request of the circle, with its members in order', async () => {
    const { system, refs, seen } = team('a', 'b', 'c');
    const asked = outcome(
      (refs[0] as Ref<Go>).ask({ type: 'go', via: ['b', 'c', 'a'] }, { timeoutMs }),
    );
    await system.run(asked);
    expect(seen).toEqual([
      {
        type: 'deadlock',
        path: '/c',
        members: ['local/c', 'local/a', 'local/b'],
        requests: ['go', 'go', 'go'],
      },
    ]);
  });

  it('counts although a deadline would end it', async () => {
    const { system, refs, seen } = team('a', 'b');
    await system.run(
      outcome((refs[0] as Ref<Go>).ask({ type: 'go', via: ['b', 'a'] }, { timeoutMs: 50 })),
    );
    expect(seen).toHaveLength(1);
    expect(system.nowMs).toBe(0);
  });

  it('is none in a chain, however long', async () => {
    const { system, refs, seen } = team('a', 'b', 'c', 'd');
    const asks = [
      (refs[0] as Ref<Go>).ask({ type: 'go', via: ['b', 'c', 'd'] }),
      (refs[1] as Ref<Go>).ask({ type: 'go', via: ['c', 'd'] }),
      (refs[2] as Ref<Go>).ask({ type: 'go', via: ['d'] }),
    ];
    const answers = await system.run(Promise.all(asks));
    expect(answers.map(({ by }) => by)).toEqual(['/d', '/d', '/d']);
    expect(seen).toEqual([]);
  });

  it('is found among the requests that are waited for together', async () => {
    const { system, refs, seen } = team('a', 'b', 'c');
    const both = fromHandler({
      *receive(_state: undefined, event: Go, ctx) {
        const asks = ['c', 'b'].map((name, at) =>
          ctx.ask(
            ctx.whereis(agentName<Ref<Go>>(name)) as Ref<Go>,
            { type: 'go', via: at === 0 ? [] : ['both'] },
            { timeoutMs },
          ),
        );
        const [first] = yield* ctx.all(asks);
        ctx.reply(event, first as Done);
      },
    });
    const ref = system.spawn(both, { id: 'both', name: 'both' });
    await system.run(outcome(ref.ask({ type: 'go', via: [] }, { timeoutMs })));
    expect(refs).toHaveLength(3);
    expect(seen).toMatchObject([{ members: ['local/b', 'local/both'] }]);
  });

  it('is none when the asker has answered what the other one waits for', async () => {
    const { system, seen } = team();
    const early = fromHandler({
      *receive(_state: undefined, event: Go, ctx) {
        const [name] = event.via;
        const to = ctx.whereis(agentName<Ref<Go>>(name ?? '')) as Ref<Go>;
        const wait = ctx.ask(to, { type: 'go', via: [] }, { timeoutMs });
        ctx.reply(event, { type: 'done', by: ctx.self.path });
        yield* wait;
      },
    });
    system.spawn(early, { id: 'early', name: 'early' });
    // `early` asks whoever waits for it; but its answer to that one leaves in the same step.
    const asking = fromHandler({
      *receive(_state: undefined, event: Go, ctx) {
        if (event.via.length === 0) return ctx.reply(event, { type: 'done', by: ctx.self.path });
        const to = ctx.whereis(agentName<Ref<Go>>('early')) as Ref<Go>;
        ctx.reply(event, yield* ctx.ask(to, { type: 'go', via: ['asking'] }, { timeoutMs }));
      },
    });
    const ref = system.spawn(asking, { id: 'asking', name: 'asking' });
    const answer = await system.run(ref.ask({ type: 'go', via: ['early'] }, { timeoutMs }));
    expect(answer).toEqual({ type: 'done', by: '/early' });
    expect(seen).toEqual([]);
  });

  it('closes when a request is handed to an agent that waits for its asker', async () => {
    const { system, seen } = team('a', 'b', 'c');
    const forwarder = fromHandler({
      receive(_state: undefined, event: Go, ctx) {
        const [name] = event.via;
        const to = ctx.whereis(agentName<Ref<Go>>(name ?? '')) as Ref<Go>;
        ctx.forward(to, event);
      },
    });
    system.spawn(forwarder, { id: 'f', name: 'f' });
    const ref = system.ref('/a') as Ref<Go>;
    // `c` waits for `a`; `a` asks `f`, which hands the request on to `c`.
    const c = system.ref('/c') as Ref<Go>;
    const first = outcome(ref.ask({ type: 'go', via: ['f', 'c'] }, { timeoutMs }));
    const second = outcome(c.ask({ type: 'go', via: ['a'] }, { timeoutMs }));
    await system.run(Promise.all([first, second]));
    expect(seen).toMatchObject([{ members: ['local/c', 'local/a'] }]);
  });

  it('is none when the request was handed on and does not lie with the agent asked any more', async () => {
    const { system, refs, seen } = team('a', 'b');
    const handsOn = fromHandler({
      *receive(_state: undefined, event: Go, ctx) {
        const other = ctx.whereis(agentName<Ref<Go>>('b')) as Ref<Go>;
        const asker = ctx.whereis(agentName<Ref<Go>>('a')) as Ref<Go>;
        ctx.forward(other, { ...event, via: [] });
        yield* ctx.ask(asker, { type: 'go', via: [] }, { timeoutMs });
      },
    });
    system.spawn(handsOn, { id: 'h', name: 'h' });
    const asked = (refs[0] as Ref<Go>).ask({ type: 'go', via: ['h'] }, { timeoutMs });
    expect(await system.run(asked)).toEqual({ type: 'done', by: '/b' });
    expect(seen).toEqual([]);
  });
});

describe('a live deadlock of machines', () => {
  const Peer = agentName<Ref<Go>>('peer');
  const busy = (postpone: 'all' | undefined) =>
    setup({
      types: { events: {} as Go, context: {} as { failed: string | undefined } },
      actors: { askPeer: ask(Peer, 'go', { timeoutMs }) },
    }).createMachine({
      context: { failed: undefined },
      initial: 'free',
      states: {
        free: { on: { go: 'busy' } },
        busy: {
          ...(postpone === undefined ? { on: { go: {} } } : { meta: { postpone } }),
          invoke: {
            src: 'askPeer',
            input: { via: ['machine'] },
            onDone: 'free',
            onError: 'failed',
          },
        },
        failed: { on: { go: {} } },
      },
    });

  it('is one when the state postpones all', async () => {
    const { system, seen } = team('peer');
    const ref = system.spawn(busy('all'), { id: 'machine', name: 'machine' });
    ref.send({ type: 'go', via: [], replyTo: system.probe('p').ref as never });
    await system.settle();
    expect(seen).toMatchObject([
      { members: expect.arrayContaining(['local/peer', 'local/machine']) },
    ]);
    expect(system.nowMs).toBe(0);
  });

  it('is none when the state handles the request', async () => {
    const { system, seen } = team('peer');
    const ref = system.spawn(busy(undefined), { id: 'machine', name: 'machine' });
    ref.send({ type: 'go', via: [], replyTo: system.probe('p').ref as never });
    await system.settle();
    expect(seen).toEqual([]);
  });
});

describe('a live circle of senders that wait for room', () => {
  type Item = { readonly type: 'go' | 'x' };
  const waiting = { capacityMessages: 1, overflow: 'wait' } as const;

  /** Sends three to the other at once. */
  const flooder = (other: string) =>
    fromHandler({
      initial: () => 0,
      receive(taken: number, event: Item, ctx) {
        if (event.type === 'x') return taken + 1;
        const to = ctx.whereis(agentName<Ref<Item>>(other)) as Ref<Item>;
        for (let sent = 0; sent < 3; sent += 1) ctx.send(to, { type: 'x' });
        return taken;
      },
    });

  it('is broken at its youngest message, which becomes a dead letter, and both go on', async () => {
    const system = createTestSystem({ log: false });
    const seen: InspectionEvent[] = [];
    system.inspect((event) => void (event.type === 'deadlock' && seen.push(event)));
    const a = system.spawn(flooder('b'), { id: 'a', name: 'a', mailbox: waiting });
    const b = system.spawn(flooder('a'), { id: 'b', name: 'b', mailbox: waiting });
    a.send({ type: 'go' });
    b.send({ type: 'go' });
    await system.settle();
    expect(seen[0]).toMatchObject({
      path: '/b',
      members: ['local/b', 'local/a'],
      requests: ['(room)', '(room)'],
    });
    const lost = system.deadLetters.list().map(({ reason, from }) => `${from}: ${reason}`);
    expect(lost).toHaveLength(seen.length);
    expect(new Set(lost)).toEqual(new Set(['local/b: deadlock']));
    const taken = a.getSnapshot().context + b.getSnapshot().context;
    expect(taken + lost.length).toBe(6);
  });

  it('with a request in it fails that request', async () => {
    const system = createTestSystem({ log: false });
    const seen: InspectionEvent[] = [];
    system.inspect((event) => void (event.type === 'deadlock' && seen.push(event)));
    /** Waits for b's answer, with a mailbox that b has filled. */
    const asker = fromHandler({
      initial: () => '',
      *receive(got: string, event: Item, ctx) {
        if (event.type === 'x') return `${got}x`;
        try {
          const b = ctx.whereis(agentName<Ref<Go>>('b')) as Ref<Go>;
          yield* ctx.ask(b, { type: 'go', via: [] }, { timeoutMs });
          return got;
        } catch (error) {
          return (error as Error).message;
        }
      },
    });
    const filler = fromHandler({
      receive(_state: undefined, event: Go, ctx) {
        const to = ctx.whereis(agentName<Ref<Item>>('a')) as Ref<Item>;
        for (let sent = 0; sent < 2; sent += 1) ctx.send(to, { type: 'x' });
        ctx.reply(event, { type: 'done', by: 'b' });
      },
    });
    const a = system.spawn(asker, { id: 'a', name: 'a', mailbox: waiting });
    system.spawn(filler, { id: 'b', name: 'b' });
    a.send({ type: 'go' });
    await system.settle();
    expect(seen).toMatchObject([{ path: '/a', requests: ['(room)', 'go'] }]);
    expect(a.getSnapshot().context).toBe(
      'a deadlock: local/b waits for room in local/a waits for "go" of local/bxx',
    );
    expect(system.deadLetters.list()).toEqual([]);
  });

  it('is none when the mailbox is emptied by somebody who sleeps', async () => {
    const system = createTestSystem({ log: false });
    const seen: InspectionEvent[] = [];
    system.inspect((event) => void (event.type === 'deadlock' && seen.push(event)));
    const sleeper = fromHandler({
      initial: () => 0,
      *receive(taken: number, event: Item, ctx) {
        yield* ctx.sleep(10);
        if (event.type === 'go')
          ctx.send(ctx.whereis(agentName<Ref<Item>>('a')) as Ref<Item>, { type: 'x' });
        return taken + 1;
      },
    });
    const a = system.spawn(flooder('b'), { id: 'a', name: 'a', mailbox: waiting });
    const b = system.spawn(sleeper, { id: 'b', name: 'b', mailbox: waiting });
    b.send({ type: 'go' });
    a.send({ type: 'go' });
    await system.advance(1_000);
    expect(seen).toEqual([]);
    expect([a, b].map((ref) => ref.getSnapshot().context)).toEqual([1, 4]);
  });

  it('is none when the mailbox is emptied by a machine that postpones', async () => {
    const system = createTestSystem({ log: false });
    const seen: InspectionEvent[] = [];
    system.inspect((event) => void (event.type === 'deadlock' && seen.push(event)));
    const filler = fromHandler({
      receive(_state: undefined, event: Go, ctx) {
        const to = ctx.whereis(agentName<Ref<Item>>('machine')) as Ref<Item>;
        for (let sent = 0; sent < 3; sent += 1) ctx.send(to, { type: 'x' });
        ctx.reply(event, { type: 'done', by: 'filler' });
      },
    });
    const Filler = agentName<Ref<Go>>('filler');
    const machine = setup({
      types: { events: {} as Item, meta: {} as { postpone: 'all' } },
      actors: { askFiller: ask(Filler, 'go') },
    }).createMachine({
      initial: 'asking',
      states: {
        asking: {
          meta: { postpone: 'all' },
          invoke: { src: 'askFiller', input: { via: [] }, onDone: 'answered', onError: 'failed' },
        },
        answered: { on: { x: {} } },
        failed: {},
      },
    });
    system.spawn(filler, { id: 'filler', name: Filler });
    const ref = system.spawn(machine, { id: 'machine', name: 'machine', mailbox: waiting });
    await system.settle();
    expect(seen).toEqual([]);
    expect(ref.getSnapshot().value).toBe('answered');
  });
});
