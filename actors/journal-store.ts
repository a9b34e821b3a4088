/**
 * Where journals are kept: the store interface, and the store that keeps them in memory.
 *
 * A journal is a list of events under a key, numbered from 1 without a gap. It only grows: an event
 * may give up its content, and never its number.
 */
import { TroupeError, UnfitPayload } from '../runtime/index.ts';

/** One event of a journal. */
export interface JournalEntry {
  /** Its number: the first is 1. */
  readonly seq: number;
  /** The version of the code that wrote it; see `JournalOptions.migrate`. */
  readonly version: number;
  readonly event: unknown;
}

/** The state that the events up to `seq` make. */
export interface JournalSnapshot {
  readonly seq: number;
  readonly version: number;
  readonly state: unknown;
}

type Later<T> = T | PromiseLike<T>;

/** Where journals are kept. Each call may answer at once or with a promise. */
export interface JournalStore {
  /**
   * Adds entries in one atomic step; the first has the number `expectedSeq + 1`. Fails with
   * `SequenceConflict`, and has added nothing, when the journal's last number is another.
   */
  append(key: string, expectedSeq: number, entries: readonly JournalEntry[]): Later<void>;
  /** The entries with a number above `afterSeq`, in order; none for a key that is not there. */
  read(key: string, afterSeq: number): Later<readonly JournalEntry[]>;
  /** The newest snapshot, or undefined. */
  loadSnapshot(key: string): Later<JournalSnapshot | undefined>;
  saveSnapshot(key: string, snapshot: JournalSnapshot): Later<void>;
  /** Puts these entries in the place of those with the same numbers, and forgets the snapshot, in one atomic step. */
  redact(key: string, entries: readonly JournalEntry[]): Later<void>;
}

/** Somebody else has appended to the journal meanwhile. */
export class SequenceConflict extends TroupeError {
  readonly code = 'SEQUENCE_CONFLICT';
  readonly expectedSeq: number;
  readonly actualSeq: number;

  constructor(fields: {
    readonly key: string;
    readonly expectedSeq: number;
    readonly actualSeq: number;
  }) {
    const { key, expectedSeq, actualSeq } = fields;
    super(`journal "${key}": expected to end at ${expectedSeq}, and ends at ${actualSeq}`, fields);
    this.expectedSeq = expectedSeq;
    this.actualSeq = actualSeq;
  }
}

/** A store in memory: for tests, and for state that outlives its agent and not the process. */
export class MemoryJournalStore implements JournalStore {
  readonly #entries = new Map<string, JournalEntry[]>();
  readonly #snapshots = new Map<string, JournalSnapshot>();

  append(key: string, expectedSeq: number, entries: readonly JournalEntry[]): void {
    const journal = this.#entries.get(key) ?? [];
    if (journal.length !== expectedSeq) {
      throw new SequenceConflict({ key, expectedSeq, actualSeq: journal.length });
    }
    this.#entries.set(key, [...journal, ...copyOf(key, entries)]);
  }

  read(key: string, afterSeq: number): readonly JournalEntry[] {
    return copyOf(key, (this.#entries.get(key) ?? []).slice(afterSeq));
  }

  loadSnapshot(key: string): JournalSnapshot | undefined {
    return copyOf(key, this.#snapshots.get(key));
  }

  saveSnapshot(key: string, snapshot: JournalSnapshot): void {
    this.#snapshots.set(key, copyOf(key, snapshot));
  }

  redact(key: string, entries: readonly JournalEntry[]): void {
    const redacted = new Map(copyOf(key, entries).map((entry) => [entry.seq, entry]));
    const journal = this.#entries.get(key) ?? [];
    this.#entries.set(
      key,
      journal.map((entry) => redacted.get(entry.seq) ?? entry),
    );
    this.#snapshots.delete(key);
  }

  /** The keys that have a journal. */
  keys(): string[] {
    return [...this.#entries.keys()];
  }
}

function copyOf<T>(key: string, value: T): T {
  try {
    return structuredClone(value);
  } catch (cause) {
    const why = 'it holds something that cannot be stored';
    throw new UnfitPayload({ at: `journal "${key}"`, given: value, why }, { cause });
  }
}
