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
  /** Most steps send one message: only the second one needs an array. */
  #first: Envelope | undefined;
  #rest: Envelope[] | undefined;
  #emitted: EventObject[] | undefined;

  get empty(): boolean {
    return this.#first === undefined && this.#emitted === undefined;
  }

  /** What is to be sent, in order. */
  get sends(): readonly Envelope[] {
    return this.#first === undefined ? [] : [this.#first, ...(this.#rest ?? [])];
  }

  post(envelope: Envelope): void {
    if (this.#first === undefined) this.#first = envelope;
    else if (this.#rest === undefined) this.#rest = [envelope];
    else this.#rest.push(envelope);
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
    const { sends } = this;
    const taken = sends.filter(predicate);
    if (taken.length > 0) this.#keep(sends.filter((envelope) => !taken.includes(envelope)));
    return taken;
  }

  /** Takes out all that is to be sent, and forgets what is to be emitted. */
  discard(): readonly Envelope[] {
    const { sends } = this;
    this.#emitted = undefined;
    this.#keep([]);
    return sends;
  }

  /** Sends in order; false where a receiver makes the sender wait, and the rest stays. */
  flush(to: Delivery, resume: () => void): boolean {
    const first = this.#first;
    const rest = this.#rest;
    if (first === undefined) return true;
    this.#first = undefined;
    this.#rest = undefined;
    let blocked = to.deliver(first, resume) === 'blocked';
    if (rest === undefined) return !blocked;
    let sent = 0;
    while (!blocked && sent < rest.length) {
      blocked = to.deliver(rest[sent] as Envelope, resume) === 'blocked';
      sent += 1;
    }
    if (blocked) this.#keep(rest, sent);
    return !blocked;
  }

  #keep(sends: readonly Envelope[], from = 0): void {
    this.#first = sends[from];
    this.#rest = sends.length > from + 1 ? sends.slice(from + 1) : undefined;
  }
}
