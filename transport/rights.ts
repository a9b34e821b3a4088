/** What a peer may do here: an allow-list by its name. */

/** The agents of this node that a peer may reach: paths (`/desk`), all below one (`/desk/*`), names, or `*`. */
export interface PeerRights {
  /** To send to, ask and monitor; default all. */
  readonly send?: readonly string[];
  /** To link with, which can end an agent that traps no exits; default all, and none where `send` is given. */
  readonly link?: readonly string[];
  /** Names of the cluster that its agents may have, or `*`; default all, and none where `send` is given. */
  readonly claim?: readonly string[];
  /** To stop, kill and send exit signals to; default none. */
  readonly stop?: readonly string[];
  /** Whether it is told whom this node sees, its groups and its queues; default true, and false where `send` is given. */
  readonly look?: boolean;
}

/** By the name of a node; `*` stands for all others. A node that is not listed may not connect. */
export type Rights = Readonly<Record<string, PeerRights>>;

/** The rights of a node; undefined when it may not connect. */
export function rightsOf(rights: Rights | undefined, node: string): PeerRights | undefined {
  if (rights === undefined) return {};
  if (Object.hasOwn(rights, node)) return rights[node];
  return Object.hasOwn(rights, '*') ? rights['*'] : undefined;
}

/** Whether a peer is told what this node sees. */
export function maySee({ look, send }: PeerRights): boolean {
  return look ?? send === undefined;
}

/** Whether an agent, which lives at `path` under `names`, is among the allowed. */
export function allows(allowed: readonly string[], path: string, names: Iterable<string>): boolean {
  for (const entry of allowed) {
    if (entry === '*' || entry === path) return true;
    if (entry.endsWith('/*') && path.startsWith(entry.slice(0, -1))) return true;
    if (!entry.startsWith('/')) for (const name of names) if (name === entry) return true;
  }
  return false;
}
