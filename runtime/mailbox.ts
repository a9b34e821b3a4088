/**
 * The mailbox: the messages that wait for one agent.
 *
 *     offer ──► policy ──► tail │ e │ d │ · │ c │ b │ head ──► shift ──► the agent
 *                                         ▲          ▲                      │
 *                       taken out by a policy        │ unpostpone (all)     │ postpone
 *                                                    └────── │ y │ x │ ◄────┘
 *
 * The queue is a ring that doubles. It is bounded: at the bound the policy decides what happens to
 * one more message. An exempt entry (the agent's own events, `Down`, a trapped `Exit`) keeps its
 * place in the order, but does not count, is never displaced and never postponed.
 *
 * What is postponed waits aside and has a bound of its own. It comes back ahead of the queue, so
 * that the order in which messages arrived is the order in which they are tried.
 *
 * No operation allocates, beyond the doubling, below the bound. What a policy takes out of the
 * middle leaves a hole, and the holes are squeezed out when the ring would have to grow, so that
 * every policy costs O(1) amortised even while a flood lasts.
 */
import { InvalidOption } from './errors.ts';
import { LIMITS } from './limits.ts';
import { checkOptions } from './options.ts';

/** What a mailbox needs to know of its entries. */
export interface Queued {
  /** When it was put into the queue, in the clock's monotonic milliseconds. */
  enqueuedAtMs: number;
  /** An agent's own event, a `Down` or a trapped `Exit`: not bounded, never displaced or postponed. */
  readonly exempt: boolean;
  readonly message: unknown;
}

/**
 * What happens to one more message at the bound.
 *
 * - `'fail'`: it is refused; an ask fails with `MailboxFull`, a send becomes a dead letter.
 * - `'drop-newest'`: it is dropped.
 * - `'drop-oldest'`: it is queued, and the message that has waited longest is dropped.
 * - `'wait'`: its sender waits until there is room.
 * - `conflate`: the newest queued message with the same key is dropped and the new one put at the
 *   tail, so that the order per sender holds; with no such message it is refused. The function must
 *   be pure; it is called only when the bound is reached and until the queue is empty again.
 */
export type Overflow<Message = unknown> =
  | 'fail'
  | 'drop-newest'
  | 'drop-oldest'
  | 'wait'
  | { readonly conflate: (message: Message) => string };

/** How a mailbox is bounded. */
export interface MailboxOptions<Message = unknown> {
  /** Messages that wait; exempt and postponed ones do not count. @defaultValue 4096 */
  readonly capacityMessages?: number;
  /** What happens to one more. @defaultValue 'fail' */
  readonly overflow?: Overflow<Message>;
  /** Messages that are postponed; one more is refused. @defaultValue 4096 */
  readonly capacityPostponed?: number;
  /** Whether what waits survives a restart of the agent. @defaultValue 'keep' */
  readonly onRestart?: 'keep' | 'clear';
}

/**
 * What became of an offered entry: `'accepted'`; `'full'`, when nothing has changed and the caller
 * refuses it or lets its sender wait; or which entry was dropped: itself under `drop-newest`, an
 * older one, in exchange for it, under `drop-oldest` and `conflate`.
 */
export type Offered<T> = 'accepted' | 'full' | { readonly displaced: T };

const KEYS = ['capacityMessages', 'overflow', 'capacityPostponed', 'onRestart'];

const NAMED_POLICIES: readonly string[] = ['fail', 'drop-newest', 'drop-oldest', 'wait'];

/** The ring's first length: most agents of a large system have little in their mailbox. */
const FIRST_SLOTS = 4;

/** An empty mailbox keeps a ring of this length and gives a larger one back. */
const RETAINED_SLOTS = 1024;

/** Which queued entry a message with some key would displace; exists only after a flood has begun. */
interface Conflation {
  /** Parallel to the ring. Kept, because a sender may change its message after sending. */
  keys: (string | undefined)[];
  /**
   * One slot per key is enough. The newest entry with a key goes either by displacement, and then
   * its successor is the newest, or by reaching the head, and then there is no other.
   */
  readonly newestSlots: Map<string, number>;
}

interface Settings {
  readonly capacityMessages: number;
  readonly capacityPostponed: number;
  readonly policy: 'fail' | 'drop-newest' | 'drop-oldest' | 'wait' | 'conflate';
  readonly conflate: (message: unknown) => string;
  readonly onRestart: 'keep' | 'clear';
}

/** What every mailbox without options shares. */
const DEFAULTS: Settings = validate({});

/** The ring of a mailbox that has none; nothing is ever written to it. */
const NO_SLOTS: never[] = [];

/** The messages that wait for one agent. */
export class Mailbox<T extends Queued> {
  readonly #settings: Settings;
  readonly #capacityMessages: number;

