/**
 * How agents, requests and the lanes of messages are called.
 */
import type { Cell, Envelope } from '../runtime/internal.ts';
import type { Systems } from './systems.ts';

/** An agent as people name it: its path without the first slash; `env` is code outside agents. */
export function nameOf(address: string | undefined): string {
  return address === undefined ? 'env' : address.slice(address.indexOf('/') + 1) || 'env';
}

/** A request as people name it. */
export function obligationName(by: string | undefined, to: string, request: string): string {
  return `${nameOf(by)}⇒${nameOf(to)}:${request}`;
}

/** Messages of one lane keep their order: those of one sender, an agent's timers, its own events. */
export function laneOf({ from, timer, inner }: Envelope): string {
  return timer !== undefined ? 'timer' : inner !== undefined ? 'inner' : (from ?? 'env');
}

/** The agent at an address; undefined when there is none, or not any more. */
export function cellAt(core: Systems, address: string | undefined): Cell | undefined {
  return address === undefined ? undefined : core.cells.get(address.slice(address.indexOf('/')));
}
