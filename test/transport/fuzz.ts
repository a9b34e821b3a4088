/**
 * Random bytes and mutated real frames, thrown at a node by strangers and by peers that have proved
 * themselves. Whatever comes, a link is closed with a code or the frame is taken; nothing throws,
 * no prototype changes, no agent sees what is no event, and an honest node is served all along.
 */
import { createSeededRandom, fromHandler, type Random, type Ref, type System } from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { OP } from '../../transport/operation.ts';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';
import { RawPeer, dataFrame, packed } from './raw-peer.ts';

const TRACE = '0123456789abcdef0123456789abcdef';
const REQUEST = ['raw', 5, 'echo', 'core/sink', 1_000];

/** Operations as real nodes send them, one of each kind, with values of each kind. */
const OPERATIONS: readonly (readonly unknown[])[] = [
  [
    OP.send,
    '/sink',
    'raw/a',
    ['task', TRACE, 500, { cost: 3 }, ['raw/a']],
    { type: 'note', value: 1 },
  ],
  [OP.send, '/sink', null, null, { type: 'note', a: ['\0n', '12345'], b: ['\0d', 5], c: ['\0u'] }],
  [OP.send, '/sink', null, null, { type: 'note', m: ['\0m', ['k'], [1]], s: ['\0s', [1, 2]] }],
  [OP.send, '/sink', null, null, { type: 'note', r: ['\0r', 'core/sink'], e: ['\0a', '\0', 1] }],
  [OP.send, '/(name sink)', null, null, { type: 'note', b: Buffer.alloc(40, 7), f: 1.5 }],
  [OP.ask, '/sink', null, null, { type: 'echo', replyTo: ['\0q', ...REQUEST] }, REQUEST],
  [OP.reply, 1, { type: 'echoed' }],
  [OP.fail, 1, ['\0e', 'RangeError', 'no', { code: 'X', fields: { a: 1 } }, 'cause']],
  [OP.cancel, 5],
  [OP.monitor, 9, '/sink'],
  [OP.demonitor, 9],
  [OP.down, 1, 1, { type: 'normal', output: 'x' }],
  [OP.link, '/a', '/sink'],
  [OP.unlink, '/a', '/sink'],
  [OP.linkDown, '/a', '/sink', { type: 'noconnection' }],
  [OP.exit, '/a', '/sink', { type: 'shutdown', detail: 'd' }],
  [OP.stop, 3, '/sink', [100, 'why']],
  [OP.stopped, 3, true, { type: 'killed' }],
  [OP.join, 'group', '/a'],
  [OP.leave, 'group', '/a'],
  [OP.claim, 3, 'leader', '/a', 1],
  [OP.claimed, 3, 'leader', true],
  [OP.unclaim, 'leader'],
  [OP.probe, 5, [1, 1, null, [['raw/a', 'echo', 'raw/a#ask5', 2_000]]]],
  [OP.probe, 5, [3, 0, 'core/sink#ask1', [['raw/a', 'echo', 'raw/a#ask5', 2_000.5]]]],
];

/** Bytes that begin a value of a length that the next four bytes say, and other borders. */
const BORDERS = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9,
];
const LENGTHS = [0xd4, 0xd8, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff];

