/**
 * The clock seam: what time it is, and calling back later.
 *
 * Deadlines and timers count in monotonic milliseconds; the wall clock is for people and logs. A
 * test or a simulation replaces the clock of the machine by a virtual one, where time moves only
 * when it is told to:
 *
 * @example
 * ```ts
 * const clock = createVirtualClock();
 * clock.setTimeout(() => console.log('five seconds later'), 5_000);
 * clock.fireNext(Infinity); // now() is 5_000
 * ```
 */

/** Time and timers: the only source of both for a system. */
export interface Clock {
  /** Monotonic milliseconds: only differences mean something. */
  now(): number;
  /** As `now`, but read by an agent itself with `ctx.now()`; absent: `now`. A simulation notes it. */
  read?(): number;
  /** Wall-clock milliseconds since the epoch; it may jump. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now and never earlier; the handle is for `clearTimeout`. */
  setTimeout(run: () => void, delayMs: number): unknown;
  /** Takes back a timeout; one that has run or was cleared before is ignored. */
  clearTimeout(handle: unknown): void;
}

/** Node takes a longer delay for 1 ms, so a longer timeout sleeps in several stretches. */
const SLEEP_MAX_MS = 2 ** 31 - 1;

/** Makes the clock of this machine. */
export function createClock(): Clock {
  return new RealClock();
}

/** A timeout as the caller holds it; without an alarm it has run or was cleared. */
class RealTimeout {
  readonly run: () => void;
  readonly dueMs: number;
  alarm: Alarm | undefined;

  constructor(run: () => void, dueMs: number) {
    this.run = run;
    this.dueMs = dueMs;
  }
}

/** A timeout of Node's, with the timeout of ours that it serves at the moment. */
class Alarm {
  node: NodeJS.Timeout | undefined;
  wakesAtMs = 0;
  serves: RealTimeout | undefined;
}

/**
 * A cleared timeout leaves its alarm behind, armed but unable to keep the process alive, and the
 * next timeout that is due no sooner takes it over: it wakes early at most once and sleeps on. A
 * program that asks one question after the other sets and clears a deadline with each, and Node's
 * own set and clear would cost more than the rest of the ask.
 */
class RealClock implements Clock {
  #spare: Alarm | undefined;

  now(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const nowMs = performance.now();
    // NaN and what lies in the past are due at once.
    const timeout = new RealTimeout(run, delayMs > 0 ? nowMs + delayMs : nowMs);
    let alarm = this.#spare;
    // Less than a millisecond late is what rounding up costs too.
    if (alarm !== undefined && alarm.wakesAtMs < timeout.dueMs + 1) {
      this.#spare = undefined;
      alarm.node?.ref();
    } else {
      alarm = new Alarm();
      this.#arm(alarm, timeout.dueMs, nowMs);
    }
    alarm.serves = timeout;
    timeout.alarm = alarm;
    return timeout;
  }

  clearTimeout(handle: unknown): void {
    if (!(handle instanceof RealTimeout) || handle.alarm === undefined) return;
    const { alarm } = handle;
    handle.alarm = undefined;
    alarm.serves = undefined;
    const spare = this.#spare;
    // Of two the one that wakes sooner is kept: it can serve more.
    if (spare !== undefined && spare.wakesAtMs <= alarm.wakesAtMs) {
      clearTimeout(alarm.node);
      return;
    }
    clearTimeout(spare?.node);
    alarm.node?.unref();
    this.#spare = alarm;
  }

  #arm(alarm: Alarm, dueMs: number, nowMs: number): void {
    // Rounded up, because Node drops the fraction and would wake before the time.
    const sleepMs = Math.min(Math.ceil(dueMs - nowMs), SLEEP_MAX_MS);
    alarm.wakesAtMs = nowMs + sleepMs;
    alarm.node = setTimeout(() => this.#wake(alarm), sleepMs);
  }

  #wake(alarm: Alarm): void {
    const timeout = alarm.serves;
    if (timeout === undefined) {
      if (this.#spare === alarm) this.#spare = undefined;
      return;
    }
    const nowMs = performance.now();
    if (nowMs < timeout.dueMs) {
      this.#arm(alarm, timeout.dueMs, nowMs);
      return;
    }
    timeout.alarm = undefined;
    timeout.run();
  }
}

/** A clock whose time moves only by {@link VirtualClock.fireNext}. */
export interface VirtualClock extends Clock {
  /** When the next timeout is due, or undefined when none will ever be. */
  readonly nextDueMs: number | undefined;
  /**
   * Moves time to the next timeout that is due not later than `limitMs` and runs it; those of one
   * time run in the order in which they were set. When there is none, moves time to `limitMs` and
   * returns false. Time never moves back, and never to infinity.
   */
  fireNext(limitMs: number): boolean;
}

/** Where a virtual clock starts; both default to 0. */
export interface VirtualClockOptions {
  readonly startMs?: number;
  readonly wallStartMs?: number;
}

/** Makes a clock that stands still until it is told to move. */
export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new StandingClock(options.startMs ?? 0, options.wallStartMs ?? 0);
}

interface VirtualTimeout {
  readonly run: () => void;
  readonly dueMs: number;
}

class StandingClock implements VirtualClock {
  readonly #wallOffsetMs: number;
  /** By due time, and by insertion where that is equal. */
  readonly #timeouts: VirtualTimeout[] = [];
  #nowMs: number;

  constructor(startMs: number, wallStartMs: number) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallStartMs - startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  get nextDueMs(): number | undefined {
    const dueMs = this.#timeouts[0]?.dueMs;
    return dueMs === Infinity ? undefined : dueMs;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const dueMs = delayMs > 0 ? this.#nowMs + delayMs : this.#nowMs;
    const timeout: VirtualTimeout = { run, dueMs };
    this.#timeouts.splice(this.#indexAfter(dueMs), 0, timeout);
    return timeout;
  }

  clearTimeout(handle: unknown): void {
    const index = this.#timeouts.indexOf(handle as VirtualTimeout);
    if (index !== -1) this.#timeouts.splice(index, 1);
  }

  fireNext(limitMs: number): boolean {
    const dueMs = this.nextDueMs;
    if (dueMs === undefined || !(dueMs <= limitMs)) {
      if (Number.isFinite(limitMs)) this.#nowMs = Math.max(this.#nowMs, limitMs);
      return false;
    }
    const timeout = this.#timeouts.shift() as VirtualTimeout;
    this.#nowMs = dueMs;
    timeout.run();
    return true;
  }

  /** The index behind all timeouts that are due at `dueMs` or before. */
  #indexAfter(dueMs: number): number {
    let low = 0;
    let high = this.#timeouts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timeouts[middle] as VirtualTimeout).dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
