// Who is linked with whom when nodes come and go; what a peer may do; and what a stalled one costs.

import {
  ActorEnded,
  HopLimit,
  agentName,
  createSystem,
  fromHandler,
  type Clock,
  type Exit,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { LinkFull, NotAllowed, TRANSPORT_LIMITS, joinCluster } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, Stage, echo, outcome, type EchoEvent } from './cast.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.stop());

const far = (system: { ref(address: string): unknown }, address: string): Ref<EchoEvent> =>
  system.ref(address) as Ref<EchoEvent>;

describe('nodes that dial each other at once', () => {
  it.each([0, 1, 5, 50])('are linked once, %i ms apart', async (delayMs) => {
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const)
      stage.network.way(from, to).delayMs = delayMs;
    const told: string[] = [];
    const [a, b] = await Promise.all([
      stage.join('a', { seeds: ['memory:b'] }),
      stage.join('b', { seeds: ['memory:a'] }),
    ]);
    for (const { node } of [a, b])
      for (const type of ['nodeup', 'nodedown', 'conflict'] as const)
        node.on(type, (event) => told.push(`${node.name}: ${type} ${event.node}`));
    await stage.advance(60_000);
    expect(told.toSorted()).toEqual(['a: nodeup b', 'b: nodeup a']);
    expect([...a.node.nodes(), ...b.node.nodes()].map(({ node }) => node)).toEqual(['b', 'a']);
  });
});

describe('a node that comes back under its name', () => {
  it('is another incarnation: the former one is lost first, even if nobody noticed its end', async () => {
    const core = await stage.join('core');
    const told: string[] = [];
    core.node.on('nodeup', ({ incarnation }) => told.push(`up ${incarnation}`));
    core.node.on('nodedown', ({ incarnation }) => told.push(`down ${incarnation}`));
    const first = await stage.join('edge', { seeds: ['memory:core'] });
    first.system.spawn(echo(), { id: 'echo' });
    await stage.advance(10);
    const ref = far(core.node, 'edge/echo');
    core.system.monitor(ref, ({ reason }) => told.push(reason.type));
    await stage.advance(10);
    // It vanishes without a word, and starts anew before its silence is noticed.
    stage.network.cut('core', 'edge');
    await stage.advance(100);
    stage.network.heal('core', 'edge');
    const { system } = { system: stage.system('edge') };
    const links = stage.network.links('edge');
    const second = await joinCluster(system, { secret: SECRET, links, seeds: ['memory:core'] });
    await stage.advance(100);
    expect(told).toEqual([
      `up ${first.node.incarnation}`,
      'noconnection',
      `down ${first.node.incarnation}`,
      `up ${second.incarnation}`,
    ]);
    // The place is empty there: a ref to it finds nobody, and says so.
    const asked = outcome(ref.ask({ type: 'echo' }));
    await stage.advance(10);
    expect(asked.error).toMatchObject({ code: 'NO_SUCH_ACTOR' });
  });

  it('while the former one lives is a conflict, told to that one, which does not fight', async () => {
    await stage.join('core');
    const first = await stage.join('edge', { seeds: ['memory:core'], listen: undefined as never });
    await stage.advance(100);
    const conflicts: string[] = [];
    first.node.on('conflict', ({ node }) => conflicts.push(node));
    const second = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(60_000);
    expect(conflicts).toEqual(['core']);
    expect(first.node.nodes()).toEqual([]);
    expect(second.node.nodes()).toHaveLength(1);
  });
});

