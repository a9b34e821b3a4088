/**
 * The random seam of a simulation: seeded, and counted. What a program has drawn steers it from
 * outside of its state, so where it draws, not every way has been tried.
 */
import { createSeededRandom, type Random } from '../runtime/index.ts';

export class CountedRandom implements Random {
  readonly #random: Random;
  /** Numbers drawn so far; ids and traces steer nobody. */
  draws = 0;

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
  }

  id(): string {
    return this.#random.id();
  }

  float(): number {
    this.draws += 1;
    return this.#random.float();
  }

  hex(length: number): string {
    return this.#random.hex(length);
  }
}
