// Two systems in this process, linked by real WebSockets on loopback; and what strangers send.

import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { LIMITS, createSystem, type Down, type Log, type Ref, type System } from 'troupe';
import {
  CLOSE,
  LinkFailed,
  TRANSPORT_LIMITS,
  joinCluster,
  type ClusterNode,
  type JoinOptions,
} from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SECRET, echo, type EchoEvent } from './cast.ts';

const systems: System[] = [];
const ignore = (): void => undefined;

async function join(
  name: string,
  options: Partial<JoinOptions> = {},
  log: Log | false = false,
): Promise<{ system: System; node: ClusterNode }> {
  const system = createSystem({ name, log });
  systems.push(system);
  return { system, node: await joinCluster(system, { listen: {}, secret: SECRET, ...options }) };
}

/** The next event of a type. */
function next<TType extends Parameters<ClusterNode['on']>[0]>(
  node: ClusterNode,
  type: TType,
): Promise<unknown> {
  return new Promise((resolve) => {
    const end = node.on(type, (event) => {
      end();
      resolve(event);
    });
  });
}

afterEach(async () => {
  for (const system of systems.splice(0).reverse()) await system.stop();
});

describe('two nodes on loopback', () => {
  let core: { system: System; node: ClusterNode };
  let edge: { system: System; node: ClusterNode };
  let far: Ref<EchoEvent>;
  const noted: unknown[] = [];

  beforeEach(async () => {
    noted.length = 0;
    core = await join('core');
    core.system.spawn(echo(noted), { id: 'echo' });
    edge = await join('edge', { seeds: [core.node.address!] });
    if (edge.node.nodes().length === 0) await next(edge.node, 'nodeup');
    far = edge.node.ref('core/echo') as Ref<EchoEvent>;
  });

  it('send, ask and monitor', async () => {
    for (let value = 0; value < 2_000; value += 1) far.send({ type: 'note', value });
    const reply = await far.ask({ type: 'echo', value: { set: new Set(['a']), big: 10n ** 30n } });
    expect(reply.value).toEqual({ set: new Set(['a']), big: 10n ** 30n });
    expect(noted).toEqual(Array.from({ length: 2_000 }, (_, value) => value));
    const down = new Promise<Down>((resolve) => edge.system.monitor(far, resolve));
    far.send({ type: 'end' });
    expect((await down).reason).toEqual({ type: 'normal', output: 'done' });
  });

  it('tell a node that stops: asks fail, monitors fire, then nodedown', async () => {
    const told: string[] = [];
    const down = new Promise<void>((resolve) => {
      edge.system.monitor(far, ({ reason }) => {
        told.push(reason.type);
        resolve();
      });
    });
    const asked = expect(far.ask({ type: 'hold' })).rejects.toMatchObject({
      reason: { type: 'noconnection' },
    });
    const lost = next(edge.node, 'nodedown');
    await far.ask({ type: 'echo' });
    await core.node.leave();
    await asked;
    await down;
    expect(await lost).toMatchObject({ node: 'core', reason: 'left' });
    expect(told).toEqual(['noconnection']);
  });
});

