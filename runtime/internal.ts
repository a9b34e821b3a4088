/**
 * What the floors above need and users do not.
 */
import { AgentRef, cellOf } from './agent-ref.ts';
import type { Ask } from './ask.ts';
import type { Cell } from './cell.ts';
import { InvalidOption } from './errors.ts';
import type { AnyRef } from './ref.ts';

export { AgentRef, cellOf } from './agent-ref.ts';
export { Ask, askOf } from './ask.ts';
export { Cell } from './cell.ts';
export type { Core } from './core.ts';
export type { Envelope } from './envelope.ts';
export type { AgentTimer } from './agent-timers.ts';
export { isAnswering } from './machine.ts';
export { handlerOf } from './handler.ts';
export { checkMailbox } from './mailbox.ts';
export { checkFunction, checkOptions } from './options.ts';
export { Roster, type Slot } from './roster.ts';
export { promisesSettled } from './scheduler.ts';
export { running } from './step.ts';
export { coreOf } from './system.ts';
export type { Timer } from './timers.ts';
export { checkId, checkLogic, checkPersist, checkShutdown } from './spawn-options.ts';

/** Crashes an agent as if its own code had thrown the error. */
export function crashAgent(ref: AnyRef, error: unknown): void {
  const cell = cellOf(ref);
  if (cell === undefined || cell.status === 'vacant' || cell.status === 'ended') {
    const allowed = 'a living agent of this node';
    throw new InvalidOption({ field: 'ref', given: ref.address, allowed });
  }
  cell.fail(error);
}

/** Whether an agent is in the midst of a handler that waits. */
export function isWaiting(ref: AnyRef): boolean {
  return cellOf(ref)?.life.behavior?.wait !== undefined;
}

/** The requests whose answers a handler waits for, all of them; undefined when it waits for something else, or not at all. */
export function awaitedAsks(cell: Cell): readonly Ask[] | undefined {
  return cell.life.behavior?.wait?.asks;
}

/** The id of an agent among its siblings: the last part of its path. */
export function idOf(ref: AnyRef): string {
  if (ref instanceof AgentRef) return ref.ownId;
  return ref.path.slice(ref.path.lastIndexOf('/') + 1);
}
