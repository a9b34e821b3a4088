/**
 * The network seam: how envelopes reach agents on other nodes.
 *
 * The runtime knows this interface alone; what opens sockets lives above it.
 */
import type { Cell } from './cell.ts';
import type { Envelope } from './envelope.ts';
import type { ExitReason } from './exit.ts';
import type { Life } from './life.ts';
import type { AnyRef, StopOptions } from './ref.ts';

/** Carries envelopes to other nodes. */
export interface Network {
  /** This node's name: the first part of every address. */
  readonly node: string;
  /** Takes an envelope for an agent on `node`; false when that node is not known or not reachable. */
  send(node: string, envelope: Envelope): boolean;
  /**
   * Takes an envelope to its destination within this node, which is what `envelope.to.accept` does;
   * absent: at once. A simulator watches, holds and drops envelopes here.
   */
  carry?(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined;
  /** Agents of other nodes; absent: none of them can be reached. */
  readonly remote?: Remote;
}

/** What a network with other nodes can do besides sending. */
export interface Remote {
  /** Throws `UnfitPayload` for a message that cannot leave this process. */
  check(message: object): void;
  /** Watches the life at a ref; returns what ends the watch, or undefined when the node cannot be reached. */
  monitor(ref: AnyRef, tell: RemoteEnd): (() => void) | undefined;
  /** Links a life with the life at a ref; false when the node cannot be reached. */
  link(life: Life, to: AnyRef): boolean;
  unlink(life: Life, from: AnyRef): void;
  /** Sends an exit signal; nothing happens when the node cannot be reached. */
  exit(from: Cell, to: AnyRef, reason: ExitReason): void;
  /** Stops or kills the agent at a ref. Rejects when the other node does not let this one. */
  stop(ref: AnyRef, how: StopOptions | 'kill'): Promise<ExitReason>;
  /** The system has stopped. */
  close(): Promise<void>;
}

/** Called once with the end of a life on another node. */
export type RemoteEnd = (incarnation: number, reason: ExitReason) => void;

/** The network of a system that stands alone: there is no other node. */
export function isolated(node: string): Network {
  return { node, send: () => false };
}
