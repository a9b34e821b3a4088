/**
 * A behavior runs the logic of one life: a function agent's handler, or an XState actor.
 *
 * Its cell calls it, one step at a time; what it throws is a crash.
 */
import type { EventObject, Snapshot } from 'xstate';
import type { Envelope } from './envelope.ts';
import type { ExitReason } from './exit.ts';
import type { AnyRef } from './ref.ts';
import type { SavedSnapshot } from './store.ts';
import type { Wait } from './wait.ts';

/** What became of a message. */
export type Received =
  /** Handled; the state is as it was. */
  | 'same'
  /** Handled; data changed, the state did not. */
  | 'updated'
  /** Handled, with a real change of state: what was postponed is tried again. */
  | 'changed'
  /** The logic took no transition on it. */
  | 'unhandled'
  /** The handler asked to see it again after a change of state. */
  | 'postponed'
  /** The handler did so, and changed the state itself. */
  | 'postponed and changed'
  /** The handler waits; `resume` goes on. */
  | 'waiting';

/** The logic of one life at work. */
export interface Behavior {
  /** Whether the logic takes messages at all. */
  readonly receives: boolean;
  /** Whether a request that is neither answered nor deferred when its turn ends is lost at once. */
  readonly answersInTurn: boolean;
  /** Whether the agent's children are stopped all at once instead of one by one. */
  readonly stopsInParallel: boolean;
  /** The order in which children are stopped, when it is not the reverse of that of their spawns. */
  stopOrder(): readonly AnyRef[] | undefined;
  /** Whether a stop cuts a waiting handler off even when the agent traps exits. */
  readonly interruptible: boolean;
  /** What the handler waits for, when the last step ended in `'waiting'`. */
  readonly wait: Wait<unknown> | undefined;
  /** Starts without a step when there is nothing to do in it; false when it must be a step. */
  startAtOnce?(): boolean;
  /**
   * For a machine: whether it can do nothing but wait for the one actor that it has invoked. There is no
   * message that it would handle now, no timer, and no other actor inside it.
   */
  onlyWaits?(): boolean;
  /** For a machine: whether an actor that it has invoked or spawned is at work. */
  worksInside?(): boolean;
  /** The first step of the life. */
  start(saved: SavedSnapshot | undefined): Received;
  /** Whether the current state postpones the message, asked before it is received. */
  postpones(envelope: Envelope): boolean;
  receive(envelope: Envelope): Received;
  /** Goes on where the handler waited. */
  resume(): Received;
  /** The life is ending, and not by a kill: a handler that waits is cut off, and its `finally` runs. */
  cutOff?(): void;
  /** The cleanup of its own; not called after a kill. */
  stop(reason: ExitReason): void | PromiseLike<void>;
  /** Lets go of everything, without running more of the user's handlers. */
  dispose(): void;
  snapshot(): Snapshot<unknown>;
  /** What goes into the store, without timers. */
  persist(): unknown;
}

/** What subscribers of a ref get. */
export interface SnapshotObserver {
  next?(snapshot: Snapshot<unknown>): void;
  error?(error: unknown): void;
  complete?(): void;
}

export type EmitListener = (emitted: EventObject) => void;
