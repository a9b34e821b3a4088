/**
 * Restart intensity: may there be one more restart? A sliding window over the supervisor, not over
 * each child. `intensity` restarts within `periodMs` are allowed; one more, and it gives up.
 *
 * OTP counts in whole seconds; this counts in milliseconds, which is never stricter.
 */
import { InvalidOption } from '../runtime/index.ts';

/** More restarts than these left are as good as any number, for whoever compares states. */
const MANY = 100;

/** A sliding window of restarts, kept as a ring of `intensity` times: the cost does not grow with the period. */
export class RestartWindow {
  readonly #intensity: number;
  readonly #periodMs: number;
  readonly #times: number[] = [];
  #oldest = 0;

  constructor(intensity: number, periodMs: number) {
    this.#intensity = intensity;
    this.#periodMs = periodMs;
  }

  /** Counts a restart at `nowMs`; false when that is one too many. */
  add(nowMs: number): boolean {
    if (this.#intensity === 0) return false;
    if (this.#times.length < this.#intensity) {
      this.#times.push(nowMs);
      return true;
    }
    // The ring holds the newest `intensity` restarts: one more is too many when the oldest is still inside.
    const oldest = this.#times[this.#oldest] as number;
    this.#times[this.#oldest] = nowMs;
    this.#oldest = (this.#oldest + 1) % this.#intensity;
    return nowMs - oldest > this.#periodMs;
  }

  /** How many of the counted restarts lie within the period before `nowMs`. */
  count(nowMs: number): number {
    return this.#times.filter((time) => nowMs - time <= this.#periodMs).length;
  }

  /**
   * What decides of restarts to come, for whoever compares states: how long before the newest those
   * came that still count. With many left none of them decides anything.
   */
  toJSON(): unknown {
    const newest = Math.max(...this.#times);
    if (this.#intensity - this.count(newest) > MANY) return 'many left';
    const ages = this.#times.map((time) => newest - time);
    return ages.filter((age) => age <= this.#periodMs).sort((a, b) => a - b);
  }
}

/** Throws `InvalidOption` unless the two make a window. */
export function checkIntensity(intensity: unknown, periodMs: unknown): void {
  if (!Number.isInteger(intensity) || (intensity as number) < 0) {
    throw new InvalidOption({ field: 'intensity', given: intensity, allowed: 'an integer >= 0' });
  }
  if (typeof periodMs !== 'number' || !(periodMs > 0) || !Number.isFinite(periodMs)) {
    throw new InvalidOption({
      field: 'periodMs',
      given: periodMs,
      allowed: 'finite milliseconds > 0',
    });
  }
}
