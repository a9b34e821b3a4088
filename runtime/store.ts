/**
 * The store interface for snapshots, and the store that keeps them in memory.
 */
import { UnfitPayload } from './errors.ts';

/** What is kept of an agent: written before the sends of its step leave. */
export interface SavedSnapshot {
  /** The version of the logic that wrote it; see `persist.migrate`. */
  readonly version: number;
  /** The logic's persisted snapshot; refs in it are addresses. */
  readonly snapshot: unknown;
  /** The open timers, with the wall-clock time at which each is due. */
  readonly timers: readonly SavedTimer[];
}

/** An open timer, so that it keeps its due time across a restore. */
export interface SavedTimer {
  readonly id: string;
  /**
   * Whose it is: `'context'` for one that was set with `ctx.after`, `every` or `idle`; else the ids of
   * the XState children that lead to the actor, none for the agent's own.
   */
  readonly owner: readonly string[] | 'context';
  /** The same for its target; an address when it is another agent. */
  readonly target: readonly string[] | string;
  readonly event: unknown;
  readonly dueWallMs: number;
  /** Set for `every`. */
  readonly periodMs: number | undefined;
  /** Set for `idle`: the delay that any message starts anew. */
  readonly idleMs: number | undefined;
}

/** Where snapshots are kept. Each call may answer at once or with a promise. */
export interface SnapshotStore {
  /** The newest snapshot under the key, or undefined. */
  load(key: string): SavedSnapshot | undefined | Promise<SavedSnapshot | undefined>;
  /** Replaces the snapshot under the key. */
  save(key: string, saved: SavedSnapshot): void | Promise<void>;
  /** Forgets the key; nothing happens when there is none. */
  delete(key: string): void | Promise<void>;
}

/** A store in memory: for tests, and for agents that need to survive a restart but not the process. */
export class MemoryStore implements SnapshotStore {
  readonly #saved = new Map<string, SavedSnapshot>();

  load(key: string): SavedSnapshot | undefined {
    const saved = this.#saved.get(key);
    return saved === undefined ? undefined : structuredClone(saved);
  }

  save(key: string, saved: SavedSnapshot): void {
    try {
      this.#saved.set(key, structuredClone(saved));
    } catch (cause) {
      throw new UnfitPayload(
        {
          at: `snapshot "${key}"`,
          given: saved.snapshot,
          why: 'it holds something that cannot be stored',
        },
        { cause },
      );
    }
  }

  delete(key: string): void {
    this.#saved.delete(key);
  }

  /** The keys that have a snapshot. */
  keys(): string[] {
    return [...this.#saved.keys()];
  }
}
