// An agent that stands for one on another node: it starts it there, hands on what it gets, and never
// are there two of them, whatever happens to the link between the nodes.

import {
  agentName,
  child,
  fromHandler,
  remoteChild,
  spawner,
  supervisor,
  whichChildren,
  type ActorEnded,
  type Ref,
  type RemoteChildOptions,
  type ReplyTo,
  type SpawnerEvent,
} from 'troupe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, outcome } from '../transport/cast.ts';

type WorkEvent =
  | { type: 'which'; replyTo: ReplyTo<{ type: 'me'; address: string; input: unknown }> }
  | { type: 'hold'; replyTo: ReplyTo<{ type: 'never' }> }
  | { type: 'crash' }
  | { type: 'end' };

const Spawner = agentName<Ref<SpawnerEvent>>('spawner');

let stage: Stage;
/** What begins and ends on the node of the workers, as it happens. */
let told: string[];
let core: Awaited<ReturnType<Stage['join']>>;
let edge: Awaited<ReturnType<Stage['join']>>;

const worker = fromHandler<unknown, WorkEvent, unknown>({
  initial: (input) => input,
  start: (_input, ctx) => void told.push(`start ${ctx.self.path}`),
  receive: (input, event, ctx) => {
    if (event.type === 'which') ctx.reply(event, { type: 'me', address: ctx.self.address, input });
    else if (event.type === 'hold') ctx.defer(event);
    else if (event.type === 'crash') throw new RangeError('crashed');
    else ctx.stop('done');
    return input;
  },
  stop: (_input, reason, ctx) => void told.push(`${reason.type} ${ctx.self.path}`),
});

const offers = {
  worker: (input: unknown) => ({ logic: worker, input }),
  broken: () => ({
    logic: fromHandler({
      initial: () => {
        throw new Error('it cannot start');
      },
      receive: () => undefined,
    }),
  }),
};

beforeEach(async () => {
  stage = new Stage();
  told = [];
  core = await stage.join('core');
  core.system.spawn(spawner({ offers }), { id: 'spawner', name: Spawner });
  edge = await stage.join('edge', { seeds: ['memory:core'] });
  await stage.advance(10);
});
afterEach(() => stage.stop());

/** A supervisor on the edge with one child that stands for a worker on the core. */
function supervised(
  options: Partial<RemoteChildOptions> = {},
  restart: 'permanent' | 'transient' | 'temporary' = 'transient',
): { root: Ref<never>; proxy: Ref<WorkEvent> } {
  const there = (): Ref<SpawnerEvent> => edge.node.whereis('core', Spawner);
  const logic = remoteChild<WorkEvent>({ spawner: there, offer: 'worker', ...options });
  const children = [child({ id: 'proxy', logic, restart })];
  const root = edge.system.spawn(supervisor({ children }), { id: 'root' }) as Ref<never>;
  return { root, proxy: edge.node.ref('edge/root/proxy') as Ref<WorkEvent> };
}

const workers = (): string[] =>
  core.system.agents().flatMap(({ children }) => children.map(({ path }) => path));

describe('a remote child', () => {
  it('is started on the other node with its input, and gets what its stand-in is sent', async () => {
    const { proxy } = supervised({ input: { size: 3 } });
    await stage.settle();
    // Before there is anybody: it waits.
    const asked = outcome(proxy.ask({ type: 'which' }));
    await stage.advance(10);
    const me = { type: 'me', address: 'core/spawner/worker-1', input: { size: 3 } };
    expect(asked.value).toEqual(me);
    const children = outcome(whichChildren(core.node.ref('core/spawner') as never));
    await stage.advance(10);
    expect(children.value).toMatchObject([{ id: 'worker-1', type: 'worker' }]);
  });

  it('ends its stand-in with the same reason, whose supervisor decides', async () => {
    const { proxy } = supervised();
    await stage.advance(10);
    proxy.send({ type: 'crash' });
    await stage.advance(10);
    expect(told).toEqual([
      'start /spawner/worker-1',
      'crash /spawner/worker-1',
      'start /spawner/worker-2',
    ]);
    expect(workers()).toEqual(['/spawner/worker-2']);
    proxy.send({ type: 'end' });
    await stage.advance(10);
    // A normal end is none that a transient child is restarted after.
    expect(workers()).toEqual([]);
    expect(edge.system.agents()).toMatchObject([{ path: '/root', children: [] }]);
  });

  it('is over when the stop of its supervisor is', async () => {
    const { root } = supervised();
    await stage.advance(10);
    const stopping = root.stop().then(() => told.push('stopped'));
    await stage.advance(10);
    await stopping;
    expect(told.slice(1)).toEqual(['shutdown /spawner/worker-1', 'stopped']);
  });

  it('is stopped when its stand-in is killed', async () => {
    const { proxy } = supervised({}, 'temporary');
    await stage.advance(10);
    void proxy.kill();
    await stage.advance(10);
    expect(workers()).toEqual([]);
  });

  it('is what the spawner offers, and nothing else', async () => {
    const crashes: unknown[] = [];
    edge.system.inspect((event) => {
      if (event.type === 'crashed') crashes.push((event.error as Error).message);
    });
    supervised({ offer: 'toString' }, 'temporary');
    await stage.advance(10);
    expect(crashes).toEqual(['no offer "toString"; there are: worker, broken']);
    expect(workers()).toEqual([]);
  });

  it('that cannot start ends its stand-in with the error', async () => {
    const crashes: unknown[] = [];
    edge.system.inspect((event) => {
      if (event.type === 'crashed') crashes.push((event.error as Error).cause);
    });
    supervised({ offer: 'broken' }, 'temporary');
    await stage.advance(10);
    expect(crashes).toMatchObject([{ message: 'it cannot start' }]);
  });
});

