/**
 * A throttle for a log line that a flood could repeat: the first few of each window are written, the
 * rest are counted.
 */
import { LIMITS } from './limits.ts';
import type { Log } from './log.ts';

export class LogThrottle {
  readonly #log: Log;
  #windowEndsMs = 0;
  #written = 0;
  #silent = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  warn(nowMs: number, fields: object, message: string): void {
    if (nowMs >= this.#windowEndsMs) {
      if (this.#silent > 0) {
        this.#log.warn({ count: this.#silent }, `more of "${message}", not logged one by one`);
      }
      this.#windowEndsMs = nowMs + LIMITS.logWindowMs;
      this.#written = 0;
      this.#silent = 0;
    }
    if (this.#written < LIMITS.logsPerWindow) {
      this.#written += 1;
      this.#log.warn(fields, message);
    } else this.#silent += 1;
  }
}
