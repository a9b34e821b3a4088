/**
 * Constraints of order, kept: an event waits until all that must come before it has happened. What
 * waits for something that never comes is let go when nothing else can happen, the oldest first.
 */
import type { Constraint } from './case.ts';
import type { SimEvent } from './event.ts';

/** Steps in which others go before a timer that is waited for. Then messages seem never to cease. */
const PATIENCE_STEPS = 100;

export class Hold {
  /** By the id of an event: what it still waits for. */
  readonly #before = new Map<string, Set<string>>();
  /** By the id of an event: what waits for it. */
  readonly #waiting = new Map<string, string[]>();
  #left = 0;
  /** Steps in a row in which an event that could happen has waited for a timer. */
  #waitedSteps = 0;

  constructor(constraints: readonly Constraint[]) {
    for (const { before, after } of constraints) {
      const earlier = this.#before.get(after) ?? new Set();
      if (!earlier.has(before)) this.#left += 1;
      earlier.add(before);
      this.#before.set(after, earlier);
      this.#waiting.set(before, [...(this.#waiting.get(before) ?? []), after]);
    }
  }

  /** Whether an event must wait. */
  holds(id: string): boolean {
    return (this.#before.get(id)?.size ?? 0) > 0;
  }

  /** Whether an event waits for a certain other. */
  isAfter(id: string, before: string): boolean {
    return this.#before.get(orderId(id))?.has(before) === true;
  }

  /**
   * The oldest event that need not wait; the oldest of all when every one must. Timers are the last in
   * the plainest order, so that one that is waited for would never come beside messages without end.
   */
  pick(enabled: readonly SimEvent[]): number {
    const isFree = ({ id }: SimEvent): boolean => !this.holds(orderId(id));
    this.#waitedSteps = enabled.some(({ id }) => this.#awaitsTimer(id)) ? this.#waitedSteps + 1 : 0;
    const timer =
      this.#waitedSteps > PATIENCE_STEPS
        ? enabled.findIndex((event) => event.kind === 'timer' && isFree(event))
        : -1;
    return timer === -1 ? Math.max(enabled.findIndex(isFree), 0) : timer;
  }

  #awaitsTimer(id: string): boolean {
    for (const before of this.#before.get(orderId(id)) ?? [])
      if (before.startsWith('timer ')) return true;
    return false;
  }

  happened(event: string): void {
    const id = orderId(event);
    // Whatever it still waited for can no longer come before it.
    this.#left -= this.#before.get(id)?.size ?? 0;
    this.#before.delete(id);
    for (const after of this.#waiting.get(id) ?? [])
      if (this.#before.get(after)?.delete(id) === true) this.#left -= 1;
    this.#waiting.delete(id);
  }

  /** Whether all constraints have been met, or cannot be met any more. */
  get isOver(): boolean {
    return this.#left === 0;
  }
}

/** A fault stands in the order where the event that it spoils does. */
export function orderId(id: string): string {
  const spoils = /^(?:crash|crash after|drop|duplicate) (?!waiting )/.exec(id);
  return spoils === null ? id : id.slice(spoils[0].length);
}
