// Two systems of one process, linked in memory on virtual time: what holds within a node holds
// between nodes, and what is lost is told once.

import {
  ActorEnded,
  AskTimeout,
  NoSuchActor,
  RequestLost,
  UnfitPayload,
  agentName,
  fromHandler,
  type Down,
  type Exit,
  type Ref,
  type System,
} from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';

let stage: Stage;
let here: { system: System; node: ClusterNode };
let there: { system: System; node: ClusterNode };
let noted: unknown[];
let far: Ref<EchoEvent>;
const Echo = agentName<Ref<EchoEvent>>('echo');

beforeEach(async () => {
  stage = new Stage();
  there = await stage.join('there');
  here = await stage.join('here', { seeds: ['memory:there'] });
  noted = [];
  there.system.spawn(echo(noted), { id: 'echo', name: Echo });
  far = here.node.ref('there/echo') as Ref<EchoEvent>;
  await stage.advance(10);
});
afterEach(() => stage.stop());

describe('two nodes', () => {
  it('know each other', () => {
    expect(here.node.nodes().map(({ node }) => node)).toEqual(['there']);
    expect(there.node.nodes().map(({ node }) => node)).toEqual(['here']);
  });

  it('send in order', async () => {
    for (let value = 0; value < 500; value += 1) far.send({ type: 'note', value });
    await stage.advance(10);
    expect(noted).toEqual(Array.from({ length: 500 }, (_, value) => value));
  });

  it('ask and answer, by address and by name', async () => {
    const byAddress = outcome(far.ask({ type: 'echo', value: new Map([[1n, new Date(5)]]) }));
    const byName = outcome(here.node.whereis('there', Echo).ask({ type: 'echo', value: 'x' }));
    await stage.advance(10);
    expect(byAddress.value).toEqual({ type: 'echoed', value: new Map([[1n, new Date(5)]]) });
    expect(byName.value).toEqual({ type: 'echoed', value: 'x' });
    expect(there.system.stats().openRequests).toBe(0);
  });

  it('let a ref travel as a ref to its node', async () => {
    const near = here.system.spawn(echo(), { id: 'near' });
    const asked = outcome(far.ask({ type: 'pass', to: near }));
    const back = outcome(far.ask({ type: 'echo', value: { near, far } }));
    await stage.advance(10);
    // There it was forwarded to an agent of this node, which answered its asker.
    expect(asked.value).toEqual({ type: 'echoed', value: undefined });
    const { value } = back.value as { value: { near: Ref; far: Ref } };
    expect(value.near).toBe(near);
    expect(value.far.address).toBe('there/echo');
  });

  it.each([
    ['nobody there', 'there/nobody', { type: 'echo' }, NoSuchActor],
    ['no such name', 'there/(name nobody)', { type: 'echo' }, NoSuchActor],
    ['a node that is not linked', 'elsewhere/echo', { type: 'echo' }, ActorEnded],
    ['lost by its holder', 'there/echo', { type: 'lose' }, RequestLost],
    ['failed by its holder', 'there/echo', { type: 'refuse' }, TypeError],
  ] as const)('fail an ask: %s', async (_, address, request, error) => {
    const asked = outcome((here.node.ref(address) as Ref<EchoEvent>).ask(request as never));
    await stage.advance(10);
    expect(asked.error).toBeInstanceOf(error);
  });

  it('keep name, code, fields and cause of an error', async () => {
    const held = outcome(far.ask({ type: 'hold' }));
    const refused = outcome(far.ask({ type: 'refuse' }));
    await stage.advance(10);
    far.send({ type: 'crash' });
    await stage.advance(10);
    const ended = held.error as ActorEnded;
    expect(ended).toBeInstanceOf(ActorEnded);
    expect([ended.name, ended.code]).toEqual(['ActorEnded', 'ACTOR_ENDED']);
    expect(ended.fields).toMatchObject({ address: 'there/echo', message: 'hold' });
    expect(ended.reason.type).toBe('crash');
    expect(ended.cause).toBeInstanceOf(RangeError);
    expect((ended.cause as RangeError).message).toBe('crashed');
    expect([refused.error?.message, refused.error?.cause]).toEqual(['no', 'why']);
  });

  it('let an ask time out, and say how far it came', async () => {
    const held = outcome(far.ask({ type: 'hold' }, { timeoutMs: 2_500 }));
    await stage.advance(2_499);
    expect(held).toEqual({});
    expect(there.system.stats().openRequests).toBe(1);
    await stage.advance(1);
    expect(held.error).toBeInstanceOf(AskTimeout);
    expect(held.error).toMatchObject({ progress: 'started' });
    await stage.advance(1);
    expect(there.system.stats().openRequests).toBe(0);
  });

  it('tell a request that waits from one that is handled, also where it was handed on', async () => {
    const near = here.system.spawn(echo(), { id: 'near' });
    const slow = there.system.ref('/echo');
    const passed = outcome(near.ask({ type: 'pass', to: far, kind: 'hold' }, { timeoutMs: 2_500 }));
    await stage.advance(10);
    there.system.suspend(slow);
    const waits = outcome(far.ask({ type: 'echo' }, { timeoutMs: 2_500 }));
    await stage.advance(2_500);
    expect(passed.error).toMatchObject({ progress: 'started' });
    expect(waits.error).toMatchObject({ progress: 'queued' });
    there.system.resume(slow);
  });

  it('refuse at the send what cannot travel, and say where it is', () => {
    expect(() => far.send({ type: 'note', value: { deep: [1, () => 2] } })).toThrow(UnfitPayload);
    expect(() => far.send({ type: 'note', value: { deep: [1, () => 2] } })).toThrow(
      'message.value.deep[1]: a function cannot leave its process',
    );
  });

  it('report an end to a monitor, once, after what was sent before it', async () => {
    const downs: Down[] = [];
    here.system.monitor(far, (down) => downs.push(down));
    await stage.advance(10);
    far.send({ type: 'end' });
    await stage.advance(10);
    expect(downs).toMatchObject([
      {
        ref: { address: 'there/echo' },
        incarnation: 1,
        reason: { type: 'normal', output: 'done' },
      },
    ]);
    here.system.monitor(far, (down) => downs.push(down));
    await stage.advance(10);
    expect(downs[1]).toMatchObject({ reason: { type: 'noproc' } });
  });

  it('end a watch', async () => {
    const downs: Down[] = [];
    const end = here.system.monitor(far, (down) => downs.push(down));
    await stage.advance(10);
    end();
    far.send({ type: 'end' });
    await stage.advance(10);
    expect(downs).toEqual([]);
  });

  it('carry exits over links, in both directions', async () => {
    const exits: Exit[] = [];
    const trapping = here.system.spawn(
      fromHandler<undefined, Exit | { type: 'link'; to: Ref }>({
        receive: (_state, event, ctx) => {
          if (event.type === 'link') ctx.link(event.to);
          else exits.push(event);
        },
      }),
      { id: 'trapping', trapExit: true },
    );
    trapping.send({ type: 'link', to: far });
    await stage.advance(10);
    far.send({ type: 'crash' });
    await stage.advance(10);
    expect(exits).toMatchObject([
      { from: { address: 'there/echo' }, reason: { type: 'crash', error: { message: 'crashed' } } },
    ]);
    // The other way round: an end here ends the one there, which does not trap.
    const other = there.system.spawn(echo(), { id: 'other' });
    trapping.send({ type: 'link', to: here.node.ref('there/other') });
    await stage.advance(10);
    await stage.advance(0);
    void trapping.stop();
    await stage.advance(10);
    expect(there.system.agents().map(({ path }) => path)).not.toContain('/other');
    expect(other.address).toBe('there/other');
  });
});