describe('what goes along', () => {
  it('the deadline, as what is left of it: a request there has none that is later', async () => {
    const there = await stage.join('there');
    there.system.spawn(echo(), { id: 'echo' });
    const here = await stage.join('here', { seeds: ['memory:there'] });
    await stage.advance(10);
    stage.network.way('there', 'here').loses = () => true;
    const asked = outcome(far(here.node, 'there/echo').ask({ type: 'hold' }, { timeoutMs: 500 }));
    await stage.advance(499);
    expect(there.system.stats().openRequests).toBe(1);
    await stage.advance(1);
    expect(asked.error).toMatchObject({ code: 'ASK_TIMEOUT' });
    expect(there.system.stats().openRequests).toBe(0);
  });

  it('hops and chain: a request that two nodes hand to each other ends', async () => {
    const there = await stage.join('there');
    const here = await stage.join('here', { seeds: ['memory:there'] });
    await stage.advance(10);
    const passing = (next: Ref<EchoEvent>) =>
      fromHandler<undefined, EchoEvent>({
        receive: (_state, event, ctx) => ctx.forward(next, event),
      });
    there.system.spawn(passing(far(there.node, 'here/pass')), { id: 'pass' });
    here.system.spawn(passing(far(here.node, 'there/pass')), { id: 'pass' });
    const asked = outcome(far(here.node, 'there/pass').ask({ type: 'hold' }));
    await stage.advance(100);
    expect(asked.error).toBeInstanceOf(HopLimit);
    const { chain } = (asked.error as HopLimit).fields as { chain: string[] };
    expect(chain).toHaveLength(257);
    expect(chain.slice(0, 4)).toEqual(['here/', 'there/pass', 'here/pass', 'there/pass']);
    expect(there.system.stats().openRequests + here.system.stats().openRequests).toBe(0);
  });

  it('the trace', async () => {
    const there = await stage.join('there');
    const here = await stage.join('here', { seeds: ['memory:there'] });
    const near = here.system.spawn(echo(), { id: 'echo' });
    there.system.spawn(echo(), { id: 'echo' });
    await stage.advance(10);
    const traces: (string | undefined)[] = [];
    for (const { system } of [here, there])
      system.inspect((event) => {
        if (event.type === 'delivered' && event.from !== undefined && event.to.endsWith('echo'))
          traces.push(event.traceparent?.slice(3, 35));
      });
    void near.ask({ type: 'pass', to: far(here.node, 'there/echo') });
    await stage.advance(10);
    expect(traces).toHaveLength(2);
    expect(traces[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(traces[1]).toBe(traces[0]);
  });

  it('the trace, to each of the messages of a step, and another one with the next', async () => {
    const there = await stage.join('there');
    const here = await stage.join('here', { seeds: ['memory:there'] });
    there.system.spawn(echo(), { id: 'echo' });
    const to = far(here.node, 'there/echo');
    const teller = here.system.spawn(
      fromHandler<undefined, { type: 'tell'; replyTo: ReplyTo<{ type: 'told' }> }>({
        receive: (_state, event, ctx) => {
          for (const value of [1, 2, 3]) ctx.send(to, { type: 'note', value });
          ctx.reply(event, { type: 'told' });
        },
      }),
      { id: 'teller' },
    );
    await stage.advance(10);
    const traces: (string | undefined)[] = [];
    there.system.inspect((event) => {
      if (event.type === 'delivered') traces.push(event.traceparent?.slice(3, 35));
    });
    for (let step = 0; step < 2; step += 1) void teller.ask({ type: 'tell' });
    await stage.advance(10);
    expect(traces).toHaveLength(6);
    expect(traces[0]).toMatch(/^[0-9a-f]{32}$/);
    const counts = [...new Set(traces)].map((one) => traces.filter((each) => each === one).length);
    expect(counts).toEqual([3, 3]);
  });
});

describe('the allow-list', () => {
  it('keeps nodes out, and agents apart', async () => {
    const Open = agentName<Ref<EchoEvent>>('open');
    const core = await stage.join('core', {
      peers: { edge: { send: ['open', '/pool/*'], stop: ['/stoppable'] } },
    });
    core.system.spawn(echo(), { id: 'x', name: Open });
    core.system.spawn(echo(), { id: 'closed' });
    core.system.spawn(echo(), { id: 'stoppable' });
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    const stranger = await stage.join('stranger', { seeds: ['memory:core'] });
    await stage.advance(100);
    expect(core.node.nodes().map(({ node }) => node)).toEqual(['edge']);
    expect(stranger.node.nodes()).toEqual([]);

    const allowed = outcome(edge.node.whereis('core', Open).ask({ type: 'echo', value: 1 }));
    const denied = outcome(far(edge.node, 'core/closed').ask({ type: 'echo', value: 1 }));
    const watched: string[] = [];
    edge.system.monitor(far(edge.node, 'core/closed'), ({ reason }) => watched.push(reason.type));
    const stopped = outcome(far(edge.node, 'core/stoppable').stop({ detail: 'why not' }));
    const notStopped = outcome(edge.node.whereis('core', Open).stop());
    await stage.advance(100);
    expect(allowed.value).toEqual({ type: 'echoed', value: 1 });
    expect(denied.error).toBeInstanceOf(NotAllowed);
    expect(watched).toEqual(['noproc']);
    expect(stopped.value).toEqual({ type: 'shutdown', detail: 'why not' });
    expect(notStopped.error).toBeInstanceOf(NotAllowed);

    // A link could end the agent there: whoever may only send gets none.
    const exits: string[] = [];
    edge.system.spawn(
      fromHandler<undefined, Exit>({
        start: (_state, ctx) => ctx.link(edge.node.whereis('core', Open)),
        receive: (_state, { reason }) => void exits.push(reason.type),
      }),
      { id: 'linking', trapExit: true },
    );
    await stage.advance(100);
    expect(exits).toEqual(['noproc']);
  });
});

describe('a peer that takes nothing', () => {
  it('costs no more than the window: what does not fit is refused to its sender', async () => {
    const core = await stage.join('core');
    const noted: unknown[] = [];
    core.system.spawn(echo(noted), { id: 'echo', mailbox: { capacityMessages: 100_000 } });
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(10);
    const refused: string[] = [];
    edge.system.deadLetters.watch(({ reason }) => refused.push(reason));
    // Frames arrive, and nothing comes back.
    stage.network.way('core', 'edge').loses = () => true;
    const ref = far(edge.node, 'core/echo');
    const value = 'x'.repeat(100_000);
    for (let sent = 0; sent < 100; sent += 1) {
      ref.send({ type: 'note', value });
      await stage.advance(1);
    }
    const asked = outcome(ref.ask({ type: 'echo', value }));
    await stage.advance(10);
    expect(refused.length).toBeGreaterThan(10);
    expect(new Set(refused)).toEqual(new Set(['refused']));
    expect(asked.error).toBeInstanceOf(LinkFull);
    expect(noted).toHaveLength(100 - refused.length);
    const [info] = edge.node.nodes();
    expect(info!.waitingBytes).toBeLessThanOrEqual(TRANSPORT_LIMITS.windowBytes);
  });

  it('goes on when it takes again', async () => {
    const core = await stage.join('core');
    const noted: unknown[] = [];
    core.system.spawn(echo(noted), { id: 'echo' });
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(10);
    const ref = far(edge.node, 'core/echo');
    for (let sent = 0; sent < 300; sent += 1) {
      ref.send({ type: 'note', value: 'x'.repeat(100_000) });
      await stage.advance(1);
    }
    expect(noted).toHaveLength(300);
    await stage.advance(2_000);
    expect(edge.node.nodes()[0]!.waitingBytes).toBe(0);
  });

  it('refuses a message beyond messageBytesMax to its sender', async () => {
    await stage.join('core');
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(10);
    const asked = outcome(
      far(edge.node, 'core/echo').ask({ type: 'echo', value: 'x'.repeat(5_000_000) }),
    );
    await stage.advance(10);
    expect(asked.error).toMatchObject({ code: 'UNFIT_PAYLOAD' });
    expect(asked.error?.message).toMatch(/5000\d+ bytes; 4194304 fit into a message/);
    expect(edge.node.nodes()).toHaveLength(1);
  });
});

describe('a link that loses, doubles and reorders', () => {
  it.each([
    [
      'doubles',
      (way: { doubles?: unknown }) => (way.doubles = (bytes: Uint8Array) => bytes[0] === 1),
    ],
    [
      'reorders',
      (way: { late?: unknown }) => {
        let count = 0;
        way.late = (bytes: Uint8Array) => (bytes[0] === 1 && count++ % 3 === 0 ? 50 : 0);
      },
    ],
    [
      'loses',
      (way: { loses?: unknown }) => {
        let count = 0;
        way.loses = (bytes: Uint8Array) => bytes[0] === 1 && count++ % 3 === 2;
      },
    ],
  ])(
    '%s: what arrives is in order, at most once, without a gap within a connection',
    async (_, break_) => {
      const core = await stage.join('core');
      const noted: unknown[] = [];
      core.system.spawn(echo(noted), { id: 'echo' });
      core.node.on('nodeup', () => noted.push('up'));
      const edge = await stage.join('edge', { seeds: ['memory:core'] });
      await stage.advance(10);
      break_(stage.network.way('edge', 'core'));
      const ref = far(edge.node, 'core/echo');
      const asks: { value?: unknown; error?: Error }[] = [];
      for (let value = 0; value < 60; value += 1) {
        ref.send({ type: 'note', value });
        asks.push(outcome(ref.ask({ type: 'echo', value })));
        await stage.advance(40);
      }
      await stage.advance(10_000);
      let last: unknown = 'up';
      for (const value of noted) {
        if (typeof value === 'number' && typeof last === 'number') expect(value).toBe(last + 1);
        last = value;
      }
      const numbers = noted.filter((value) => typeof value === 'number');
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.length).toBeGreaterThan(3);
      expect(noted.filter((value) => value === 'up').length).toBeGreaterThan(1);
      // Every ask has ended, one way or the other.
      for (const asked of asks) {
        expect(Object.keys(asked)).toHaveLength(1);
        if (asked.error !== undefined) expect(asked.error).toBeInstanceOf(ActorEnded);
      }
      expect(edge.system.stats().openRequests).toBe(0);
    },
  );
});

describe('a node that is always late', () => {
  it('is told so, and still notices that another one is gone', async () => {
    const { clock, scheduler } = stage;
    const late: Clock = {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      setTimeout: (run, delayMs) => clock.setTimeout(run, delayMs + 1_500),
      clearTimeout: (handle) => clock.clearTimeout(handle),
    };
    const core = await stage.join('core');
    const system = createSystem({ name: 'edge', clock: late, scheduler, log: false });
    stage.systems.push(system);
    const links = stage.network.links('edge');
    const edge = await joinCluster(system, { secret: SECRET, links, seeds: ['memory:core'] });
    await stage.advance(20_000);
    const told: string[] = [];
    for (const node of [core.node, edge]) {
      node.on('stalled', (event) => told.push(`${node.name}: stalled ${event.node}`));
      node.on('nodedown', (event) => told.push(`${node.name}: nodedown ${event.node}`));
    }
    await stage.advance(20_000);
    // The late one tells the other, which would else take it for suspect one day.
    expect(new Set(told)).toEqual(new Set(['edge: stalled edge', 'core: stalled edge']));
    stage.network.cut('core', 'edge');
    await stage.advance(60_000);
    expect(told).toContain('edge: nodedown core');
  });
});
