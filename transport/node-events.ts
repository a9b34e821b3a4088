/** What a node tells of the others. */
import type { NameConflict } from './names.ts';

export interface NodeEvents {
  /** A node is there; nothing of it has arrived before. */
  readonly nodeup: { readonly node: string; readonly incarnation: string };
  /** A node is lost; nothing of this connection arrives after, and all that was open over it has ended. */
  readonly nodedown: {
    readonly node: string;
    readonly incarnation: string;
    readonly code: number;
    readonly reason: string;
  };
  /**
   * Nothing has come from a node for a while, over a connection that is open: it stands still, or the
   * way to it is cut. The end of its process is no silence: it is told at once, as `nodedown`.
   */
  readonly suspect: { readonly node: string; readonly silentMs: number };
  /** Something has come from it again. */
  readonly alive: { readonly node: string };
  /** A node stood still and goes on, this one or another: what seemed to be its end was none. */
  readonly stalled: { readonly node: string; readonly stalledMs: number };
  /** A seed could not be reached; it is tried again. */
  readonly unreachable: {
    readonly seed: string;
    readonly attempts: number;
    readonly error: unknown;
  };
  /** Another node has this one's name. */
  readonly conflict: { readonly node: string; readonly incarnation: string };
  /** A name of the cluster was held here and elsewhere, and now is not. */
  readonly nameConflict: NameConflict;
}

type Listener<TType extends keyof NodeEvents> = (event: NodeEvents[TType]) => void;

/** Who listens to which event. */
export class NodeListeners {
  readonly #guard: (callback: () => void) => void;
  readonly #byType = new Map<keyof NodeEvents, Set<(event: never) => void>>();

  constructor(guard: (callback: () => void) => void) {
    this.#guard = guard;
  }

  add<TType extends keyof NodeEvents>(type: TType, listener: Listener<TType>): () => void {
    let own = this.#byType.get(type);
    if (own === undefined) this.#byType.set(type, (own = new Set()));
    own.add(listener);
    return () => own.delete(listener);
  }

  tell<TType extends keyof NodeEvents>(type: TType, event: NodeEvents[TType]): void {
    for (const listener of this.#byType.get(type) ?? [])
      this.#guard(() => (listener as Listener<TType>)(event));
  }
}