describe('a stranger', () => {
  it.each([
    ['bytes that are no frame', Buffer.from([9, 9, 9]), CLOSE.handshake],
    ['a data frame before the handshake', Buffer.from([1, 0x90]), CLOSE.handshake],
    [
      'an array longer than its frame',
      Buffer.from([0, 0xdd, 0xff, 0xff, 0xff, 0xff]),
      CLOSE.malformed,
    ],
    ['an extension', Buffer.from([0, 0xd4, 0x72, 0x40]), CLOSE.malformed],
    ['a frame beyond the bound', Buffer.alloc(1_048_577), 1009],
    ['a text frame', 'hello', 1003],
    [
      'another version',
      Buffer.concat([
        Buffer.of(0, 0x95, 0xa5),
        Buffer.from('hello'),
        Buffer.of(99, 0xa1, 97, 0xa1, 98, 0xa1, 99),
      ]),
      CLOSE.version,
    ],
  ])('that sends %s is cut off', async (_, frame, code) => {
    const lines: unknown[] = [];
    const line = (fields: unknown): unknown => lines.push(fields);
    const log = { debug: ignore, info: ignore, warn: line, error: line, child: () => log };
    const { system, node } = await join('core', {}, log);
    const socket = new WebSocket(node.address!);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('open', () => socket.send(frame));
    expect(await closed).toBe(code);
    expect(node.nodes()).toEqual([]);
    expect(system.stats().delivered).toBe(0);
    expect(lines).toMatchObject([{ code }]);
  });

  it('with another secret is told so, and is not taken', async () => {
    const { node } = await join('core');
    const edge = await join('edge', { seeds: [node.address!], secret: 'another secret of 26 ch' });
    const event = (await next(edge.node, 'unreachable')) as { error: LinkFailed };
    expect(event.error.message).toContain(String(CLOSE.secret));
    expect(node.nodes()).toEqual([]);
  });
});

describe('many strangers', () => {
  const strangers: { destroy(): void }[] = [];
  afterEach(() => {
    for (const stranger of strangers.splice(0)) stranger.destroy();
  });

  /** Opens connections that say nothing, and waits until each is there or was turned away. */
  async function crowd(open: () => { socket: Duplex; there: Promise<unknown> }): Promise<void> {
    for (let count = 0; count < 2 * TRANSPORT_LIMITS.handshakesMax; count += 1) {
      const { socket, there } = open();
      strangers.push(socket);
      socket.on('error', ignore);
      await there;
    }
  }

  const tcp = (port: number) => () => {
    const socket = connect(port, '127.0.0.1');
    return { socket, there: new Promise((resolve) => socket.once('connect', resolve)) };
  };
  const upgraded = (port: number) => () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    return { socket, there: new Promise((resolve) => socket.once('data', resolve)) };
  };

  it.each([
    ['TCP', tcp],
    ['WebSockets', upgraded],
  ])('with open %s that say nothing keep no node out, and fill no log', async (_, kind) => {
    const lines: unknown[] = [];
    const line = (fields: unknown): unknown => lines.push(fields);
    const log = { debug: ignore, info: ignore, warn: line, error: line, child: () => log };
    const { node } = await join('core', {}, log);
    await crowd(kind(Number(new URL(node.address!).port)));
    const edge = await join('edge', { seeds: [node.address!] });
    if (edge.node.nodes().length === 0) await next(edge.node, 'nodeup');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(LIMITS.logsPerWindow);
  });

  it('that speak HTTP are told what is spoken here', async () => {
    const { node } = await join('core');
    const { status } = await fetch(node.address!.replace('ws:', 'http:'));
    expect(status).toBe(426);
  });
});

describe('bad input', () => {
  const joinWith = (options: Partial<JoinOptions>): Promise<unknown> => join('bad', options);

  it.each([
    ['no secret', { secret: undefined }, 'secret: given undefined'],
    ['a short secret', { secret: 'short' }, 'at least 16 characters'],
    ['a URL that is none', { seeds: ['nonsense'] }, 'seeds: given "nonsense"'],
    ['plain ws to another machine', { seeds: ['ws://10.1.2.3:7000'] }, 'insecure: true'],
    ['another name', { name: 'other' }, 'name: given "other"'],
    ['plain ws beyond this machine', { listen: { host: '0.0.0.0' } }, 'insecure: true'],
    ['an unknown option', { sedes: [] } as never, 'sedes'],
  ])('%s is refused', async (_, options, message) => {
    await expect(joinWith(options)).rejects.toThrow(message);
  });

  it('a port in use is said', async () => {
    const { node } = await join('core');
    const port = Number(new URL(node.address!).port);
    await expect(joinWith({ listen: { port } })).rejects.toThrow(LinkFailed);
  });
});
