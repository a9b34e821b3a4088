import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, createSeededRandom, type Random } from '../../runtime/random.ts';

const draw = (random: Random): unknown[] =>
  Array.from({ length: 20 }, () => [random.id(), random.float(), random.hex(32)]);

describe.each([
  ['the random of the machine', () => createRandom()],
  ['a seeded random', () => createSeededRandom(7)],
])('%s', (_, create) => {
  it('draws distinct ids of 21 characters that are safe in a URL', () => {
    const random = create();
    const ids = Array.from({ length: 10_000 }, () => random.id());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\w-]{21}$/);
  });

  it('draws as many hex characters as are asked for', () => {
    const random = create();
    for (const length of [0, 1, 7, 8, 16, 32, 33, 4_096, 9_001]) {
      expect(random.hex(length)).toMatch(new RegExp(`^[0-9a-f]{${length % 1_000}}[0-9a-f]*$`));
      expect(random.hex(length)).toHaveLength(length);
    }
    const firsts = Array.from({ length: 2_000 }, () => random.hex(8).charAt(0));
    expect(new Set(firsts).size).toBe(16);
    const traceIds = Array.from({ length: 10_000 }, () => random.hex(32));
    expect(new Set(traceIds).size).toBe(traceIds.length);
  });

  it('draws floats from the whole of [0, 1)', () => {
    const random = create();
    const tenths = Array.from({ length: 10 }, () => 0);
    const count = 10_000;
    for (let index = 0; index < count; index += 1) {
      const float = random.float();
      expect(float >= 0 && float < 1).toBe(true);
      const tenth = Math.floor(float * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Each tenth gets 1,000 with a deviation of 30: what is asked for here fails once in 10^20 runs.
    for (const tenth of tenths) expect(Math.abs(tenth - count / 10)).toBeLessThan(300);
  });
});

describe('a seeded random', () => {
  it('draws the same from the same seed', () => {
    fc.assert(
      fc.property(fc.double(), (seed) => {
        expect(draw(createSeededRandom(seed))).toEqual(draw(createSeededRandom(seed)));
      }),
    );
  });

  it('draws differently from different seeds, fractions and times included', () => {
    const seeds = [0, 1, 2, -1, 0.5, 1.5, 2 ** 32, 2 ** 32 + 1, 1_790_000_000_000, Infinity];
    const draws = seeds.map((seed) => JSON.stringify(draw(createSeededRandom(seed))));
    expect(new Set(draws).size).toBe(seeds.length);
    expect(draw(createSeededRandom(-0))).toEqual(draw(createSeededRandom(0)));
  });

  it('draws what it drew in earlier releases, so that recorded seeds stay good', () => {
    const random = createSeededRandom(42);
    expect([random.id(), random.float(), random.hex(16)]).toMatchInlineSnapshot(`
      [
        "D943YWV2v_LKtYwZCNSP5",
        0.5915996144611242,
        "bffde9ad6295d261",
      ]
    `);
  });
});
