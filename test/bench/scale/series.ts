/** What is measured over growing sizes: each series has one or more lines. */

/** Adds up what one line costs. */
export class Meter {
  #cpuNs = 0;
  #operations = 0;

  /** Runs something that does so many operations, and counts its CPU time. */
  async time(operations: number, run: () => unknown): Promise<void> {
    const from = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(from);
    this.#cpuNs += (user + system) * 1_000;
    this.#operations += operations;
  }

  get cpuNs(): number {
    return this.#cpuNs;
  }

  get nsEach(): number {
    return this.#cpuNs / this.#operations;
  }
}

/** One series. */
export interface Series {
  readonly name: string;
  /** What the size counts. */
  readonly of: string;
  readonly sizes: readonly number[];
  readonly lines: readonly string[];
  /** Measures a size once, each line with its meter; called until the figures are steady. */
  run(size: number, meter: (line: string) => Meter): Promise<void>;
}

/** A line at a size. */
export interface Point {
  readonly series: string;
  readonly of: string;
  readonly line: string;
  readonly size: number;
  /** CPU time of one operation. */
  readonly ns: number;
}

export const decades = (from: number, to: number): number[] => {
  const sizes: number[] = [];
  for (let size = from; size <= to; size *= 10) sizes.push(size);
  return sizes;
};

/** So many at most, for an operation whose cost is looked at beside many others. */
export const SAMPLE = 1_000;

/** Resolves in a later turn of the event loop. */
export function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