  // The queue: `span` slots from `head` on, holes included. The slot at `head` is never a hole.
  #slots: (T | undefined)[] = NO_SLOTS;
  #mask = -1;
  #head = 0;
  #span = 0;
  #holes = 0;
  /** How many entries in the queue are not exempt. */
  #bounded = 0;
  /** So many slots from `head` on are known to hold nothing that is bounded. */
  #exemptPrefix = 0;
  #conflation: Conflation | undefined;
  #postponed: T[] | undefined;

  constructor(options?: MailboxOptions<T['message']>) {
    this.#settings = options === undefined ? DEFAULTS : validate(options);
    this.#capacityMessages = this.#settings.capacityMessages;
  }

  /** Messages that may wait at most. */
  get capacityMessages(): number {
    return this.#capacityMessages;
  }

  /** Messages that may be postponed at most. */
  get capacityPostponed(): number {
    return this.#settings.capacityPostponed;
  }

  /** The name of the policy: after `'full'`, `'wait'` tells the caller to suspend the sender. */
  get policy(): 'fail' | 'drop-newest' | 'drop-oldest' | 'wait' | 'conflate' {
    return this.#settings.policy;
  }

  /** Whether what waits survives a restart; who restarts the agent asks this and acts. */
  get onRestart(): 'keep' | 'clear' {
    return this.#settings.onRestart;
  }

  /** Queues the entry, or lets the policy decide when the mailbox is full. */
  offer(entry: T): Offered<T> {
    if (entry.exempt || this.#bounded < this.#capacityMessages) {
      this.force(entry);
      return 'accepted';
    }
    return this.#overflow(entry);
  }

