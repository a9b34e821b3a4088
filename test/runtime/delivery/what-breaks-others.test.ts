import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fromCallback, sendTo, setup, type EventObject } from 'xstate';
import {
  agentName,
  createSystem,
  fromHandler,
  type AgentContext,
  type AgentInfo,
  type Ref,
  type ReplyTo,
  type System,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Pass = { readonly type: 'pass'; readonly hops: number };
type Done = { readonly type: 'done'; readonly hops: number };
type Walk = { readonly type: 'walk'; readonly hops: number; readonly replyTo: ReplyTo<Done> };

const COUNT = 10_000;

let system: System | undefined;
afterEach(async () => {
  await system?.stop();
  system = undefined;
});

/** A system on the real clock and event loop. */
function realSystem(): System {
  return (system = createSystem({ log: false }));
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Resolves when a timer of this delay has fired so many times. */
function timerFires(delayMs: number, times: number): Promise<void> {
  return new Promise((resolve) => {
    let left = times;
    const interval = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(interval);
      resolve();
    }, delayMs);
  });
}

/** Asks an HTTP server that lives on this event loop. */
async function httpAnswers(): Promise<string> {
  const server = createServer((_request, response) => response.end('still here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return await response.text();
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** While the loop runs: timers fire, sockets answer, the system's own timers fire, and it can be stopped. */
async function staysFair(fair: System, turns: () => number): Promise<void> {
  const ticker = fair.spawn(
    fromHandler({
      initial: () => 0,
      start(_ticks: number, ctx: AgentContext<{ type: 'tick' }>) {
        ctx.every(5, { type: 'tick' });
      },
      receive(ticks: number, _event: { type: 'tick' }, ctx: AgentContext<{ type: 'tick' }>) {
        if (ticks === 3) ctx.stop();
        return ticks + 1;
      },
    }),
  );
  await timerFires(10, 3);
  const before = turns();
  expect(await httpAnswers()).toBe('still here');
  await ticker.result();
  await timerFires(10, 1);
  // The loop was at work all the time.
  expect(turns()).toBeGreaterThan(before);
  await fair.stop();
  const atEnd = turns();
  await timerFires(10, 2);
  expect(turns()).toBe(atEnd);
}

describe('10,000 agents pass one event along a chain', { timeout: 60_000 }, () => {
  it('by plain sends, for which there are no hops', async () => {
    const fair = realSystem();
    const end = withResolvers<number>();
    let next: Ref<Pass> = fair.spawn(
      fromHandler({ receive: (_state: undefined, event: Pass) => end.resolve(event.hops) }),
    );
    for (let i = 0; i < COUNT; i += 1) {
      const to = next;
      next = fair.spawn(
        fromHandler({
          receive: (_state: undefined, { hops }: Pass, ctx: AgentContext<Pass>) =>
            ctx.send(to, { type: 'pass', hops: hops + 1 }),
        }),
      );
    }
    next.send({ type: 'pass', hops: 0 });
    expect(await end.promise).toBe(COUNT);
  });

  it('by forward, where the asker gets the answer of the last one', async () => {
    system = createSystem({ log: false, hopsMax: COUNT + 1 });
    let next: Ref<Walk> = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Walk, ctx: AgentContext<Walk>) =>
          ctx.reply(event, { type: 'done', hops: event.hops }),
      }),
    );
    for (let i = 0; i < COUNT; i += 1) {
      const to = next;
      next = system.spawn(
        fromHandler({
          receive: (_state: undefined, event: Walk, ctx: AgentContext<Walk>) =>
            ctx.forward(to, { ...event, hops: event.hops + 1 }),
        }),
      );
    }
    const { hops } = await next.ask({ type: 'walk', hops: 0 }, { timeoutMs: 60_000 });
    expect(hops).toBe(COUNT);
    expect(system.requests()).toEqual([]);
  });

  it('by asks within asks, and each gets its answer on the way back', async () => {
    system = createSystem({ log: false, hopsMax: COUNT + 1 });
    let next: Ref<Walk> = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Walk, ctx: AgentContext<Walk>) =>
          ctx.reply(event, { type: 'done', hops: 0 }),
      }),
    );
    for (let i = 0; i < COUNT; i += 1) {
      const to = next;
      next = system.spawn(
        fromHandler({
          *receive(_state: undefined, event: Walk, ctx: AgentContext<Walk>) {
            const { hops } = yield* ctx.ask(to, { type: 'walk', hops: 0 });
            ctx.reply(event, { type: 'done', hops: hops + 1 });
          },
        }),
      );
    }
    const { hops } = await next.ask({ type: 'walk', hops: 0 }, { timeoutMs: 60_000 });
    expect(hops).toBe(COUNT);
    expect(system.requests()).toEqual([]);
  });
});

