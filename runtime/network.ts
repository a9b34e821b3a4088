/**
 * The network seam: how envelopes reach agents on other nodes.
 *
 * The runtime knows this interface alone; what opens sockets lives above it.
 */
import type { Envelope } from './envelope.ts';

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
}

/** The network of a system that stands alone: there is no other node. */
export function isolated(node: string): Network {
  return { node, send: () => false };
}
