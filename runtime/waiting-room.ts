/**
 * The waiting room of a mailbox whose policy is `wait`: senders that found it full, the longest
 * waiting first. Each waits with one envelope; the rest of its outbox waits with it.
 */
import type { Envelope } from './envelope.ts';

/** One sender that waits for room. */
export interface Waiter {
  readonly envelope: Envelope;
  /** Lets the sender go on. */
  readonly admitted: () => void;
}

export class WaitingRoom {
  #waiters: Waiter[] = [];

  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** What waits here, longest first. */
  envelopes(): Envelope[] {
    return this.#waiters.map(({ envelope }) => envelope);
  }

  /** What a sender waits with; undefined when it does not wait here. */
  of(sender: string): Envelope | undefined {
    return this.#waiters.find(({ envelope }) => envelope.from === sender)?.envelope;
  }

  enter(envelope: Envelope, admitted: () => void): void {
    this.#waiters.push({ envelope, admitted });
  }

  /** Takes back an envelope; false when it does not wait here any more. */
  withdraw(envelope: Envelope): boolean {
    const index = this.#waiters.findIndex((waiter) => waiter.envelope === envelope);
    if (index < 0) return false;
    this.#waiters.splice(index, 1);
    return true;
  }

  /** Takes out the one that has waited longest. */
  next(): Waiter | undefined {
    return this.#waiters.shift();
  }

  /** Takes out those of one sender, in order. */
  takeFrom(sender: string): Waiter[] {
    const own = this.#waiters.filter(({ envelope }) => envelope.from === sender);
    if (own.length > 0) this.#waiters = this.#waiters.filter((waiter) => !own.includes(waiter));
    return own;
  }

  /** Takes out all. */
  drain(): Waiter[] {
    return this.#waiters.splice(0);
  }
}