describe('a node that stops', () => {
  it('tells the ends of its agents before it leaves', async () => {
    const told: string[] = [];
    here.node.on('nodedown', ({ reason }) => told.push(`nodedown: ${reason}`));
    here.system.monitor(far, ({ reason }) => told.push(`down: ${reason.type}`));
    const asked = outcome(far.ask({ type: 'hold' }));
    await stage.advance(10);
    const stopping = there.system.stop();
    await stage.advance(10);
    await stopping;
    expect(told).toEqual(['down: shutdown', 'nodedown: left']);
    expect(asked.error).toMatchObject({ reason: { type: 'shutdown' } });
  });
});

describe('the loss of a node', () => {
  it('fails each open ask, monitor and link with noconnection, once, and then is told', async () => {
    const told: string[] = [];
    here.node.on('nodedown', ({ node }) => told.push(`nodedown ${node}`));
    here.node.on('nodeup', ({ node }) => told.push(`nodeup ${node}`));
    here.system.monitor(far, ({ reason }) => told.push(`down ${reason.type}`));
    const watcher = here.system.spawn(
      fromHandler<undefined, Exit>({
        start: (_state, ctx) => ctx.link(far),
        receive: (_state, { reason }) => void told.push(`exit ${reason.type}`),
      }),
      { id: 'watcher', trapExit: true },
    );
    const asked = far.ask({ type: 'hold' });
    asked.catch((error: ActorEnded) => told.push(`ask ${error.reason.type}`));
    await stage.advance(10);
    expect(told).toEqual([]);
    stage.network.sever('here', 'there');
    await stage.settle();
    expect(told.toSorted()).toEqual([
      'ask noconnection',
      'down noconnection',
      'exit noconnection',
      'nodedown there',
    ]);
    expect(there.system.stats().openRequests).toBe(0);
    // It is dialed again, and nothing of the former connection comes back.
    await stage.advance(1_000);
    expect(told.slice(4)).toEqual(['nodeup there']);
    // Its link ended the agent there, too.
    expect(there.system.agents()).toEqual([]);
    there.system.spawn(echo(), { id: 'echo' });
    const again = outcome(far.ask({ type: 'echo', value: 1 }));
    await stage.advance(10);
    expect(again.value).toEqual({ type: 'echoed', value: 1 });
    expect(watcher.address).toBe('here/watcher');
  });

  it('is noticed by a gap before anything else is delivered', async () => {
    const told: string[] = [];
    here.node.on('nodedown', ({ reason }) => told.push(reason));
    there.node.on('nodedown', ({ reason }) => told.push(reason));
    const way = stage.network.way('here', 'there');
    let isFirst = true;
    way.loses = (bytes) => bytes[0] === 1 && isFirst && !(isFirst = false);
    far.send({ type: 'note', value: 'lost' });
    await stage.settle();
    far.send({ type: 'note', value: 'after the gap' });
    await stage.advance(10);
    expect(told).toEqual(['frame 2 came, expected was 1', 'frame 2 came, expected was 1']);
    expect(noted).toEqual([]);
  });

  it('is linked anew at once when only one side has noticed the end of the link', async () => {
    const told: string[] = [];
    for (const { node } of [here, there])
      for (const type of ['nodeup', 'nodedown', 'conflict'] as const)
        node.on(type, () => told.push(`${node.name}: ${type}`));
    // A frame is lost on the way here, and the word that the link is closed on the way there.
    let isFirst = true;
    stage.network.way('there', 'here').loses = (bytes) =>
      bytes[0] === 1 && isFirst && !(isFirst = false);
    stage.network.way('here', 'there').loses = (bytes) => bytes.length === 0;
    const unheard = outcome(far.ask({ type: 'echo' }));
    await stage.advance(1);
    const asked = outcome(far.ask({ type: 'echo' }));
    await stage.advance(1);
    for (const failed of [unheard, asked])
      expect(failed.error).toMatchObject({ reason: { type: 'noconnection' } });
    stage.network.heal('here', 'there');
    await stage.advance(200);
    expect(told).toEqual(['here: nodedown', 'there: nodedown', 'there: nodeup', 'here: nodeup']);
    const again = outcome(far.ask({ type: 'echo', value: 1 }));
    await stage.advance(10);
    expect(again.value).toEqual({ type: 'echoed', value: 1 });
  });

  it('is noticed by silence, after 10 seconds, with a suspicion before', async () => {
    const told: string[] = [];
    here.node.on('suspect', ({ silentMs }) => told.push(`suspect ${Math.round(silentMs / 1_000)}`));
    here.node.on('nodedown', ({ code }) => told.push(`down ${code}`));
    await stage.advance(30_000);
    expect(told).toEqual([]);
    stage.network.cut('here', 'there');
    await stage.advance(12_000);
    expect(told).toEqual(['suspect 3', 'down 4008']);
    stage.network.heal('here', 'there');
    await stage.advance(30_000);
    expect(here.node.nodes()).toHaveLength(1);
  });
});
