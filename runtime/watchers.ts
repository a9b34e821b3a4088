/**
 * Those who watch a place from outside: subscribers of its snapshots, listeners of what it emits,
 * and whoever awaits its start or its end. They watch the place and not one life, so they outlast
 * restarts. What they throw is their own affair.
 */
import type { EventObject, Snapshot } from 'xstate';
import type { EmitListener, SnapshotObserver } from './behavior.ts';
import type { ExitReason } from './exit.ts';

/** Runs a callback of somebody else's so that what it throws goes no further. */
export type Guard = (callback: () => void) => void;

export class Watchers {
  readonly #guard: Guard;
  readonly #observers = new Set<SnapshotObserver>();
  readonly #listeners = new Map<string, Set<EmitListener>>();
  #onStart: ((failure: unknown) => void)[] = [];
  #onEnd: ((reason: ExitReason) => void)[] = [];

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Whether anybody wants snapshots. */
  get observed(): boolean {
    return this.#observers.size > 0;
  }

  observe(observer: SnapshotObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  listen(type: string, listener: EmitListener): () => void {
    let own = this.#listeners.get(type);
    if (own === undefined) this.#listeners.set(type, (own = new Set()));
    own.add(listener);
    return () => own.delete(listener);
  }

  /** Calls back at the next end of a start, with its failure if it failed. */
  whenStarted(started: (failure: unknown) => void): void {
    this.#onStart.push(started);
  }

  /** Calls back when the place has ended, or a life in it normally. */
  whenEnded(ended: (reason: ExitReason) => void): void {
    this.#onEnd.push(ended);
  }

  tellSnapshot(snapshot: Snapshot<unknown>): void {
    for (const observer of this.#observers) this.#guard(() => observer.next?.(snapshot));
  }

  tellEmitted(event: EventObject): void {
    for (const type of [event.type, '*']) {
      for (const listener of this.#listeners.get(type) ?? []) this.#guard(() => listener(event));
    }
  }

  tellStarted(): void {
    for (const started of this.#onStart.splice(0)) started(undefined);
  }

  /** The start has failed; the error is made only when somebody waits for it. */
  tellStartFailed(failure: () => unknown): void {
    if (this.#onStart.length === 0) return;
    const error = failure();
    for (const started of this.#onStart.splice(0)) started(error);
  }

  tellEnded(reason: ExitReason): void {
    for (const ended of this.#onEnd.splice(0)) ended(reason);
  }

  /** The place has ended: nothing more will come. */
  close(reason: ExitReason): void {
    const observers = [...this.#observers];
    this.#observers.clear();
    this.#listeners.clear();
    for (const observer of observers) this.#guard(() => closeObserver(observer, reason));
  }
}

/** Tells a subscriber that a place has ended: with the error of a crash, or that it is complete. */
export function closeObserver(observer: SnapshotObserver, reason: ExitReason | undefined): void {
  if (reason?.type === 'crash') observer.error?.(reason.error);
  else observer.complete?.();
}