describe('a loop that never ends does not starve timers and sockets', { timeout: 60_000 }, () => {
  it('when two agents hand a message back and forth', async () => {
    const fair = realSystem();
    const Other = agentName<Ref<Pass>>('other');
    let turns = 0;
    const player = (to: Ref<Pass> | typeof Other) =>
      fromHandler({
        receive(_state: undefined, { hops }: Pass, ctx: AgentContext<Pass>) {
          turns += 1;
          ctx.send(to, { type: 'pass', hops: hops + 1 });
        },
      });
    const one = fair.spawn(player(Other));
    fair.spawn(player(one), { name: Other });
    one.send({ type: 'pass', hops: 0 });
    await staysFair(fair, () => turns);
  });

  it('when an agent sends to itself', async () => {
    const fair = realSystem();
    let turns = 0;
    const agent = fair.spawn(
      fromHandler({
        receive(_state: undefined, event: Pass, ctx: AgentContext<Pass>) {
          turns += 1;
          ctx.send(ctx.self, event);
        },
      }),
    );
    agent.send({ type: 'pass', hops: 0 });
    await staysFair(fair, () => turns);
  });

  it('when two siblings inside one machine do it', async () => {
    const fair = realSystem();
    let turns = 0;
    const machine = setup({
      types: { events: {} as { type: 'ping' } | { type: 'pong' } },
      actors: {
        a: fromCallback<EventObject>(({ receive, sendBack }) =>
          receive(() => sendBack({ type: 'pong' })),
        ),
        b: fromCallback<EventObject>(({ receive, sendBack }) =>
          receive(() => sendBack({ type: 'ping' })),
        ),
      },
    }).createMachine({
      invoke: [
        { src: 'a', id: 'a' },
        { src: 'b', id: 'b' },
      ],
      on: {
        ping: { actions: [() => (turns += 1), sendTo('a', { type: 'ping' })] },
        pong: { actions: [() => (turns += 1), sendTo('b', { type: 'pong' })] },
      },
    });
    const agent = fair.spawn(machine);
    agent.send({ type: 'ping' });
    await staysFair(fair, () => turns);
  });

  it('when two machines do it through their refs', async () => {
    const fair = realSystem();
    let turns = 0;
    const refs: Ref<{ type: 'ping' }>[] = [];
    const machine = (other: number) =>
      setup({ types: { events: {} as { type: 'ping' } } }).createMachine({
        on: {
          ping: {
            actions: () => {
              turns += 1;
              refs[other]?.send({ type: 'ping' });
            },
          },
        },
      });
    refs.push(fair.spawn(machine(1)), fair.spawn(machine(0)));
    refs[0]?.send({ type: 'ping' });
    await staysFair(fair, () => turns);
  });

  it('when agents with async handlers ask each other', async () => {
    const fair = realSystem();
    let turns = 0;
    const echo = fair.spawn(
      fromHandler({
        async receive(_state: undefined, event: Walk, ctx: AgentContext<Walk>) {
          await Promise.resolve();
          turns += 1;
          ctx.reply(event, { type: 'done', hops: event.hops });
        },
      }),
    );
    const asker = fair.spawn(
      fromHandler({
        async receive(_state: undefined, event: Pass, ctx: AgentContext<Pass>) {
          await ctx.ask(echo, { type: 'walk', hops: event.hops });
          await echo.ask({ type: 'walk', hops: event.hops });
          ctx.send(ctx.self, event);
        },
      }),
    );
    asker.send({ type: 'pass', hops: 0 });
    await staysFair(fair, () => turns);
  });

  it('when one async handler asks in an endless loop of its own', async () => {
    const fair = realSystem();
    let turns = 0;
    const echo = fair.spawn(
      fromHandler({
        receive(_state: undefined, event: Walk, ctx: AgentContext<Walk>) {
          turns += 1;
          ctx.reply(event, { type: 'done', hops: event.hops });
        },
      }),
    );
    const asker = fair.spawn(
      fromHandler({
        async receive(_state: undefined, _event: Pass, ctx: AgentContext<Pass>) {
          for (;;) await ctx.ask(echo, { type: 'walk', hops: 0 });
        },
      }),
    );
    asker.send({ type: 'pass', hops: 0 });
    await staysFair(fair, () => turns);
  });

  it('when a timer of no delay sets itself again', async () => {
    const fair = realSystem();
    let turns = 0;
    fair.spawn(
      fromHandler({
        start: (_state: undefined, ctx: AgentContext<Pass>) => {
          ctx.after(0, { type: 'pass', hops: 0 });
        },
        receive(_state: undefined, event: Pass, ctx: AgentContext<Pass>) {
          turns += 1;
          ctx.after(0, event);
        },
      }),
    );
    await staysFair(fair, () => turns);
  });

  it('and other agents get their turns: nobody is served twice before all are served once', async () => {
    const fair = createTestSystem();
    const order: string[] = [];
    const agents = ['a', 'b', 'c'].map((id) =>
      fair.spawn(
        fromHandler({
          receive(_state: undefined, _event: Pass) {
            order.push(id);
          },
        }),
        { id },
      ),
    );
    await fair.settle();
    for (let i = 0; i < 3; i += 1) agents[0]?.send({ type: 'pass', hops: i });
    agents[1]?.send({ type: 'pass', hops: 0 });
    agents[2]?.send({ type: 'pass', hops: 0 });
    await fair.settle();
    expect(order).toEqual(['a', 'b', 'c', 'a', 'a']);
  });
});

