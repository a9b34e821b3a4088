/**
 * The handshake: both sides say who they are and prove that they know the secret, which itself
 * never travels.
 *
 *     dialer    hello(version, name, incarnation, nonce, role)  ──▶
 *               ◀──  hello(…, nonce, proof)                    taker
 *               proof                                     ──▶
 *               ◀──  welcome
 *
 * A proof is an HMAC over both hellos and the role, so that none can be sent back or used again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '../runtime/index.ts';
import { pack, unpack } from './codec.ts';
import { MalformedFrame } from './errors.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link, type LinkClose } from './link.ts';

/** The version of the wire protocol; both sides must speak the same. */
export const PROTOCOL_VERSION = 1;

/** The first byte of a frame says what it is. */
export const LANE = { handshake: 0, data: 1, control: 2, part: 3 } as const;

/** Who a node is: its name, which start of it, and whether it takes part or only looks. */
export interface Identity {
  readonly name: string;
  readonly incarnation: string;
  readonly role: Role;
}

export type Role = 'node' | 'observer';

/** What the handshake asks of its node. */
export interface HandshakeParts {
  readonly self: Identity;
  /** The first one proves; any of them is accepted. */
  readonly secrets: readonly string[];
  readonly random: Random;
  /** Why a node that has proved itself is not taken; undefined when it is. `dialing` is the role here. */
  readonly refuses: (peer: Identity, dialing: boolean) => LinkClose | undefined;
  /** The link is up; both sides are who they say. */
  readonly done: (peer: Identity) => void;
}

type Hello = readonly [
  version: number,
  name: string,
  incarnation: string,
  nonce: string,
  role: Role,
];

/** One side of one handshake. */
export class Handshake {
  readonly #link: Link;
  readonly #parts: HandshakeParts;
  readonly #dialing: boolean;
  readonly #hello: Hello;
  #theirs: Hello | undefined;
  #proved = false;

  constructor(link: Link, dialing: boolean, parts: HandshakeParts) {
    this.#link = link;
    this.#parts = parts;
    this.#dialing = dialing;
    const { name, incarnation, role } = parts.self;
    this.#hello = [PROTOCOL_VERSION, name, incarnation, parts.random.hex(64), role];
    link.onFrame = (bytes) => this.#onFrame(bytes);
    if (dialing) this.#send('hello', ...this.#hello);
  }

  /** Who the other side says it is. */
  get peer(): Identity | undefined {
    if (this.#theirs === undefined) return undefined;
    const [, name, incarnation, , role] = this.#theirs;
    return { name, incarnation, role };
  }

  /** Takes a frame; what is wrong with it closes the link. */
  #onFrame(bytes: Uint8Array): void {
    try {
      this.#take(bytes);
    } catch (error) {
      const reason = error instanceof MalformedFrame ? error.message : 'a fault of ours';
      this.#link.close(CLOSE.malformed, reason);
    }
  }

  #take(bytes: Uint8Array): void {
    // Looked at before it is decoded: a stranger's bytes are worth no work.
    const isHandshake =
      bytes[0] === LANE.handshake && bytes.length <= TRANSPORT_LIMITS.handshakeBytesMax;
    const [message] = isHandshake ? unpack(bytes, 1) : [];
    if (!Array.isArray(message)) {
      this.#link.close(CLOSE.handshake, 'no handshake');
      return;
    }
    const [kind, ...rest] = message as unknown[];
    if (kind === 'hello' && this.#theirs === undefined) this.#onHello(rest);
    else if (kind === 'proof' && !this.#dialing && this.#theirs !== undefined)
      this.#onProof(rest[0]);
    else if (kind === 'welcome' && this.#dialing && this.#proved) this.#end();
    else this.#link.close(CLOSE.handshake, 'out of turn');
  }

  #onHello([version, name, incarnation, nonce, role, proof]: readonly unknown[]): void {
    if (version !== PROTOCOL_VERSION) {
      const said = typeof version === 'number' ? version : '?';
      this.#link.close(CLOSE.version, `protocol ${said}, here ${PROTOCOL_VERSION}`);
      return;
    }
    const isHello =
      isText(name, /^[^/#\s\p{Cc}]{1,255}$/u) &&
      isText(incarnation, /^[\w-]{1,64}$/) &&
      isText(nonce, /^[0-9a-f]{64}$/) &&
      // Observers dial and are not dialed.
      (role === 'node' || (role === 'observer' && !this.#dialing));
    if (!isHello) {
      this.#link.close(CLOSE.handshake, 'no hello');
      return;
    }
    this.#theirs = [version, name as string, incarnation as string, nonce as string, role];
    if (!this.#dialing) this.#send('hello', ...this.#hello, this.#proofOf('taker', this.#secret));
    else if (!this.#proves('taker', proof)) this.#link.close(CLOSE.secret, 'another secret');
    else if (!this.#isRefused()) {
      this.#proved = true;
      this.#send('proof', this.#proofOf('dialer', this.#secret));
    }
  }

  #onProof(proof: unknown): void {
    if (!this.#proves('dialer', proof)) this.#link.close(CLOSE.secret, 'another secret');
    else if (!this.#isRefused()) {
      this.#send('welcome');
      this.#end();
    }
  }

  /** Whether the other side has shown that it knows the secret, and both go on. */
  get proved(): boolean {
    return this.#proved;
  }

  #isRefused(): boolean {
    const close = this.#parts.refuses(this.peer as Identity, this.#dialing);
    if (close !== undefined) this.#link.close(close.code, close.reason);
    return close !== undefined;
  }

  #end(): void {
    this.#parts.done(this.peer as Identity);
  }

  get #secret(): string {
    return this.#parts.secrets[0] as string;
  }

  #proofOf(role: 'dialer' | 'taker', secret: string): string {
    const hellos = [this.#hello, this.#theirs as Hello];
    if (!this.#dialing) hellos.reverse();
    const said = ['troupe', role, ...hellos.flat()].join('\n');
    return createHmac('sha256', secret).update(said).digest('hex');
  }

  #proves(role: 'dialer' | 'taker', proof: unknown): boolean {
    if (!isText(proof, /^[0-9a-f]{64}$/)) return false;
    const given = Buffer.from(proof as string);
    const isProof = (secret: string): boolean =>
      timingSafeEqual(Buffer.from(this.#proofOf(role, secret)), given);
    return this.#parts.secrets.some(isProof);
  }

  #send(...message: readonly unknown[]): void {
    this.#link.send(frameOf(LANE.handshake, pack(message)));
  }
}

/** A frame: its lane, then its bytes. */
export function frameOf(lane: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = lane;
  frame.set(bytes, 1);
  return frame;
}

function isText(given: unknown, form: RegExp): boolean {
  return typeof given === 'string' && form.test(given);
}