describe('a spawner', () => {
  it('has one child for each owner: a former one is gone before the next one starts', async () => {
    const owner = edge.system.spawn(worker, { id: 'owner' });
    const there = edge.node.whereis('core', Spawner);
    for (let times = 0; times < 2; times += 1)
      void there.ask({ type: 'spawn', offer: 'worker', owner: owner as never });
    await stage.advance(10);
    expect(told.slice(1)).toEqual([
      'start /spawner/worker-1',
      'shutdown /spawner/worker-1',
      'start /spawner/worker-2',
    ]);
  });

  it('stops at once what it has started for an owner that is gone', async () => {
    const there = edge.node.whereis('core', Spawner);
    const owner = edge.node.ref('edge/nobody');
    void there.ask({ type: 'spawn', offer: 'worker', owner });
    await stage.advance(10);
    expect(told).toEqual(['start /spawner/worker-1', 'shutdown /spawner/worker-1']);
  });

  it('has as many children as it may', async () => {
    const few = core.system.spawn(spawner({ offers, maxChildren: 1 }), { id: 'few' });
    const asked = ['one', 'two'].map((id) => {
      const owner = core.system.spawn(worker, { id }) as never;
      return outcome(few.ask({ type: 'spawn', offer: 'worker', owner }));
    });
    await stage.advance(10);
    expect(asked.map(({ error }) => error?.message)).toEqual([
      undefined,
      '/few has its 1 children',
    ]);
  });
});

describe('the loss of the node of a remote child', () => {
  it('is no end: what it holds fails, and another one is started when the node is back', async () => {
    const { proxy } = supervised();
    await stage.advance(10);
    const held = outcome(proxy.ask({ type: 'hold' }, { timeoutMs: 60_000 }));
    await stage.advance(10);
    stage.network.cut('core', 'edge');
    await stage.advance(20_000);
    expect((held.error as ActorEnded).reason.type).toBe('noconnection');
    // The spawner has seen the loss of the owner, as the owner has seen that of the spawner.
    expect(told.slice(1)).toEqual(['shutdown /spawner/worker-1']);
    const waiting = outcome(proxy.ask({ type: 'which' }, { timeoutMs: 120_000 }));
    await stage.advance(60_000);
    expect(waiting).toEqual({});
    stage.network.heal('core', 'edge');
    await stage.advance(50_000);
    expect(waiting.value).toMatchObject({ address: 'core/spawner/worker-2' });
    expect(workers()).toEqual(['/spawner/worker-2']);
    // Its stand-in has lived on, and no restart was counted.
    expect(edge.system.stats().restarts).toBe(0);
  });

  it.each([0, 1, 3, 10, 200])(
    'never leaves two: a link that breaks %i ms after the start',
    async (afterMs) => {
      stage.network.way('core', 'edge').delayMs = 2;
      stage.network.way('edge', 'core').delayMs = 2;
      supervised();
      for (let times = 0; times < 5; times += 1) {
        await stage.advance(afterMs);
        stage.network.sever('core', 'edge');
        await stage.advance(1_000);
      }
      await stage.advance(10_000);
      expect(workers()).toHaveLength(1);
      let alive = 0;
      for (const line of told) {
        alive += line.startsWith('start') ? 1 : -1;
        expect(alive).toBeLessThanOrEqual(1);
      }
      expect(alive).toBe(1);
    },
  );

  it('is noticed by the one side alone: the former child is gone before the next one starts', async () => {
    supervised();
    await stage.advance(10);
    // What the core sends is lost: the edge hangs up after its silence, and the core is not told.
    stage.network.way('core', 'edge').loses = () => true;
    stage.network.way('edge', 'core').loses = (bytes) => bytes.length === 0;
    await stage.advance(12_000);
    delete stage.network.way('core', 'edge').loses;
    delete stage.network.way('edge', 'core').loses;
    await stage.advance(30_000);
    expect(told).toEqual([
      'start /spawner/worker-1',
      'shutdown /spawner/worker-1',
      'start /spawner/worker-2',
    ]);
  });

  it('by its own stop, or that of its spawner, is a loss too', async () => {
    const { proxy } = supervised();
    await stage.advance(10);
    const stopping = (core.node.ref('core/spawner') as Ref<never>).stop();
    await stage.advance(10);
    await stopping;
    expect(workers()).toEqual([]);
    core.system.spawn(spawner({ offers }), { id: 'again', name: Spawner });
    const waiting = outcome(proxy.ask({ type: 'which' }));
    await stage.advance(2_000);
    expect(waiting.value).toMatchObject({ address: 'core/again/worker-1' });
  });
});
