/**
 * Dead letters: messages that reached nobody, kept in a bounded ring so that they can be watched,
 * searched and sent again.
 */
import type { Envelope } from './envelope.ts';

/** Why a message became a dead letter. */
export type DeadLetterReason =
  | 'no such actor'
  | 'actor ended'
  | 'mailbox full'
  | 'displaced'
  /** Its sender and the agents before whose mailbox it waited were in a circle that no answer could end. */
  | 'deadlock'
  | 'poison'
  | 'no such node'
  | 'refused';

/** One message that reached nobody. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly to: string;
  readonly from: string | undefined;
  readonly message: unknown;
  /** The clock's monotonic milliseconds when it died. */
  readonly atMs: number;
  /** What its handler threw, for a poison message. */
  readonly error: unknown;
}

/** The ring of the newest dead letters. */
export class DeadLetters {
  readonly #capacity: number;
  readonly #resend: (envelope: Envelope) => void;
  readonly #guard: (callback: () => void) => void;
  readonly #watchers = new Set<(letter: DeadLetter) => void>();
  #ring: { letter: DeadLetter; envelope: Envelope }[] = [];
  #start = 0;
  #total = 0;

  constructor(
    capacity: number,
    resend: (envelope: Envelope) => void,
    guard: (callback: () => void) => void,
  ) {
    this.#capacity = capacity;
    this.#resend = resend;
    this.#guard = guard;
  }

  /** How many there were since the system started, kept or not. */
  get total(): number {
    return this.#total;
  }

  /** @internal */
  add(envelope: Envelope, reason: DeadLetterReason, atMs: number, error: unknown): DeadLetter {
    const { to, from, message } = envelope;
    const letter: DeadLetter = { reason, to: to.address, from, message, atMs, error };
    const entry = { letter, envelope };
    if (this.#ring.length < this.#capacity) this.#ring.push(entry);
    else {
      this.#ring[this.#start] = entry;
      this.#start = (this.#start + 1) % this.#capacity;
    }
    this.#total += 1;
    for (const watcher of this.#watchers) this.#guard(() => watcher(letter));
    return letter;
  }

  /** The kept letters, oldest first, or those of them that the predicate picks. */
  list(predicate: (letter: DeadLetter) => boolean = () => true): DeadLetter[] {
    return this.#ordered()
      .map((entry) => entry.letter)
      .filter(predicate);
  }

  /** Calls `watcher` for each letter from now on; returns what ends it. */
  watch(watcher: (letter: DeadLetter) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Sends the chosen letters again, oldest first, as plain messages, and forgets them; returns how many. */
  resend(predicate: (letter: DeadLetter) => boolean): number {
    const chosen: Envelope[] = [];
    this.#ring = this.#ordered().filter(({ letter, envelope }) => {
      const isChosen = predicate(letter);
      if (isChosen) chosen.push(envelope);
      return !isChosen;
    });
    this.#start = 0;
    for (const envelope of chosen) this.#resend(envelope);
    return chosen.length;
  }

  #ordered(): { letter: DeadLetter; envelope: Envelope }[] {
    return [...this.#ring.slice(this.#start), ...this.#ring.slice(0, this.#start)];
  }
}
