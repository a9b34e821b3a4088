/**
 * The outbox of a step: what it sends and emits leaves when the step has ended, or not at all.
 */
import type { EventObject } from 'xstate';
import type { Envelope } from './envelope.ts';

/** Takes one envelope on its way; `'blocked'` when its receiver makes the sender wait. */
export interface Delivery {
  deliver(envelope: Envelope, resume: () => void): 'blocked' | undefined;
}

export class Outbox {
  #sends: Envelope[] = [];
  #emitted: EventObject[] | undefined;

  get empty(): boolean {
    return this.#sends.length === 0 && this.#emitted === undefined;
  }

  /** What is to be sent, in order. */
  get sends(): readonly Envelope[] {
    return this.#sends;
  }

  post(envelope: Envelope): void {
    this.#sends.push(envelope);
  }

  emit(event: EventObject): void {
    (this.#emitted ??= []).push(event);
  }

  /** Takes out what is to be emitted. */
  takeEmitted(): readonly EventObject[] | undefined {
    const emitted = this.#emitted;
    this.#emitted = undefined;
    return emitted;
  }

  /** Takes out the envelopes that the predicate picks. */
  take(predicate: (envelope: Envelope) => boolean): Envelope[] {
    const taken = this.#sends.filter(predicate);
    if (taken.length > 0) this.#sends = this.#sends.filter((envelope) => !taken.includes(envelope));
    return taken;
  }

  /** Takes out all that is to be sent, and forgets what is to be emitted. */
  discard(): Envelope[] {
    this.#emitted = undefined;
    return this.#sends.splice(0);
  }

  /** Sends in order; false where a receiver makes the sender wait, and the rest stays. */
  flush(to: Delivery, resume: () => void): boolean {
    const sends = this.#sends;
    // Most steps send one message: `pop` is much cheaper than emptying an array by its length.
    const count = sends.length;
    const only = count === 1 ? sends.pop() : undefined;
    for (let i = 0; i < count; i += 1) {
      if (to.deliver(only ?? (sends[i] as Envelope), resume) === 'blocked') {
        this.#sends = sends.slice(i + 1);
        return false;
      }
    }
    if (count > 1) sends.length = 0;
    return true;
  }
}
