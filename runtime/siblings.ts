/**
 * The cells below one parent, or the roots, in start order; each is taken out in constant time. They
 * are linked by their own fields, so that a short-lived one leaves nothing behind (see roster.ts).
 */
import type { Cell } from './cell.ts';

export class Siblings {
  #oldest: Cell | undefined;
  #youngest: Cell | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(cell: Cell): void {
    cell.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = cell;
    else this.#youngest.younger = cell;
    this.#youngest = cell;
    this.#size += 1;
  }

  /** Takes a cell out; nothing happens when it is out already. */
  delete(cell: Cell): void {
    const { older, younger } = cell;
    if (older === undefined && cell !== this.#oldest) return;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    cell.older = undefined;
    cell.younger = undefined;
    this.#size -= 1;
  }

  /** Oldest first; nobody may leave meanwhile. */
  *values(): Generator<Cell, void, undefined> {
    for (let cell = this.#oldest; cell !== undefined; cell = cell.younger) yield cell;
  }
}
