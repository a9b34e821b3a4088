/**
 * What the floors above need and users do not.
 */
import { AgentRef, cellOf } from './agent-ref.ts';
import { InvalidOption } from './errors.ts';
import type { AnyRef } from './ref.ts';

export { AgentRef, cellOf } from './agent-ref.ts';
export { Ask, askOf } from './ask.ts';
export { Cell } from './cell.ts';
export type { Core } from './core.ts';
export { Envelope, Lineage, Task } from './envelope.ts';
export { Failure, type Asker } from './ask.ts';
export { NOCONNECTION, NOPROC, checkReason } from './exit.ts';
export { Life } from './life.ts';
export { LogThrottle } from './log-throttle.ts';
export type { Remote, RemoteEnd } from './network.ts';
export { show } from './errors.ts';
export type { AgentTimer } from './agent-timers.ts';
export { isAnswering } from './machine.ts';
export { handlerOf } from './handler.ts';
export { hashOf } from './hash.ts';
export { nameOf } from './names.ts';
export { checkMailbox } from './mailbox.ts';
export { checkFunction, checkMethods, checkOptions } from './options.ts';
export { Roster, type Slot } from './roster.ts';
export { resourceCircle, type ResourceEdge } from './resources.ts';
export { promisesSettled } from './scheduler.ts';
export { running } from './step.ts';
export { coreOf } from './system.ts';
export type { Timer } from './timers.ts';
export { keeperOf, neededAsks, waitsOf, type WaitEdge } from './wait-for.ts';
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

/** The id of an agent among its siblings: the last part of its path. */
export function idOf(ref: AnyRef): string {
  if (ref instanceof AgentRef) return ref.ownId;
  return ref.path.slice(ref.path.lastIndexOf('/') + 1);
}
