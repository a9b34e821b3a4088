/**
 * The board: what is known of each piece of work, as the fold of what happened to it. Pure.
 *
 *     accepted -> leased -> ended
 *      |   ^        |
 *      |   +-lapsed-+
 *      +-> dropped
 *
 * A lease carries a fencing token, which no other lease ever has: what comes under the token of a
 * lease that has lapsed is told apart from what comes under the present one.
 */
import type { Failure } from './failure.ts';
import { ACTORS_LIMITS } from './limits.ts';
import type { Outcome } from './task.ts';

/** What can happen to work: plain data, as a journal keeps it. */
export type WorkEvent =
  | { readonly type: 'accepted'; readonly id: string; readonly digest: string }
  | { readonly type: 'leased'; readonly id: string; readonly lease: Lease }
  /** The work is free again. Without a failure nobody knows how it went, and it does not count. */
  | {
      readonly type: 'lapsed';
      readonly id: string;
      readonly token: number;
      readonly failure?: Failure;
    }
  /** Nobody has it, and nobody wants it any more: it is forgotten. */
  | { readonly type: 'dropped'; readonly id: string }
  | {
      readonly type: 'ended';
      readonly id: string;
      readonly token: number;
      readonly outcome: Outcome;
    };

/** Somebody's right to do a piece of work, and to say how it ended. */
export interface Lease {
  readonly token: number;
  /** The address of who has it. */
  readonly holder: string;
  /**
   * Milliseconds that it lasts. A journal knows no clock: who reads of an open lease gives it all of
   * them again, so that it never ends too early.
   */
  readonly termMs: number;
  /** Who does the work, where that is not the holder. */
  readonly worker?: string;
  readonly strategy?: string;
  /** Its step on a ladder, where there is one. */
  readonly step?: number;
}

/** A lease that is over, and how that went. */
export interface Attempt extends Lease {
  readonly failure?: Failure;
}

/** One piece of work. */
export interface WorkItem {
  readonly id: string;
  /** Of its task: the same id with another one is other work. */
  readonly digest: string;
  readonly attempts: readonly Attempt[];
  readonly lease?: Lease;
  /** How it ended; then nothing happens to it any more. */
  readonly outcome?: Outcome;
}

export interface Board {
  readonly items: ReadonlyMap<string, WorkItem>;
  /** The token of the newest lease. */
  readonly token: number;
  /** Of how many items the outcome is kept. */
  readonly ended: number;
}

export const EMPTY_BOARD: Board = { items: new Map(), token: 0, ended: 0 };

/** Whether the token is that of the present lease. */
export function holds({ items }: Board, id: string, token: number): boolean {
  return items.get(id)?.lease?.token === token;
}

/** The board after an event. What is said under a token of the past changes nothing. */
export function boardAfter(board: Board, event: WorkEvent): Board {
  const { id } = event;
  const items = new Map(board.items);
  if (event.type === 'accepted') {
    items.set(id, { id, digest: event.digest, attempts: [] });
    return { ...board, items };
  }
  if (event.type === 'dropped') {
    items.delete(id);
    return { ...board, items };
  }
  const item = items.get(id);
  if (item === undefined) return board;
  if (event.type === 'leased') {
    items.set(id, { ...item, lease: event.lease });
    return { ...board, items, token: event.lease.token };
  }
  const { lease, ...free } = item;
  if (lease?.token !== event.token) return board;
  if (event.type === 'lapsed') {
    const { failure } = event;
    const attempt = failure === undefined ? lease : { ...lease, failure };
    items.set(id, { ...free, attempts: [...item.attempts, attempt] });
    return { ...board, items };
  }
  items.set(id, { ...free, outcome: event.outcome });
  if (board.ended < ACTORS_LIMITS.outcomesKept) return { ...board, items, ended: board.ended + 1 };
  for (const [oldest, { outcome }] of items)
    if (outcome !== undefined) {
      items.delete(oldest);
      break;
    }
  return { ...board, items };
}
