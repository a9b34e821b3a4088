/**
 * Looks over MessagePack before it is decoded: every length is held against the bytes that are
 * there, the nesting against a bound, and extension types are refused, so that the decoder behind
 * allocates no more than the frame warrants and runs no code of its own for a stranger.
 */
import { MalformedFrame } from './errors.ts';
import { TRANSPORT_LIMITS } from './limits.ts';

const PROTO = '__proto__';

class Scan {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  value(depth: number): void {
    if (depth > TRANSPORT_LIMITS.depthMax * 2) throw malformed('too deep');
    const token = this.#byte();
    if (token <= 0x7f || token >= 0xe0) return;
    if (token <= 0x8f) return this.#map(token & 0x0f, depth);
    if (token <= 0x9f) return this.#items(token & 0x0f, depth);
    if (token <= 0xbf) return this.#skip(token & 0x1f);
    switch (token) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xd9:
        return this.#skip(this.#length(1));
      case 0xc5:
      case 0xda:
        return this.#skip(this.#length(2));
      case 0xc6:
      case 0xdb:
        return this.#skip(this.#length(4));
      case 0xcc:
      case 0xd0:
        return this.#skip(1);
      case 0xcd:
      case 0xd1:
        return this.#skip(2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return this.#skip(4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.#skip(8);
      case 0xdc:
        return this.#items(this.#length(2), depth);
      case 0xdd:
        return this.#items(this.#length(4), depth);
      case 0xde:
        return this.#map(this.#length(2), depth);
      case 0xdf:
        return this.#map(this.#length(4), depth);
      default:
        throw malformed(`type 0x${token.toString(16)}`);
    }
  }

  #items(count: number, depth: number): void {
    if (count > this.#left) throw malformed('an array longer than its frame');
    for (let index = 0; index < count; index += 1) this.value(depth + 1);
  }

  #map(count: number, depth: number): void {
    if (count * 2 > this.#left) throw malformed('a map longer than its frame');
    for (let index = 0; index < count; index += 1) {
      this.#key();
      this.value(depth + 1);
    }
  }

  /** A key is a string, and none that reaches a prototype. */
  #key(): void {
    const token = this.#byte();
    let length: number;
    if (token >= 0xa0 && token <= 0xbf) length = token & 0x1f;
    else if (token >= 0xd9 && token <= 0xdb) length = this.#length(1 << (token - 0xd9));
    else throw malformed('a key that is no string');
    const start = this.at;
    this.#skip(length);
    if (length !== PROTO.length) return;
    for (let index = 0; index < length; index += 1)
      if (this.#bytes[start + index] !== PROTO.charCodeAt(index)) return;
    throw malformed(`the key ${PROTO}`);
  }

  get #left(): number {
    return this.#bytes.length - this.at;
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw malformed('it ends too early');
    this.at += 1;
    return byte;
  }

  #length(size: number): number {
    if (size > this.#left) throw malformed('it ends too early');
    const { at } = this;
    this.at += size;
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #skip(count: number): void {
    if (count > this.#left) throw malformed('a length beyond its frame');
    this.at += count;
  }
}

/** Throws `MalformedFrame` unless the bytes from `start` on are whole values that can be decoded. */
export function scan(bytes: Uint8Array, start: number): void {
  const scanning = new Scan(bytes, start);
  while (scanning.at < bytes.length) scanning.value(0);
}

export function malformed(why: string, cause?: unknown): MalformedFrame {
  return new MalformedFrame({ why }, cause === undefined ? undefined : { cause });
}