  /** Queues an exempt entry, or one that must get in whatever the bound says. */
  force(entry: T): void {
    if (this.#span > this.#mask) this.#makeRoom(1);
    const slot = (this.#head + this.#span) & this.#mask;
    this.#slots[slot] = entry;
    this.#span += 1;
    if (!entry.exempt) {
      this.#bounded += 1;
      if (this.#conflation !== undefined) this.#index(this.#conflation, slot, entry, true);
    }
  }

  /** Takes out the entry at the head. */
  shift(): T | undefined {
    if (this.#span === 0) return undefined;
    const head = this.#head;
    const entry = this.#slots[head] as T;
    this.#slots[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.#span -= 1;
    if (!entry.exempt) this.#bounded -= 1;
    else if (this.#exemptPrefix > 0) this.#exemptPrefix -= 1;
    if (this.#conflation !== undefined) this.#unindex(this.#conflation, head);
    if (this.#holes !== 0) this.#skipHoles();
    if (this.#span === 0 && (this.#mask >= RETAINED_SLOTS || this.#conflation !== undefined)) {
      this.#release();
    }
    return entry;
  }

  /** The entry at the head. */
  peek(): T | undefined {
    return this.#span === 0 ? undefined : this.#slots[this.#head];
  }

  /** Moves a queued entry to the head, past those that came before it; false when it is not queued. */
  advance(entry: T): boolean {
    let offset = 0;
    while (offset < this.#span && this.#slots[(this.#head + offset) & this.#mask] !== entry)
      offset += 1;
    if (offset === this.#span) return false;
    for (; offset > 0; offset -= 1) {
      const slot = (this.#head + offset) & this.#mask;
      const before = (slot - 1) & this.#mask;
      this.#slots[slot] = this.#slots[before];
      this.#slots[before] = entry;
    }
    // What is known of places in the ring is about other entries now.
    this.#exemptPrefix = 0;
    if (this.#conflation !== undefined) this.#conflation = this.#indexAll();
    return true;
  }

  /** Puts an entry aside that was taken out; false when as many are there as may be. */
  postpone(entry: T): boolean {
    if (entry.exempt) throw new TypeError('an exempt entry cannot be postponed');
    const postponed = (this.#postponed ??= []);
    if (postponed.length >= this.#settings.capacityPostponed) return false;
    postponed.push(entry);
    return true;
  }

  /**
   * Puts all postponed entries, in order, ahead of the queue and returns how many. They count as
   * queued again, which may carry the mailbox over its bound; nothing is dropped for that.
   */
  unpostpone(): number {
    const postponed = this.#postponed;
    if (postponed === undefined || postponed.length === 0) return 0;
    const count = postponed.length;
    if (this.#span + count > this.#mask + 1) this.#makeRoom(count);
    // Backwards, so that each takes the slot before the one that follows it.
    for (let index = count - 1; index >= 0; index -= 1) {
      const entry = postponed[index] as T;
      const slot = (this.#head - 1) & this.#mask;
      this.#head = slot;
      this.#slots[slot] = entry;
      if (this.#conflation !== undefined) this.#index(this.#conflation, slot, entry, false);
    }
    this.#span += count;
    this.#bounded += count;
    this.#exemptPrefix = 0;
    this.#postponed = undefined;
    return count;
  }

  /** Messages in the queue that count against the bound. */
  get depth(): number {
    return this.#bounded;
  }

  /** All entries in the queue, exempt ones included and postponed ones not. */
  get size(): number {
    return this.#span - this.#holes;
  }

  /** Messages that are postponed. */
  get postponed(): number {
    return this.#postponed?.length ?? 0;
  }

  /** Whether one more message is for the policy to decide. */
  get full(): boolean {
    return this.#bounded >= this.#capacityMessages;
  }

  /** When the message that has waited longest was queued, postponed ones included and exempt ones not. */
  oldestMs(): number | undefined {
    return this.oldest()?.enqueuedAtMs;
  }

  /** The message that has waited longest. */
  oldest(): T | undefined {
    const postponed = this.#postponed?.[0];
    if (postponed !== undefined) return postponed;
    return this.#bounded === 0 ? undefined : this.#slots[this.#oldestSlot()];
  }

  /** Takes out all that the predicate names, exempt and postponed entries too, and returns it in order. */
  removeWhere(predicate: (entry: T) => boolean): T[] {
    if (this.size === 0 && this.#postponed === undefined) return [];
    // Nothing is changed before the predicate has seen all, for it may throw.
    const removed = new Set<T>();
    for (const entry of this) {
      if (predicate(entry)) removed.add(entry);
    }
    if (removed.size === 0) return [];
    this.#postponed = this.#postponed?.filter((entry) => !removed.has(entry));
    for (let offset = 0; offset < this.#span; offset += 1) {
      const slot = (this.#head + offset) & this.#mask;
      const entry = this.#slots[slot];
      if (entry === undefined || !removed.has(entry)) continue;
      this.#slots[slot] = undefined;
      this.#holes += 1;
      if (!entry.exempt) this.#bounded -= 1;
    }
    if (this.size === 0) this.#release();
    else this.#rebuild(this.size);
    return [...removed];
  }

  /** Empties the mailbox and returns what was in it, postponed entries first. */
  drain(): T[] {
    if (this.size === 0 && this.#postponed === undefined) return [];
    const entries = [...this];
    this.#postponed = undefined;
    this.#release();
    return entries;
  }

  /** All entries in the order of {@link drain}; the mailbox must not change meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    if (this.#postponed !== undefined) yield* this.#postponed;
    for (let offset = 0; offset < this.#span; offset += 1) {
      const entry = this.#slots[(this.#head + offset) & this.#mask];
      if (entry !== undefined) yield entry;
    }
  }

  #overflow(entry: T): Offered<T> {
    const { policy, conflate } = this.#settings;
    switch (policy) {
      case 'fail':
      case 'wait':
        return 'full';
      case 'drop-newest':
        return { displaced: entry };
      case 'drop-oldest':
        return this.#exchange(this.#oldestSlot(), entry);
      case 'conflate': {
        const { newestSlots } = (this.#conflation ??= this.#indexAll());
        const slot = newestSlots.get(conflate(entry.message));
        return slot === undefined ? 'full' : this.#exchange(slot, entry);
      }
    }
  }

  /** Takes out the bounded entry at the slot and appends the new one. */
  #exchange(slot: number, entry: T): Offered<T> {
    const displaced = this.#slots[slot] as T;
    this.#slots[slot] = undefined;
    this.#holes += 1;
    this.#bounded -= 1;
    if (this.#conflation !== undefined) this.#unindex(this.#conflation, slot);
    this.#skipHoles();
    this.force(entry);
    return { displaced };
  }

  /** The slot of the first entry that is not exempt; there must be one. */
  #oldestSlot(): number {
    for (;;) {
      const slot = (this.#head + this.#exemptPrefix) & this.#mask;
      const entry = this.#slots[slot];
      if (entry !== undefined && !entry.exempt) return slot;
      this.#exemptPrefix += 1;
    }
  }

  /** Moves the head on to the next entry, and forgets holes when there is none. */
  #skipHoles(): void {
    while (this.#span > 0 && this.#slots[this.#head] === undefined) {
      this.#head = (this.#head + 1) & this.#mask;
      this.#span -= 1;
      this.#holes -= 1;
      if (this.#exemptPrefix > 0) this.#exemptPrefix -= 1;
    }
  }

  /**
   * Makes room when the ring has too few slots left. Holes are squeezed out only when they are half
   * of it: sooner, a few holes could cause a move of all entries each time.
   */
  #makeRoom(count: number): void {
    const squeezed = this.#holes * 2 >= this.#span;
    this.#rebuild((squeezed ? this.size : this.#span) + count);
  }

  /** Moves all entries to a ring of at least so many slots, without holes. */
  #rebuild(slotsMin: number): void {
    let length = Math.max(FIRST_SLOTS, this.#mask + 1);
    while (length < slotsMin) length *= 2;
    // A literal is much quicker, and the first ring is the only one that most agents ever have.
    const slots: (T | undefined)[] =
      length === FIRST_SLOTS
        ? [undefined, undefined, undefined, undefined]
        : Array<T | undefined>(length).fill(undefined);
    const conflation = this.#conflation;
    const keys = conflation && Array<string | undefined>(length).fill(undefined);
    conflation?.newestSlots.clear();
    let next = 0;
    for (let offset = 0; offset < this.#span; offset += 1) {
      const slot = (this.#head + offset) & this.#mask;
      const entry = this.#slots[slot];
      if (entry === undefined) continue;
      slots[next] = entry;
      const key = conflation?.keys[slot];
      if (keys !== undefined && key !== undefined) {
        keys[next] = key;
        conflation?.newestSlots.set(key, next);
      }
      next += 1;
    }
    if (conflation !== undefined && keys !== undefined) conflation.keys = keys;
    this.#slots = slots;
    this.#mask = length - 1;
    this.#head = 0;
    this.#span = next;
    this.#holes = 0;
    this.#exemptPrefix = 0;
  }

  /** Gives the ring back. */
  #release(): void {
    this.#slots = NO_SLOTS;
    this.#mask = -1;
    this.#head = 0;
    this.#span = 0;
    this.#holes = 0;
    this.#bounded = 0;
    this.#exemptPrefix = 0;
    this.#conflation = undefined;
  }

  /** Built at the first overflow, because below the bound nobody asks for it. */
  #indexAll(): Conflation {
    const keys = Array<string | undefined>(this.#mask + 1).fill(undefined);
    const conflation: Conflation = { keys, newestSlots: new Map() };
    for (let offset = 0; offset < this.#span; offset += 1) {
      const slot = (this.#head + offset) & this.#mask;
      const entry = this.#slots[slot];
      if (entry !== undefined && !entry.exempt) this.#index(conflation, slot, entry, true);
    }
    return conflation;
  }

  #index(conflation: Conflation, slot: number, entry: T, isNewest: boolean): void {
    let key: string;
    try {
      key = this.#settings.conflate(entry.message);
    } catch {
      // It throws for the sender that offers this message at the bound. Here somebody else's call
      // is under way, and a message without a key is only never displaced.
      return;
    }
    conflation.keys[slot] = key;
    if (isNewest || !conflation.newestSlots.has(key)) conflation.newestSlots.set(key, slot);
  }

  #unindex(conflation: Conflation, slot: number): void {
    const key = conflation.keys[slot];
    if (key === undefined) return;
    conflation.keys[slot] = undefined;
    if (conflation.newestSlots.get(key) === slot) conflation.newestSlots.delete(key);
  }
}

/** Throws `InvalidOption` when a value is no options of a mailbox. */
export function checkMailbox(options: MailboxOptions<never>, field = 'mailbox'): void {
  validate(options, field);
}

function validate(options: MailboxOptions<never>, field = 'mailbox'): Settings {
  checkOptions(options, KEYS, field);
  const { overflow = 'fail', onRestart = 'keep' } = options;
  const capacityMessages = options.capacityMessages ?? LIMITS.capacityMessages;
  const capacityPostponed = options.capacityPostponed ?? LIMITS.capacityPostponed;
  if (!Number.isInteger(capacityMessages) || capacityMessages < 1) {
    throw new InvalidOption({
      field: `${field}.capacityMessages`,
      given: capacityMessages,
      allowed: 'an integer >= 1',
    });
  }
  if (!Number.isInteger(capacityPostponed) || capacityPostponed < 0) {
    throw new InvalidOption({
      field: `${field}.capacityPostponed`,
      given: capacityPostponed,
      allowed: 'an integer >= 0',
    });
  }
  if (onRestart !== 'keep' && onRestart !== 'clear') {
    throw new InvalidOption({
      field: `${field}.onRestart`,
      given: onRestart,
      allowed: "'keep' or 'clear'",
    });
  }
  const isConflate = typeof overflow === 'object' && typeof overflow?.conflate === 'function';
  if (!isConflate && !NAMED_POLICIES.includes(overflow as string)) {
    throw new InvalidOption({
      field: `${field}.overflow`,
      given: overflow,
      allowed: `${NAMED_POLICIES.map((name) => `'${name}'`).join(', ')} or { conflate: (message) => key }`,
    });
  }
  return {
    capacityMessages,
    capacityPostponed,
    policy: typeof overflow === 'object' ? 'conflate' : overflow,
    // The mailbox calls it with messages of its own entries only, which is what its type asked for.
    conflate:
      typeof overflow === 'object'
        ? (overflow.conflate as (message: unknown) => string)
        : neverKeyed,
    onRestart,
  };
}

function neverKeyed(): string {
  throw new TypeError('only the policy conflate has keys');
}
