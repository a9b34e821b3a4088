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
  // Each is made for its first member: who only awaits a start needs neither a set nor a map.
  #observers: Set<SnapshotObserver> | undefined;
  #listeners: Map<string, Set<EmitListener>> | undefined;
  #onStart: ((failure: unknown) => void)[] | undefined;
  #onEnd: ((reason: ExitReason) => void)[] | undefined;

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Whether anybody wants snapshots. */
  get observed(): boolean {
    return this.#observers !== undefined && this.#observers.size > 0;
  }

  observe(observer: SnapshotObserver): () => void {
    const observers = (this.#observers ??= new Set());
    observers.add(observer);
    return () => observers.delete(observer);
  }

  listen(type: string, listener: EmitListener): () => void {
    const listeners = (this.#listeners ??= new Map<string, Set<EmitListener>>());
    let own = listeners.get(type);
    if (own === undefined) listeners.set(type, (own = new Set()));
    own.add(listener);
    return () => own.delete(listener);
  }

  /** Calls back at the next end of a start, with its failure if it failed. */
  whenStarted(started: (failure: unknown) => void): void {
    (this.#onStart ??= []).push(started);
  }

  /** Calls back when the place has ended, or a life in it normally. */
  whenEnded(ended: (reason: ExitReason) => void): void {
    (this.#onEnd ??= []).push(ended);
  }

  tellSnapshot(snapshot: Snapshot<unknown>): void {
    for (const observer of this.#observers ?? []) this.#guard(() => observer.next?.(snapshot));
  }

  tellEmitted(event: EventObject): void {
    if (this.#listeners === undefined) return;
    for (const type of [event.type, '*']) {
      for (const listener of this.#listeners.get(type) ?? []) this.#guard(() => listener(event));
    }
  }

  tellStarted(): void {
    for (const started of this.#takeOnStart()) started(undefined);
  }

  /** The start has failed; the error is made only when somebody waits for it. */
  tellStartFailed(failure: () => unknown): void {
    if (this.#onStart === undefined) return;
    const error = failure();
    for (const started of this.#takeOnStart()) started(error);
  }

  tellEnded(reason: ExitReason): void {
    const onEnd = this.#onEnd ?? [];
    this.#onEnd = undefined;
    for (const ended of onEnd) ended(reason);
  }

  /** The place has ended: nothing more will come. */
  close(reason: ExitReason): void {
    const observers = [...(this.#observers ?? [])];
    this.#observers?.clear();
    this.#listeners?.clear();
    for (const observer of observers) this.#guard(() => closeObserver(observer, reason));
  }

  #takeOnStart(): readonly ((failure: unknown) => void)[] {
    const onStart = this.#onStart ?? [];
    this.#onStart = undefined;
    return onStart;
  }
}

/** Tells a subscriber that a place has ended: with the error of a crash, or that it is complete. */
export function closeObserver(observer: SnapshotObserver, reason: ExitReason | undefined): void {
  if (reason?.type === 'crash') observer.error?.(reason.error);
  else observer.complete?.();
}
