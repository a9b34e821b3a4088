/**
 * The random seam: ids, trace ids and jitter.
 *
 * A simulation replaces it by a seeded one, so that a run with the same seed draws the same.
 */
import { randomFillSync } from 'node:crypto';
import { nanoid } from 'nanoid';

/** Chance: the only source of it for a system. */
export interface Random {
  /** A new id: 21 characters that are safe in a URL. */
  id(): string;
  /** A number in [0, 1). */
  float(): number;
  /** So many lowercase hex characters, for W3C trace and span ids. */
  hex(length: number): string;
}

/** Makes the random of this machine. */
export function createRandom(): Random {
  return new RealRandom();
}

/** Makes a random whose draws follow from the seed alone, on every machine and Node version. */
export function createSeededRandom(seed: number): Random {
  return new SeededRandom(seed);
}

/** Random bytes are fetched this many at a time, because each fetch costs a call out of the engine. */
const POOL_BYTES = 4096;

class RealRandom implements Random {
  #pool: Buffer | undefined;
  #usedBytes = POOL_BYTES;

  id(): string {
    return nanoid();
  }

  float(): number {
    return Math.random();
  }

  hex(length: number): string {
    const bytes = (length + 1) >>> 1;
    if (bytes > POOL_BYTES) {
      return randomFillSync(Buffer.allocUnsafe(bytes)).toString('hex').slice(0, length);
    }
    const pool = (this.#pool ??= Buffer.allocUnsafe(POOL_BYTES));
    if (this.#usedBytes + bytes > POOL_BYTES) {
      randomFillSync(pool);
      this.#usedBytes = 0;
    }
    const start = this.#usedBytes;
    this.#usedBytes += bytes;
    const digits = pool.toString('hex', start, start + bytes);
    return digits.length === length ? digits : digits.slice(0, length);
  }
}

/** Our own copy: recorded runs must not change when nanoid reorders its alphabet. */
const ID_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-';
const ID_LENGTH = 21;

/** Where the bits of a seed are read: one for all, since a simulation makes thousands of generators a second. */
const bits = new DataView(new ArrayBuffer(8));

/** The generator xoshiro128** over a state that splitmix32 spreads from the seed. */
class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    // All 64 bits of the number count, so that a fraction and a time in milliseconds are seeds too;
    // -0 and 0 are one seed.
    bits.setFloat64(0, seed + 0);
    let state = bits.getInt32(0) ^ Math.imul(bits.getInt32(4), 0x85ebca6b);
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    // The one state that the generator never leaves is all zeros.
    this.#d = next() | 1;
  }

  id(): string {
    let id = '';
    let bits = 0;
    for (let index = 0; index < ID_LENGTH; index += 1) {
      // Five characters of six bits come from each draw.
      bits = index % 5 === 0 ? this.#uint32() : bits >>> 6;
      id += ID_ALPHABET.charAt(bits & 63);
    }
    return id;
  }

  float(): number {
    // 53 bits, which is all that a number in [0, 1) can hold.
    const high = this.#uint32() >>> 5;
    const low = this.#uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  hex(length: number): string {
    let digits = '';
    while (digits.length < length) digits += this.#uint32().toString(16).padStart(8, '0');
    return digits.slice(0, length);
  }

  #uint32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}
