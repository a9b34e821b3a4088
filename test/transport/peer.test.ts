// What a peer may cost this node, and what one gets that breaks the protocol: its link is closed
// with a code and a line in the log, and no agent sees anything of it.

import { fromHandler, type Down, type Exit, type Ref, type System } from 'troupe';
import {
  CLOSE,
  PeerLimit,
  TRANSPORT_LIMITS,
  type ClusterNode,
  type JoinOptions,
} from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// The operations are no part of the public surface.
import { OP } from '../../transport/operation.ts';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';
import { RawPeer, dataFrame, packed } from './raw-peer.ts';

const ignore = (): void => undefined;
let stage: Stage;
let core: { system: System; node: ClusterNode };
let noted: unknown[];
let lines: { code?: number }[];

async function start(options: Partial<JoinOptions> = {}): Promise<void> {
  const line = (fields: object): unknown => lines.push(fields);
  const log = { debug: ignore, info: line, warn: line, error: line, child: () => log };
  core = await stage.join('core', options, log);
  core.system.spawn(echo(noted), { id: 'echo' });
}

/** A peer that is linked with the core. */
async function raw(name = 'raw'): Promise<RawPeer> {
  const peer = new RawPeer(await stage.network.links(name).dial('memory:core'), name);
  await stage.advance(1);
  expect(peer.isUp).toBe(true);
  return peer;
}

beforeEach(() => {
  stage = new Stage();
  noted = [];
  lines = [];
});
afterEach(() => stage.stop());

describe('a peer that asks for too much', () => {
  const { watchesMax, requestsMax, membersMax } = TRANSPORT_LIMITS;
  /** As many operations as it takes, in frames of a thousand. */
  async function flood(
    peer: RawPeer,
    count: number,
    operation: (id: number) => unknown[],
  ): Promise<void> {
    for (let id = 0; id < count; id += 1_000) {
      const ids = Array.from({ length: Math.min(1_000, count - id) }, (_, at) => id + at);
      peer.send(...ids.map(operation));
    }
    await stage.advance(1);
  }

  it('is cut off at one monitor more than is allowed', async () => {
    await start();
    const peer = await raw();
    await flood(peer, watchesMax, (id) => [OP.monitor, id, '/echo']);
    expect(peer.closed).toBeUndefined();
    peer.send([OP.monitor, watchesMax, '/echo']);
    await stage.advance(1);
    expect(peer.closed).toMatchObject({ code: CLOSE.overload });
    expect(lines).toMatchObject([{ code: CLOSE.overload }]);
  });

  it('is cut off at one link more than is allowed, monitors counted with them', async () => {
    await start();
    const peer = await raw();
    await flood(peer, watchesMax - 1, (id) => [OP.link, `/of/${id}`, '/echo']);
    peer.send([OP.monitor, 1, '/echo'], [OP.link, '/of/1', '/echo']);
    await stage.advance(1);
    expect(peer.closed).toBeUndefined();
    peer.send([OP.link, '/one/more', '/echo']);
    await stage.advance(1);
    expect(peer.closed).toMatchObject({ code: CLOSE.overload });
  });

  it('gets room back for what has ended', async () => {
    await start();
    const peer = await raw();
    for (let round = 0; round < 3; round += 1) {
      await flood(peer, watchesMax / 2, (id) => [OP.monitor, id, '/echo']);
      await flood(peer, watchesMax / 2, (id) => [OP.demonitor, id]);
      await flood(peer, watchesMax / 2, (id) => [OP.link, `/of/${id}`, '/echo']);
      await flood(peer, watchesMax / 2, (id) => [OP.unlink, `/of/${id}`, '/echo']);
    }
    expect(peer.closed).toBeUndefined();
  });

  it('has requests beyond the bound failed, and gets no further', async () => {
    await start();
    core.system.spawn(
      fromHandler<undefined, EchoEvent>({
        receive: (_state, event, ctx) => ctx.defer(event as never),
      }),
      { id: 'hold', mailbox: { capacityMessages: requestsMax * 2 } },
    );
    const peer = await raw();
    const ask = (id: number): unknown[] => {
      const request = ['raw', id, 'hold', 'core/hold', null];
      return [OP.ask, '/hold', null, null, { type: 'hold', replyTo: ['\0q', ...request] }, request];
    };
    await flood(peer, requestsMax, ask);
    expect(peer.got).toEqual([]);
    expect(core.system.stats().openRequests).toBe(requestsMax);
    peer.send(ask(requestsMax));
    await stage.advance(1);
    expect(peer.got).toHaveLength(1);
    const [[operation, id, [, name, message]]] = peer.got as [[number, number, string[]]];
    expect([operation, id, name]).toEqual([OP.fail, requestsMax, 'PeerLimit']);
    expect(message).toContain('requestsMax');
    expect(core.system.stats().openRequests).toBe(requestsMax);
  });

  it('is cut off at one membership more, of however many groups', async () => {
    await start();
    const peer = await raw();
    await flood(peer, membersMax, (id) => [OP.join, `group ${id % 1_000}`, `/member/${id}`]);
    expect(peer.closed).toBeUndefined();
    peer.send([OP.join, 'one more', '/member/x']);
    await stage.advance(1);
    expect(peer.closed).toMatchObject({ code: CLOSE.overload });
    expect(core.node.group('group 7').members()).toEqual([]);
  });
});

