/**
 * A journal: state as the fold of its events. What has happened is appended first and becomes state
 * then, so that a new life, on whatever node, comes to the very same state.
 *
 *     start:   snapshot -> fold the tail -> state
 *     change:  decide -> append(expected number) -> fold -> state -> answer
 */
import { InvalidOption, TroupeError, type AgentContext, type Wait } from '../runtime/index.ts';
import { checkFunction, checkMethods, checkOptions } from '../runtime/internal.ts';
import { SequenceConflict, type JournalEntry, type JournalStore } from './journal-store.ts';
import { ACTORS_LIMITS } from './limits.ts';

/** What a journal is made of. */
export interface JournalOptions<TState, TEvent> {
  readonly store: JournalStore;
  /** Names it in the store. Two journals of one key are two owners of one state; see `append`. */
  readonly key: string;
  /** The state before the first event. */
  readonly initial: TState;
  /** The state after an event. Pure: it is called again in every life. */
  readonly fold: (state: TState, event: TEvent, seq: number) => TState;
  /** The version of the events that are written, an integer >= 1; default 1. */
  readonly version?: number;
  /** Turns an event of an older version into one of this version; without it an older one is refused. */
  readonly migrate?: (event: unknown, fromVersion: number) => TEvent;
  /** Events from one snapshot to the next; default 100. */
  readonly snapshotEvery?: number;
}

const KEYS: Record<keyof JournalOptions<never, never>, true> = {
  store: true,
  key: true,
  initial: true,
  fold: true,
  version: true,
  migrate: true,
  snapshotEvery: true,
};

const STORE = ['append', 'read', 'loadSnapshot', 'saveSnapshot', 'redact'];

type Waits<T> = Generator<Wait<unknown>, T, unknown>;
type Waiting = Pick<AgentContext, 'wait'>;

/** An event that this code cannot read. */
export class UnreadableEvent extends TroupeError {
  readonly code = 'UNREADABLE_EVENT';

  constructor(fields: {
    readonly key: string;
    readonly seq: number;
    readonly version: number;
    readonly ownVersion: number;
  }) {
    const { key, seq, version, ownVersion } = fields;
    const remedy = version > ownVersion ? 'newer than this code' : 'older, and there is no migrate';
    super(`journal "${key}": event ${seq} has version ${version}: ${remedy}`, fields);
  }
}

/**
 * The journal of one agent. Make it in `initial`, open it in `start`.
 *
 * @example
 * ```ts
 * import { Journal, MemoryJournalStore } from 'troupe/actors';
 *
 * const store = new MemoryJournalStore();
 * const account = fromHandler({
 *   initial: () =>
 *     new Journal({ store, key: 'account', initial: 0, fold: (sum, paid: number) => sum + paid }),
 *   *start(journal, ctx) {
 *     yield* journal.open(ctx);
 *   },
 *   *receive(journal, event: { type: 'pay'; amount: number }, ctx) {
 *     yield* journal.append(ctx, [event.amount]);
 *     ctx.log.info({ sum: journal.state }, 'paid');
 *   },
 * });
 * ```
 */
export class Journal<TState, TEvent> {
  /** The fold of all events up to `seq`. */
  state: TState;
  /** The number of the last event; 0 when there is none. */
  seq = 0;
  #snapshotSeq = 0;
  readonly #options: JournalOptions<TState, TEvent>;

  /** Throws `InvalidOption`. */
  constructor(options: JournalOptions<TState, TEvent>) {
    checkOptions(options, Object.keys(KEYS), 'journal');
    checkMethods('journal.store', options.store, STORE);
    checkFunction('journal.fold', options.fold);
    checkFunction('journal.migrate', options.migrate, true);
    const { version = 1, snapshotEvery = ACTORS_LIMITS.snapshotEvery } = options;
    for (const [name, given] of Object.entries({ version, snapshotEvery })) {
      if (Number.isInteger(given) && given >= 1) continue;
      throw new InvalidOption({ field: `journal.${name}`, given, allowed: 'an integer >= 1' });
    }
    this.#options = options;
    this.state = options.initial;
  }

  /** Reads the newest snapshot and what came after it. Throws `UnreadableEvent`. */
  *open(ctx: Waiting): Waits<void> {
    const { store, key, version = 1 } = this.#options;
    const snapshot = yield* settled(ctx, store.loadSnapshot(key));
    // A snapshot is only a shortcut: one of other code is passed over, and all events are folded.
    if (snapshot?.version === version) {
      this.state = snapshot.state as TState;
      this.seq = this.#snapshotSeq = snapshot.seq;
    }
    yield* this.catchUp(ctx);
  }

  /**
   * Appends events, and folds them into the state. When another owner was faster it throws
   * `SequenceConflict` and nothing is appended; the state has caught up then: decide anew.
   */
  *append(ctx: Waiting, events: readonly TEvent[]): Waits<void> {
    const { store, key, version = 1, snapshotEvery = ACTORS_LIMITS.snapshotEvery } = this.#options;
    if (events.length === 0) return;
    const entries = events.map((event, at) => ({ seq: this.seq + 1 + at, version, event }));
    try {
      yield* settled(ctx, store.append(key, this.seq, entries));
    } catch (error) {
      if (error instanceof SequenceConflict) yield* this.catchUp(ctx);
      throw error;
    }
    for (const entry of entries) this.#take(entry.event, entry.seq);
    if (this.seq - this.#snapshotSeq < snapshotEvery) return;
    const { seq, state } = this;
    yield* settled(ctx, store.saveSnapshot(key, { seq, version, state }));
    this.#snapshotSeq = seq;
  }

  /** Folds what other owners have appended. Throws `UnreadableEvent`. */
  *catchUp(ctx: Waiting): Waits<void> {
    const { store, key } = this.#options;
    for (const entry of yield* settled(ctx, store.read(key, this.seq))) {
      this.#take(this.#eventOf(entry), entry.seq);
    }
  }

  /**
   * Takes content out of events for good, those of old too: `change` gives what is to stand in the
   * place of an event, or undefined where it stays. Gives how many changed.
   */
  *redact(ctx: Waiting, change: (event: TEvent, seq: number) => TEvent | undefined): Waits<number> {
    const { store, key, version = 1, initial } = this.#options;
    const redacted = (yield* settled(ctx, store.read(key, 0))).flatMap((entry) => {
      const event = change(this.#eventOf(entry), entry.seq);
      return event === undefined ? [] : [{ seq: entry.seq, version, event }];
    });
    if (redacted.length === 0) return 0;
    yield* settled(ctx, store.redact(key, redacted));
    this.state = initial;
    this.seq = this.#snapshotSeq = 0;
    yield* this.catchUp(ctx);
    return redacted.length;
  }

  #take(event: TEvent, seq: number): void {
    this.state = this.#options.fold(this.state, event, seq);
    this.seq = seq;
  }

  #eventOf({ event, version, seq }: JournalEntry): TEvent {
    const { key, version: ownVersion = 1, migrate } = this.#options;
    if (version === ownVersion) return event as TEvent;
    if (version > ownVersion || migrate === undefined) {
      throw new UnreadableEvent({ key, seq, version, ownVersion });
    }
    return migrate(event, version);
  }
}

/** Waits where there is something to wait for: a store may answer at once. */
function* settled<T>(ctx: Waiting, answer: T | PromiseLike<T>): Waits<T> {
  const isPromise = typeof answer === 'object' && answer !== null && 'then' in answer;
  return isPromise ? yield* ctx.wait(answer) : answer;
}
