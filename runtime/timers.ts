/**
 * The timers of a system: deadlines of asks, `after`, `every`, back-offs.
 *
 * All stand in one binary heap in which each timer knows its index, so that cancelling takes it
 * out in O(log n) and leaves nothing behind. The clock holds one timeout only, for the head:
 *
 *     heap     due 40 ──┬── due 55 ── due 90
 *              (head)   └── due 70
 *     clock    one timeout, at 40 or before
 *
 * Most timers are cancelled. So the clock's timeout stays where it is when the head goes and others
 * remain: it wakes for nothing once and is set anew. After the last timer it is cleared, for it would
 * keep the process alive.
 */
import type { Clock } from './clock.ts';
import { InvalidOption } from './errors.ts';

/** A scheduled call, as a handle for {@link Timers.cancel}. */
export interface Timer {
  /** When it is due, in the clock's monotonic milliseconds. */
  readonly dueMs: number;
}

/** The index of a timer that is in no heap: it has run or was cancelled. */
const GONE = -1;

class Entry implements Timer {
  readonly dueMs: number;
  /** Breaks ties: of two timers that are due together the one scheduled first runs first. */
  readonly sequence: number;
  /** Dropped when the timer is gone, because whoever holds the handle would hold all that it closes over. */
  run: ((about: never) => void) | undefined;
  about: unknown;
  index: number = GONE;

  constructor(dueMs: number, sequence: number, run: (about: never) => void, about: unknown) {
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.run = run;
    this.about = about;
  }
}

/** All timers of one system. */
export class Timers {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #nextSequence = 0;
  #timeout: unknown;
  /** When the clock's timeout wakes us; infinity when there is none. */
  #wakesAtMs = Infinity;
  /** The time of the wake-up that is running its timers, if one is. */
  #firingAtMs: number | undefined;
  readonly #wake = (): void => this.#fireDue();
  readonly #whenIdle: (idle: () => void) => void;
  #isResting = false;
  readonly #rested = (): void => {
    this.#isResting = false;
    if (this.#heap.length === 0) this.#disarm();
  };

  /** `whenIdle` calls back soon, once nobody is at work any more. */
  constructor(clock: Clock, whenIdle: (idle: () => void) => void = (idle) => idle()) {
    this.#clock = clock;
    this.#whenIdle = whenIdle;
  }

