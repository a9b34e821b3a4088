/**
 * The clock of a simulation: it shows the time and calls nobody back. Timers are fired one by one,
 * by whoever explores, since two that are due together may come in either order.
 */
import type { Clock } from '../runtime/index.ts';

export class ShownClock implements Clock {
  #nowMs = 0;

  now(): number {
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
