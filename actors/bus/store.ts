/**
 * What a bus keeps beyond its life: its subscriptions, what they have not acknowledged, their dead
 * letters, and the dedupe keys of the newest events. Rows under keys, written in atomic batches.
 */
import type { BusEvent } from './event.ts';
import type { DeadEvent, SubscriptionSpec } from './subscription.ts';

/** One row of a store. */
export type BusRow =
  | { readonly kind: 'subscription'; readonly id: string; readonly spec: SubscriptionSpec }
  | {
      readonly kind: 'due';
      readonly subscription: string;
      readonly sequence: number;
      readonly event: BusEvent;
    }
  | {
      readonly kind: 'dead';
      readonly subscription: string;
      readonly sequence: number;
      readonly letter: DeadEvent;
    }
  | {
      readonly kind: 'seen';
      readonly id: string;
      readonly sequence: number;
      readonly digest: string;
      /** How many took it. */
      readonly subscriptions: number;
    };

/** The key of a row: a dead letter has that of the event when it was due. */
export function keyOf(
  row:
    | { readonly kind: 'subscription' | 'seen'; readonly id: string }
    | {
        readonly kind: 'due' | 'dead';
        readonly subscription: string;
        readonly sequence: number;
      },
): string {
  return 'id' in row ? `${row.kind}/${row.id}` : `due/${row.subscription}/${row.sequence}`;
}

/** Where a bus keeps its rows; one bus at a time. Each call may answer at once or with a promise. */
export interface BusStore {
  /** All rows, in any order. */
  load(): readonly BusRow[] | Promise<readonly BusRow[]>;
  /** Sets and deletes rows, all of them or none. A failure crashes the bus, which loads again. */
  write(
    rows: readonly (readonly [key: string, row: BusRow])[],
    deleted: readonly string[],
  ): void | Promise<void>;
}

/** A store in memory: what it keeps outlives the bus, and not the process. */
export class MemoryBusStore implements BusStore {
  readonly #rows = new Map<string, BusRow>();

  load(): readonly BusRow[] {
    return [...this.#rows.values()];
  }

  write(rows: readonly (readonly [key: string, row: BusRow])[], deleted: readonly string[]): void {
    for (const [key, row] of rows) this.#rows.set(key, row);
    for (const key of deleted) this.#rows.delete(key);
  }
}
