// Values to bytes and back, and bytes of strangers.

import { fc, test as property } from '@fast-check/vitest';
import { createSystem, ActorEnded, InvalidOption, TroupeError, UnfitPayload } from 'troupe';
import { RemoteError, MalformedFrame } from 'troupe/transport';
import { describe, expect, it } from 'vitest';
// The codec is no part of the public surface.
import { fromWire, pack, toWire, unpack, type Refs } from '../../transport/codec.ts';

const system = createSystem({ name: 'here', log: false });
const refs: Refs = {
  refAt: (address) => system.ref(address),
  exportAsk: () => ['here', 1, 'r', 't', null],
  importAsk: () => {
    throw new MalformedFrame({ why: 'none here' });
  },
};
/** Packed alone, as an operation's field, and read back. */
function roundTrip(value: unknown): unknown {
  const [operation] = unpack(pack([toWire(value, refs)]), 0) as [unknown[]];
  return fromWire(operation[0], refs);
}

/** Whatever may be sent, nested. */
const { payload } = fc.letrec<{ payload: unknown }>((tie) => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string().map((tail) => `\0${tail}`),
    fc.constantFrom('\0u', '\0e', '\0a', '\0r'),
  );
  const key = text.filter((name) => name !== '__proto__');
  return {
    payload: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      text,
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.constantFrom(null, undefined, -0, NaN, Infinity),
      fc.date({ noInvalidDate: false }),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('payload'), { maxLength: 20 }),
      fc.dictionary(key, tie('payload'), { noNullPrototype: true }),
      fc.array(fc.tuple(tie('payload'), tie('payload'))).map((pairs) => new Map(pairs)),
      fc.array(tie('payload')).map((items) => new Set(items)),
    ),
  };
});

describe('the codec', () => {
  property.prop([payload])('gives back what was sent', (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  property.prop([payload])('leaves what is sent as it is', (value) => {
    const copy = structuredClone(value);
    toWire(value, refs);
    expect(value).toStrictEqual(copy);
  });

  it('gives a ref back as the ref of its node', () => {
    expect(roundTrip(system.ref('there/desk/w1'))).toMatchObject({ address: 'there/desk/w1' });
  });

  it.each([
    [new TypeError('wrong', { cause: new RangeError('deeper') }), TypeError],
    [new InvalidOption({ field: 'f', given: () => 1, allowed: 'x' }), InvalidOption],
    [new ActorEnded({ address: 'a/b', message: 'm', reason: { type: 'killed' } }), ActorEnded],
  ])('keeps the class of %s', (error, type) => {
    const back = roundTrip(error) as TroupeError;
    expect(back).toBeInstanceOf(type);
    expect([back.name, back.message]).toEqual([error.name, error.message]);
    expect(back.code).toBe((error as TroupeError).code);
    expect(Object.keys(back.fields ?? {})).toEqual(
      Object.keys((error as TroupeError).fields ?? {}),
    );
    if (error.cause !== undefined) expect(back.cause).toBeInstanceOf(RangeError);
  });

  it('gives an error of a class that is not known here as a RemoteError', () => {
    class Own extends TroupeError {
      readonly code = 'OWN';
    }
    const back = roundTrip(new Own('mine', { n: 1n })) as TroupeError;
    expect(back).toBeInstanceOf(RemoteError);
    expect([back.name, back.code, back.fields]).toEqual(['Own', 'OWN', { n: 1n }]);
  });

  const loop: { self?: unknown } = {};
  loop.self = [loop];
  it.each([
    ['a function', { a: [() => 1] }, 'message.a[0]: a function'],
    ['a symbol', { s: Symbol('x') }, 'message.s: a symbol'],
    ['an instance', { when: new URL('http://x') }, 'message.when: an instance of URL'],
    ['a cycle', loop, 'message.self[0]: it holds itself'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":1}}') as object, 'message.a: the key'],
    ['a promise in a map', { m: new Map([['k', Promise.resolve()]]) }, 'message.m[0]: an instance'],
  ])('refuses %s, and says where', (_, value, message) => {
    expect(() => toWire(value, refs)).toThrow(UnfitPayload);
    expect(() => toWire(value, refs)).toThrow(message);
  });

  it('refuses what is nested too deeply', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 65; level += 1) deep = [deep];
    expect(() => toWire(deep, refs)).toThrow('deeper than 64 levels');
  });
});

describe('bytes of strangers', () => {
  /** Decoded, or refused with the one error; nothing else, and no prototype touched. */
  const decode = (bytes: Uint8Array): void => {
    try {
      for (const wire of unpack(bytes, 0)) fromWire(wire, refs);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedFrame);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  };

  property.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: 2_000 })('at random', decode);

  property.prop(
    [payload, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })],
    {
      numRuns: 1_000,
    },
  )('that were a message before a few were changed', (value, changes) => {
    const bytes = Uint8Array.from(pack([toWire(value, refs)]));
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    decode(bytes);
  });

  it.each([
    ['the key __proto__', [0x81, 0xa9, ...Buffer.from('__proto__'), 0x80]],
    ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0]],
    ['a map of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1]],
    ['a string of 4 billion', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x41]],
    ['an extension', [0xc7, 0x01, 0x72, 0x00]],
    ['a key that is a number', [0x81, 0x01, 0x01]],
    ['arrays in arrays', Array.from({ length: 100_000 }, () => 0x91)],
  ])('%s', (_, bytes) => {
    expect(() => unpack(Uint8Array.from(bytes), 0)).toThrow(MalformedFrame);
  });
});