describe('a node that asks for too much itself', () => {
  it('is told at the call, and stays linked', async () => {
    await start();
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(1);
    const far = edge.node.ref('core/echo');
    const downs: Down[] = [];
    const ends: (() => void)[] = [];
    for (let count = 0; count < TRANSPORT_LIMITS.watchesMax; count += 1) {
      ends.push(edge.system.monitor(far, (down) => downs.push(down)));
      if (count % 10_000 === 0) await stage.advance(1);
    }
    expect(() => edge.system.monitor(far, ignore)).toThrow(PeerLimit);
    ends[0]!();
    edge.system.monitor(far, (down) => downs.push(down));
    await stage.advance(10);
    expect(edge.node.nodes()).toHaveLength(1);
    void core.system.stop();
    await stage.advance(10);
    expect(downs).toHaveLength(TRANSPORT_LIMITS.watchesMax);
  });

  it('is told at the call of an address and a type that are too long', async () => {
    await start();
    const edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(1);
    const long = 'x'.repeat(TRANSPORT_LIMITS.textCharsMax);
    const far = edge.node.ref(`core/${long}`) as Ref<EchoEvent>;
    const near = edge.node.ref('core/echo') as Ref<{ type: string }>;
    expect(() => edge.system.monitor(far, ignore)).toThrow('4096 characters');
    expect(() => edge.node.group(`${long}x`)).toThrow('4096 characters');
    const letters: unknown[] = [];
    edge.system.deadLetters.watch(({ error }) => letters.push(error));
    const asked = outcome(far.ask({ type: 'echo' }));
    near.send({ type: `${long}x` });
    await stage.advance(1);
    expect(asked.error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(letters).toMatchObject([{ code: 'INVALID_OPTION' }]);
    expect(edge.node.nodes()).toHaveLength(1);
  });
});

describe('what is too big to travel', () => {
  const big = 'x'.repeat(TRANSPORT_LIMITS.messageBytesMax + 1);
  const cut = new RegExp(`^x+… \\(${big.length} characters\\)$`);
  let edge: { system: System; node: ClusterNode };
  const nodedowns: unknown[] = [];

  beforeEach(async () => {
    await start();
    nodedowns.length = 0;
    edge = await stage.join('edge', { seeds: ['memory:core'] });
    await stage.advance(1);
    for (const { node } of [core, edge]) node.on('nodedown', (event) => nodedowns.push(event));
  });
  afterEach(() => expect(nodedowns).toEqual([]));

  /** An agent of the core that ends as the event says. */
  function ending(id: string, how: 'crash' | 'end' | 'fail') {
    core.system.spawn(
      fromHandler<undefined, EchoEvent>({
        receive: (_state, event, ctx) => {
          const error = Object.assign(new RangeError(`at ${big}`, { cause: big }), {
            fields: { all: [big, big] },
          });
          if (how === 'crash') throw error;
          else if (how === 'end') ctx.stop({ all: big, map: new Map([[1, big]]) });
          else ctx.fail(event as never, error);
        },
      }),
      { id },
    );
    return edge.node.ref(`core/${id}`) as Ref<EchoEvent>;
  }

  it('of the reason of a crash arrives as its summary: type, class and the beginnings of texts', async () => {
    const far = ending('a', 'crash');
    const downs: Down[] = [];
    const exits: Exit[] = [];
    edge.system.monitor(far, (down) => downs.push(down));
    edge.system.spawn(
      fromHandler<undefined, Exit>({
        start: (_state, ctx) => ctx.link(far),
        receive: (_state, event) => void exits.push(event),
      }),
      { id: 'linked', trapExit: true },
    );
    await stage.advance(1);
    const asked = outcome(far.ask({ type: 'hold' }));
    await stage.advance(10);
    for (const { reason } of [...downs, ...exits, asked.error as unknown as Down]) {
      const { error } = reason as { error: RangeError };
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(/^at x+… /);
      expect(error.cause).toMatch(cut);
    }
    expect([downs.length, exits.length]).toEqual([1, 1]);
  });

  it('of an output, too', async () => {
    const far = ending('b', 'end');
    const downs: Down[] = [];
    edge.system.monitor(far, (down) => downs.push(down));
    await stage.advance(1);
    far.send({ type: 'end' });
    await stage.advance(10);
    const { reason } = downs[0]!;
    expect(reason.type).toBe('normal');
    const { output } = reason as { output: { all: string; map: string } };
    expect(output.all).toMatch(cut);
    expect(output.map).toBe('… (1 items)');
  });

  it('of the error that a request fails with, too; a reply fails the request', async () => {
    const failed = outcome(ending('c', 'fail').ask({ type: 'hold' }));
    core.system.spawn(
      fromHandler<undefined, EchoEvent>({
        receive: (_state, event, ctx) =>
          ctx.reply(event as never, { type: 'echoed', value: big } as never),
      }),
      { id: 'd' },
    );
    const answered = outcome((edge.node.ref('core/d') as Ref<EchoEvent>).ask({ type: 'echo' }));
    await stage.advance(10);
    expect(failed.error).toBeInstanceOf(RangeError);
    expect(failed.error?.message).toMatch(/^at x+… /);
    expect(answered.error).toMatchObject({ code: 'UNFIT_PAYLOAD' });
  });
});

describe('a peer that breaks the protocol is cut off, and no agent sees it', () => {
  const request = (fields: object = {}) =>
    Object.values({
      node: 'raw',
      id: 1,
      request: 'echo',
      target: 'core/echo',
      leftMs: 100,
      ...fields,
    });
  const long = 'x'.repeat(TRANSPORT_LIMITS.textCharsMax + 1);
  const message = { type: 'note', value: 'of the attack' };

  it.each<[string, (peer: RawPeer) => void, number]>([
    ['an operation that is no array', (peer) => peer.bytes(packed('send')), CLOSE.malformed],
    ['an unknown operation', (peer) => peer.send([99]), CLOSE.malformed],
    ['an operation too short', (peer) => peer.send([OP.send, '/echo']), CLOSE.malformed],
    [
      'a path that is none',
      (peer) => peer.send([OP.send, 'echo', null, null, message]),
      CLOSE.malformed,
    ],
    ['a path too long', (peer) => peer.send([OP.monitor, 1, `/${long}`]), CLOSE.malformed],
    ['a group too long', (peer) => peer.send([OP.join, long, '/a']), CLOSE.malformed],
    [
      'a sender of another node',
      (peer) => peer.send([OP.send, '/echo', 'core/echo', null, message]),
      CLOSE.malformed,
    ],
    [
      'a request of another node',
      (peer) => peer.send([OP.ask, '/echo', null, null, message, request({ node: 'core' })]),
      CLOSE.malformed,
    ],
    [
      'a request with a negative number',
      (peer) => peer.send([OP.ask, '/echo', null, null, message, request({ id: -1 })]),
      CLOSE.malformed,
    ],
    [
      'a deadline that is no number',
      (peer) => peer.send([OP.ask, '/echo', null, null, message, request({ leftMs: NaN })]),
      CLOSE.malformed,
    ],
    [
      'a deadline before now',
      (peer) => peer.send([OP.ask, '/echo', null, null, message, request({ leftMs: -5 })]),
      CLOSE.malformed,
    ],
    [
      'a lineage that is none',
      (peer) => peer.send([OP.send, '/echo', null, ['id', 'no trace', null, null, []], message]),
      CLOSE.malformed,
    ],
    [
      'a budget that is none',
      (peer) =>
        peer.send([
          OP.send,
          '/echo',
          null,
          ['id', '0'.repeat(32), null, { cost: -1 }, []],
          message,
        ]),
      CLOSE.malformed,
    ],
    [
      'a message that is no event',
      (peer) => peer.send([OP.send, '/echo', null, null, 5]),
      CLOSE.malformed,
    ],
    [
      'a mark that is unknown',
      (peer) => peer.send([OP.send, '/echo', null, null, ['\0x']]),
      CLOSE.malformed,
    ],
    [
      'a map with more keys than values',
      (peer) =>
        peer.send([OP.send, '/echo', null, null, { type: 'note', m: ['\0m', [1, 2], [1]] }]),
      CLOSE.malformed,
    ],
    [
      'a number of a watch twice',
      (peer) => peer.send([OP.monitor, 1, '/echo'], [OP.monitor, 1, '/echo']),
      CLOSE.malformed,
    ],
    [
      'a reason that is none',
      (peer) => peer.send([OP.exit, '/a', '/echo', { type: 'no' }]),
      CLOSE.malformed,
    ],
    ['a control that is unknown', (peer) => peer.control('reboot'), CLOSE.malformed],
    ['a receipt for what was not sent', (peer) => peer.control('taken', 7), CLOSE.malformed],
    [
      'a second handshake',
      (peer) => peer.link.send(Uint8Array.of(0, 0x91, 0xa1, 0x41)),
      CLOSE.malformed,
    ],
    ['an empty frame', (peer) => peer.link.send(new Uint8Array()), CLOSE.malformed],
    ['a header cut short', (peer) => peer.link.send(Uint8Array.of(1, 0, 0, 0, 1)), CLOSE.malformed],
    [
      'the key __proto__',
      (peer) => {
        const attack = Buffer.concat([
          Buffer.of(0x82, 0xa4),
          Buffer.from('type'),
          Buffer.of(0xa4),
          Buffer.from('note'),
          Buffer.of(0xa9),
          Buffer.from('__proto__'),
          Buffer.of(0x81, 0xa1, 0x41, 1),
        ]);
        peer.bytes(Buffer.concat([Buffer.of(0x95), packed(OP.send, '/echo', null, null), attack]));
      },
      CLOSE.malformed,
    ],
    [
      'a frame from before, again',
      (peer) => {
        const frame = dataFrame(1, packed([OP.demonitor, 1]));
        peer.link.send(frame);
        peer.link.send(frame);
      },
      CLOSE.outOfOrder,
    ],
    [
      'a frame from ahead',
      (peer) => peer.link.send(dataFrame(2, packed([OP.send, '/echo', null, null, message]))),
      CLOSE.outOfOrder,
    ],
  ])('%s', async (_, attack, code) => {
    await start();
    const peer = await raw();
    const { delivered } = core.system.stats();
    attack(peer);
    await stage.advance(1);
    expect(peer.closed).toMatchObject({ code });
    expect(lines).toMatchObject([{ peer: 'raw', code }]);
    expect(noted).toEqual([]);
    expect(core.system.stats().delivered).toBe(delivered);
    expect(core.system.stats().openRequests).toBe(0);
    expect(core.system.agents().map(({ path }) => path)).toEqual(['/echo']);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { A?: unknown }).A).toBeUndefined();
    // And the node itself goes on.
    await raw('another');
  });

  it('nothing behind the broken part of a frame is read', async () => {
    await start();
    const peer = await raw();
    peer.send(
      [OP.send, '/echo', null, null, { type: 'note', value: 'before' }],
      [99],
      [OP.send, '/echo', null, null, { type: 'note', value: 'behind' }],
    );
    await stage.advance(1);
    expect(noted).toEqual(['before']);
  });

  it('a name in overlong UTF-8 reaches no prototype either', async () => {
    await start();
    const peer = await raw();
    const underscore = Buffer.of(0xc1, 0x9f);
    const key = Buffer.concat([
      underscore,
      underscore,
      Buffer.from('proto'),
      underscore,
      underscore,
    ]);
    const attack = Buffer.concat([
      Buffer.of(0x83, 0xa4),
      Buffer.from('type'),
      Buffer.of(0xa4),
      Buffer.from('note'),
      Buffer.of(0xa5),
      Buffer.from('value'),
      Buffer.of(0x01, 0xa0 + key.length),
      key,
      Buffer.of(0x81, 0xa1, 0x41, 1),
    ]);
    peer.bytes(Buffer.concat([Buffer.of(0x95), packed(OP.send, '/echo', null, null), attack]));
    await stage.advance(1);
    expect(noted).toEqual([1]);
    expect(({} as { A?: unknown }).A).toBeUndefined();
  });
});
