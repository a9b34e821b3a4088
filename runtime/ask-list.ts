/**
 * A list of asks from which each is taken out in constant time: the ask itself keeps its place in
 * the list. A `Set` does the same, at several times the cost for the one or two that there mostly are.
 */
import type { Ask } from './ask.ts';

/** The lists that an ask can stand in at once: all open ones, those of its holder, of its asker. */
export type Listing = 'openAt' | 'heldAt' | 'askedAt';

export class AskList {
  readonly #listing: Listing;
  readonly #asks: Ask[] = [];

  constructor(listing: Listing) {
    this.#listing = listing;
  }

  get size(): number {
    return this.#asks.length;
  }

  add(ask: Ask): void {
    ask[this.#listing] = this.#asks.push(ask) - 1;
  }

  /** Takes an ask out; the last one moves to its place. Nothing happens when it is not in the list. */
  delete(ask: Ask): void {
    const asks = this.#asks;
    const at = ask[this.#listing];
    if (asks[at] !== ask) return;
    const last = asks.pop() as Ask;
    ask[this.#listing] = -1;
    if (last === ask) return;
    asks[at] = last;
    last[this.#listing] = at;
  }

  /** A copy, oldest first: what is done with them may take them out. */
  toArray(): Ask[] {
    return [...this.#asks].sort((a, b) => a.id - b.id);
  }
}
