/**
 * The clock of a simulation: it shows the time and calls nobody back. Timers are fired one by one,
 * by whoever explores, since two that are due together may come in either order.
 */
import type { Clock } from '../runtime/index.ts';
import { running } from '../runtime/internal.ts';
import { isSupervisor } from '../supervision/child-spec.ts';

export class ShownClock implements Clock {
  #nowMs = 0;
  /** An agent has looked at it: its state alone does not say what it will do. */
  wasRead = false;
  /** And it was not a supervisor, whose state says how long ago its restarts were. */
  wasReadByOthers = false;

  now(): number {
    return this.#nowMs;
  }

  read(): number {
    this.wasRead = true;
    const { cell } = running;
    if (cell === undefined || !isSupervisor(cell.options.logic)) this.wasReadByOthers = true;
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  setTimeout(): undefined {
    return undefined;
  }

  clearTimeout(): void {}

  /** Time goes on; it never goes back. */
  advanceTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}