describe('a chain of 10,000 nested children', { timeout: 60_000 }, () => {
  type Start = { readonly type: 'start' };

  function nest(depth: number, deepest: () => void): ReturnType<typeof fromHandler> {
    return fromHandler({
      start(_state: undefined, ctx: AgentContext<Start>) {
        if (depth === 1) deepest();
        else ctx.spawn(nest(depth - 1, deepest), { id: 'c' });
      },
      receive: () => undefined,
    }) as ReturnType<typeof fromHandler>;
  }

  it('can be spawned, listed, counted and stopped', async () => {
    const fair = realSystem();
    const { promise, resolve } = withResolvers<void>();
    const root = fair.spawn(nest(COUNT, resolve), { id: 'root' });
    await promise;
    expect(fair.stats().agents).toBe(COUNT);
    let depth = 0;
    for (let at: AgentInfo | undefined = fair.agents()[0]; at !== undefined; at = at.children[0]) {
      depth += 1;
    }
    expect(depth).toBe(COUNT);
    expect(await root.stop({ timeoutMs: 'infinity' })).toMatchObject({ type: 'shutdown' });
    expect(fair.stats().agents).toBe(0);
  });

  it('can be killed', async () => {
    const fair = realSystem();
    const { promise, resolve } = withResolvers<void>();
    const root = fair.spawn(nest(COUNT, resolve), { id: 'root' });
    await promise;
    expect(await root.kill()).toEqual({ type: 'killed' });
    expect(fair.stats().agents).toBe(0);
  });

  it('that are linked falls as a whole when the deepest crashes', async () => {
    const fair = realSystem();
    const deepest = withResolvers<Ref<Start>>();
    const linked = (depth: number): ReturnType<typeof fromHandler> =>
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Start>) {
          if (depth === 1) deepest.resolve(ctx.self);
          else ctx.spawn(linked(depth - 1), { id: 'c', link: true });
        },
        receive: () => {
          throw new Error('the deepest crashed');
        },
      }) as ReturnType<typeof fromHandler>;
    const root = fair.spawn(linked(COUNT), { id: 'root' });
    (await deepest.promise).send({ type: 'start' });
    await expect(root.result()).rejects.toMatchObject({ reason: { type: 'crash' } });
    expect(fair.stats().agents).toBe(0);
  });
});
