// What was done, by key, in a file that outlives the process: a line for each.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export class Journal {
  readonly #file: string;
  readonly #done: Set<string>;

  constructor(file: string) {
    this.#file = file;
    this.#done = new Set(linesOf(file));
  }

  /** Does something under a key; false when it has been done before, in this life or an earlier one. */
  once(key: string): boolean {
    if (this.#done.has(key)) return false;
    // The line is the deed: a bank that is asked over a network would have to know the key, too.
    appendFileSync(this.#file, `${key}\n`);
    this.#done.add(key);
    return true;
  }
}

export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}