export class Fuzz {
  readonly #stage = new Stage();
  readonly #random: Random;
  readonly #faults: unknown[] = [];
  #core!: { system: System; node: ClusterNode };
  #edge!: { system: System; node: ClusterNode };
  /** How many frames were thrown, and how many links were closed for it, by code. */
  frames = 0;
  readonly codes: Record<number, number> = {};

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
  }

  async start(): Promise<void> {
    const quiet = (): void => undefined;
    const error = (fields: object): unknown => this.#faults.push(fields);
    const log = { debug: quiet, info: quiet, warn: quiet, error, child: () => log };
    this.#core = await this.#stage.join('core', {}, log);
    this.#core.system.spawn(
      fromHandler<undefined, EchoEvent>({
        receive: (_state, event) => {
          if (typeof event?.type !== 'string') this.#faults.push(['no event', event]);
        },
      }),
      { id: 'sink', trapExit: true },
    );
    this.#core.system.spawn(echo(), { id: 'echo' });
    this.#edge = await this.#stage.join('edge', { seeds: ['memory:core'] });
    await this.#stage.advance(10);
  }

  /** One attack. Throws when a promise is broken. */
  async round(): Promise<void> {
    const { network } = this.#stage;
    const link = await network.links('raw').dial('memory:core');
    const isStranger = this.#random.float() < 0.25;
    if (isStranger) link.onClose = ({ code }) => this.#count(code);
    const peer = isStranger ? undefined : new RawPeer(link, 'raw');
    if (peer !== undefined) {
      await this.#stage.advance(0);
      link.onClose = ({ code }) => this.#count(code);
    }
    for (let frame = this.#upTo(3); frame >= 0; frame -= 1) {
      this.frames += 1;
      if (peer === undefined) link.send(this.#mutated(this.#handshakeFrame()));
      else if (this.#random.float() < 0.1)
        link.send(this.#mutated(dataFrame(1, this.#operations())));
      else
        peer.bytes(this.#random.float() < 0.1 ? this.#noise() : this.#mutated(this.#operations()));
    }
    await this.#stage.advance(0);
    link.close(4000, 'left');
    this.#check();
  }

  /** An honest node is served. */
  async serve(): Promise<void> {
    const far = this.#edge.node.ref('core/echo') as Ref<EchoEvent>;
    const asked = outcome(far.ask({ type: 'echo', value: this.frames }));
    await this.#stage.advance(1_000);
    if (asked.error !== undefined || asked.value === undefined)
      throw new Error('an honest node is not served', { cause: asked.error });
    this.#check();
  }

  async stop(): Promise<void> {
    await this.#stage.stop();
  }

  #check(): void {
    if (this.#faults.length > 0) throw new Error('a fault', { cause: this.#faults });
    if (Object.keys(Object.prototype).length > 0 || Object.keys(Array.prototype).length > 0)
      throw new Error('a prototype has changed');
  }

  #count(code: number): void {
    this.codes[code] = (this.codes[code] ?? 0) + 1;
  }

  #upTo(count: number): number {
    return Math.floor(this.#random.float() * count);
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#upTo(items.length)]!;
  }

  #noise(): Uint8Array {
    return Uint8Array.from({ length: this.#upTo(300) }, () => this.#upTo(256));
  }

  #operations(): Uint8Array {
    return packed(...Array.from({ length: 1 + this.#upTo(4) }, () => this.#one(OPERATIONS)));
  }

  #handshakeFrame(): Uint8Array {
    const hello = ['hello', 1, 'raw', 'by-hand', 'a'.repeat(64), 'node'];
    const message = this.#one([
      hello,
      ['proof', 'b'.repeat(64)],
      ['welcome'],
      this.#one(OPERATIONS),
    ]);
    return Buffer.concat([Buffer.of(this.#upTo(3)), packed(message)]);
  }

  /** The bytes with a few changes: bytes set, taken out, put in, cut off, doubled; lengths made huge. */
  #mutated(given: Uint8Array): Uint8Array {
    // Some stay as they are: what comes before an attack is part of it.
    if (this.#random.float() < 0.4) return given;
    let bytes = [...given];
    for (let change = this.#upTo(4); change >= 0; change -= 1) {
      const at = this.#upTo(bytes.length);
      const kind = this.#upTo(8);
      if (kind <= 1) bytes[at] = this.#upTo(256);
      else if (kind === 2) bytes[at] = this.#one([...BORDERS, ...LENGTHS]);
      else if (kind === 3) bytes.splice(at, this.#upTo(8));
      else if (kind === 4) bytes.splice(at, 0, ...this.#noise().slice(0, 8));
      else if (kind === 5) bytes.splice(at, 0, this.#one(LENGTHS), 0xff, 0xff, 0xff, 0xff);
      else if (kind === 6) bytes = bytes.slice(0, at);
      else bytes.splice(at, 0, ...bytes.slice(at, at + this.#upTo(40)));
      if (bytes.length === 0) return new Uint8Array();
    }
    return Uint8Array.from(bytes);
  }
}