  /**
   * Calls `run` once, with what it is about, when the clock reaches `dueMs`; a time that has passed
   * means as soon as possible, and infinity never.
   */
  schedule(dueMs: number, run: () => void): Timer;
  schedule<T>(dueMs: number, run: (about: T) => void, about: T): Timer;
  schedule(dueMs: number, run: (about: never) => void, about?: unknown): Timer {
    if (Number.isNaN(dueMs)) {
      throw new InvalidOption({ field: 'timer.dueMs', given: dueMs, allowed: 'a number' });
    }
    // A timer that runs and schedules another for the past must not get ahead of those that are
    // due with it, else it could starve them for ever.
    const firingAtMs = this.#firingAtMs;
    const effectiveMs = firingAtMs !== undefined && dueMs < firingAtMs ? firingAtMs : dueMs;
    const entry = new Entry(effectiveMs, this.#nextSequence++, run, about);
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1, entry);
    if (effectiveMs < this.#wakesAtMs && firingAtMs === undefined) this.#arm(effectiveMs);
    return entry;
  }

  /** Takes the timer out; false when it has run or was cancelled before. */
  cancel(timer: Timer): boolean {
    const entry = timer as Entry;
    // A timer of another system has an index too, but does not stand at it here.
    if (entry.index === GONE || this.#heap[entry.index] !== entry) return false;
    this.#remove(entry);
    if (this.#heap.length === 0) this.#rest();
    return true;
  }

  /** How many timers wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** When the next timer is due, or undefined when none waits. */
  get nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /** All that are due at {@link nextDueMs}, in the order in which they were scheduled. */
  nextDue(): Timer[] {
    const { nextDueMs } = this;
    const due = this.#heap.filter(({ dueMs }) => dueMs === nextDueMs);
    return due.sort((a, b) => a.sequence - b.sequence);
  }

  /** All that wait, in no order. */
  all(): readonly Timer[] {
    return this.#heap;
  }

  /** Runs one timer now, whoever would come before it; false when it has run or was cancelled. */
  fire(timer: Timer): boolean {
    const { run, about } = timer as Entry;
    if (!this.cancel(timer)) return false;
    run?.(about as never);
    return true;
  }

  /** Cancels all. */
  clear(): void {
    for (const entry of this.#heap) {
      entry.index = GONE;
      entry.run = undefined;
      entry.about = undefined;
    }
    this.#heap.length = 0;
    this.#disarm();
  }

  /**
   * No timer waits. The clock's timeout is cleared when nobody is at work, for until then there may be
   * another timer soon: asks that follow one another would set and clear it for each, a seventh of their cost.
   */
  #rest(): void {
    if (this.#isResting || this.#wakesAtMs === Infinity) return;
    this.#isResting = true;
    this.#whenIdle(this.#rested);
  }

  #arm(dueMs: number): void {
    this.#disarm();
    this.#wakesAtMs = dueMs;
    this.#timeout = this.#clock.setTimeout(this.#wake, dueMs - this.#clock.now());
  }

  #disarm(): void {
    if (this.#wakesAtMs === Infinity) return;
    this.#wakesAtMs = Infinity;
    this.#clock.clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  /** Runs all that is due, in order, then arms the clock for the rest. */
  #fireDue(): void {
    this.#wakesAtMs = Infinity;
    this.#timeout = undefined;
    const nowMs = this.#clock.now();
    // What a timer schedules for now waits for the next wake-up: `run` may do so without end.
    const firstNew = this.#nextSequence;
    const errors: unknown[] = [];
    this.#firingAtMs = nowMs;
    for (;;) {
      const head = this.#heap[0];
      if (head === undefined || head.dueMs > nowMs || head.sequence >= firstNew) break;
      const { run, about } = head;
      this.#remove(head);
      try {
        run?.(about as never);
      } catch (error) {
        errors.push(error);
      }
    }
    this.#firingAtMs = undefined;
    const nextMs = this.#heap[0]?.dueMs;
    if (nextMs !== undefined && nextMs < Infinity) this.#arm(nextMs);
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} timers failed`);
  }

  #remove(entry: Entry): void {
    const heap = this.#heap;
    const { index } = entry;
    entry.index = GONE;
    entry.run = undefined;
    entry.about = undefined;
    const last = heap.pop() as Entry;
    if (last === entry) return;
    // The last one fills the gap; it may belong above it, when the gap is in another branch.
    if (index > 0 && before(last, heap[(index - 1) >>> 1] as Entry)) this.#siftUp(index, last);
    else this.#siftDown(index, last);
  }

  /** Moves the gap at `index` up to where `entry` belongs, and puts it there. */
  #siftUp(index: number, entry: Entry): void {
    const heap = this.#heap;
    let gap = index;
    while (gap > 0) {
      const parentIndex = (gap - 1) >>> 1;
      const parent = heap[parentIndex] as Entry;
      if (!before(entry, parent)) break;
      heap[gap] = parent;
      parent.index = gap;
      gap = parentIndex;
    }
    heap[gap] = entry;
    entry.index = gap;
  }

  /** Moves the gap at `index` down to where `entry` belongs, and puts it there. */
  #siftDown(index: number, entry: Entry): void {
    const heap = this.#heap;
    const { length } = heap;
    let gap = index;
    for (;;) {
      let childIndex = 2 * gap + 1;
      if (childIndex >= length) break;
      let child = heap[childIndex] as Entry;
      if (childIndex + 1 < length) {
        const sibling = heap[childIndex + 1] as Entry;
        if (before(sibling, child)) {
          child = sibling;
          childIndex += 1;
        }
      }
      if (!before(child, entry)) break;
      heap[gap] = child;
      child.index = gap;
      gap = childIndex;
    }
    heap[gap] = entry;
    entry.index = gap;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}
