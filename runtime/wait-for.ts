/**
 * The wait-for graph: which agent can do nothing until which other one answers, or makes room.
 *
 * An agent is deaf while its handler waits for answers, or when its machine postpones all that it
 * would handle while it waits for one. Only then is a request of its own an edge to the place where
 * that request lies; so a circle is a deadlock, and not only a loop. It is deaf as well while what it
 * has sent waits for room in a mailbox, which is an edge when that mailbox's agent takes no messages.
 */
import type { Ask } from './ask.ts';
import type { Cell } from './cell.ts';
import type { Envelope } from './envelope.ts';

/** An agent that waits for another one, and what would end the wait. */
export type WaitEdge = { readonly from: Cell; readonly to: Cell } & (
  | {
      /** Its request, which is to be answered. */
      readonly ask: Ask;
      readonly envelope: undefined;
    }
  | {
      /** The request that its message carries, if it carries one. */
      readonly ask: Ask | undefined;
      /** The message for which there is no room. */
      readonly envelope: Envelope;
    }
);

/** The wait at which a circle is broken; over several nodes the other end of it is not here. */
export type BrokenWait =
  | { readonly ask: Ask; readonly envelope: undefined }
  | { readonly ask: Ask | undefined; readonly envelope: Envelope; readonly to: Cell };

/** What an agent cannot go on without, all of it. */
export function waitsOf(from: Cell): readonly WaitEdge[] {
  // What it has sent may still be on its way out, answers among it.
  if (from.isHeld) return roomFor(from);
  const edges: WaitEdge[] = [];
  for (const ask of neededAsks(from)) {
    const to = keeperOf(ask);
    if (to !== undefined) edges.push({ from, to, ask, envelope: undefined });
  }
  return edges;
}

/** The mailbox whose agent must take a message before this one can go on. */
function roomFor(from: Cell): readonly WaitEdge[] {
  const to = from.isBlocked ? from.blockedAt : undefined;
  const envelope = to?.awaitedBy(from.address);
  // A machine that postpones takes its messages, and so makes room.
  if (to === undefined || envelope === undefined || !isDeaf(to)) return [];
  return [{ from, to, ask: envelope.ask, envelope }];
}

/** The requests without whose answers an agent cannot go on: all of them are needed. */
export function neededAsks({ life }: Cell): readonly Ask[] {
  const { behavior } = life;
  if (behavior === undefined) return [];
  const { wait } = behavior;
  if (wait !== undefined) return wait.settled ? [] : (wait.asks ?? []);
  if (behavior.onlyWaits === undefined) return [];
  const { onlyAsk } = life;
  return onlyAsk !== undefined && behavior.onlyWaits() ? [onlyAsk] : [];
}

/** The agent at which a request lies that cannot handle it as long as it is deaf. */
export function keeperOf(ask: Ask): Cell | undefined {
  const { at } = ask;
  return at !== undefined && ask.state === 'open' && isKept(ask, at) ? at : undefined;
}

/** Whether a request is taken or put off, or lies with somebody who takes none. */
function isKept(ask: Ask, at: Cell): boolean {
  if (ask.holder !== undefined || isDeaf(at)) return true;
  let left = at.mailbox.postponed;
  for (const envelope of at.mailbox) {
    if (left === 0) return false;
    if (envelope.ask === ask) return true;
    left -= 1;
  }
  return false;
}

/** Whether an agent takes no message at all, by its own doing. */
function isDeaf({ life, isBlocked }: Cell): boolean {
  return life.behavior?.wait !== undefined || isBlocked;
}

/**
 * The circle of agents through this one, if it is in one: each waits for the next. Mostly an agent
 * waits for one that waits for nobody, and that is found without any memory.
 */
export function circleThrough(start: Cell): WaitEdge[] | undefined {
  const { behavior } = start.life;
  if (behavior === undefined) return undefined;
  const { wait } = behavior;
  const ask = wait === undefined ? start.life.onlyAsk : wait.ask;
  if (start.isHeld) {
    if (!start.isBlocked) return undefined;
  } else if (ask !== undefined) {
    const { at } = ask;
    if (at === undefined || !mayBeDeaf(at)) return undefined;
  } else if (wait?.asks === undefined) return undefined;
  return wayTo(start, start, new Set());
}

function wayTo(goal: Cell, from: Cell, seen: Set<Cell>): WaitEdge[] | undefined {
  seen.add(from);
  for (const edge of waitsOf(from)) {
    const { to } = edge;
    if (to === goal) return [edge];
    const way = seen.has(to) || !mayBeDeaf(to) ? undefined : wayTo(goal, to, seen);
    if (way !== undefined) return [edge, ...way];
  }
  return undefined;
}

function mayBeDeaf(cell: Cell): boolean {
  const { behavior, invokes } = cell.life;
  if (behavior === undefined) return false;
  return behavior.wait !== undefined || invokes || cell.isBlocked;
}

/** Where a circle is broken: at its youngest request, or else at its youngest message. */
export function youngestOf(circle: readonly WaitEdge[]): WaitEdge {
  return circle.reduce((youngest, edge) => {
    if (edge.ask !== undefined && youngest.ask !== undefined)
      return edge.ask.id > youngest.ask.id ? edge : youngest;
    if (edge.ask !== undefined || youngest.ask !== undefined)
      return edge.ask === undefined ? youngest : edge;
    return (edge.envelope as Envelope).id > (youngest.envelope as Envelope).id ? edge : youngest;
  });
}
