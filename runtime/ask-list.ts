/**
 * A list of asks from which each is taken out in constant time: the ask itself keeps its place in
 * the list. A `Set` does the same, at several times the cost for the one or two that there mostly are.
 * The first one stands in a field, which costs a third of a place in the array.
 */
import type { Ask } from './ask.ts';

export abstract class AskList {
  #first: Ask | undefined;
  readonly #others: Ask[] = [];

  // Each list has a field of its own in the ask. A field picked by its name would cost ten times as much.
  protected abstract placeOf(ask: Ask): number;
  protected abstract put(ask: Ask, place: number): void;

  get size(): number {
    return this.#others.length + (this.#first === undefined ? 0 : 1);
  }

  get first(): Ask | undefined {
    return this.#first ?? this.#others[0];
  }

  add(ask: Ask): void {
    if (this.#first === undefined) this.#first = ask;
    else this.put(ask, this.#others.push(ask) - 1);
  }

  /** Takes an ask out; the last one moves to its place. Nothing happens when it is not in the list. */
  delete(ask: Ask): void {
    if (this.#first === ask) {
      this.#first = undefined;
      return;
    }
    const asks = this.#others;
    const place = this.placeOf(ask);
    if (asks[place] !== ask) return;
    const last = asks.pop() as Ask;
    this.put(ask, -1);
    if (last === ask) return;
    asks[place] = last;
    this.put(last, place);
  }

  /** A copy, oldest first: what is done with them may take them out. */
  toArray(): Ask[] {
    const asks = this.#first === undefined ? [] : [this.#first];
    return [...asks, ...this.#others].sort((a, b) => a.id - b.id);
  }
}

/** All open asks of a system. */
export class OpenAsks extends AskList {
  protected placeOf(ask: Ask): number {
    return ask.openAt;
  }
  protected put(ask: Ask, place: number): void {
    ask.openAt = place;
  }
}

/** Those that a life must answer. */
export class HeldAsks extends AskList {
  protected placeOf(ask: Ask): number {
    return ask.heldAt;
  }
  protected put(ask: Ask, place: number): void {
    ask.heldAt = place;
  }
}

/** Those of a life's own. */
export class OwnAsks extends AskList {
  protected placeOf(ask: Ask): number {
    return ask.askedAt;
  }
  protected put(ask: Ask, place: number): void {
    ask.askedAt = place;
  }
}
