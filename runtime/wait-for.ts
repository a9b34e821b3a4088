/**
 * The wait-for graph: which agent can do nothing until which other one answers.
 *
 * An agent is deaf while its handler waits for answers, or when its machine postpones all that it
 * would handle while it waits for one. Only then is a request of its own an edge to the place where
 * that request lies; so a circle is a deadlock, and not only a loop.
 */
import type { Ask } from './ask.ts';
import type { Cell } from './cell.ts';

/** An agent that waits for another one, and the request for which it does. */
export interface WaitEdge {
  readonly from: Cell;
  readonly to: Cell;
  readonly ask: Ask;
}

/** The requests without whose answers an agent cannot go on: all of them are needed. */
export function neededAsks({ life, isHeld }: Cell): readonly Ask[] {
  const { behavior } = life;
  // What it has sent may still be on its way out, answers among it.
  if (behavior === undefined || isHeld) return [];
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

/** Whether a request is taken or put off, or lies with somebody whose handler waits. */
function isKept(ask: Ask, { life, mailbox }: Cell): boolean {
  if (ask.holder !== undefined || life.behavior?.wait !== undefined) return true;
  let left = mailbox.postponed;
  for (const envelope of mailbox) {
    if (left === 0) return false;
    if (envelope.ask === ask) return true;
    left -= 1;
  }
  return false;
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
  if (ask !== undefined) {
    const { at } = ask;
    if (at === undefined || !mayBeDeaf(at)) return undefined;
  } else if (wait?.asks === undefined) return undefined;
  return wayTo(start, start, new Set());
}

function wayTo(goal: Cell, from: Cell, seen: Set<Cell>): WaitEdge[] | undefined {
  seen.add(from);
  for (const ask of neededAsks(from)) {
    const to = keeperOf(ask);
    if (to === undefined) continue;
    const edge = { from, to, ask };
    if (to === goal) return [edge];
    const way = seen.has(to) || !mayBeDeaf(to) ? undefined : wayTo(goal, to, seen);
    if (way !== undefined) return [edge, ...way];
  }
  return undefined;
}

function mayBeDeaf({ life }: Cell): boolean {
  const { behavior } = life;
  if (behavior === undefined) return false;
  return behavior.wait !== undefined || life.invokes;
}
