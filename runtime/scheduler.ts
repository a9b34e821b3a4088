/**
 * The scheduler seam: who runs next.
 *
 * A runnable with work stands once in the queue. Its turn is bounded, and when work is left it goes
 * to the tail, so everybody gets a turn before anybody gets a second one:
 *
 *                ┌──────────── work left ◄───────────┐
 *                ▼                                   │
 *     enqueue ─► tail │ D │ C │ B │ head ─► A.run(64 messages)
 *
 * The production scheduler drains the queue in a microtask, but only for one slice of time per turn
 * of Node's event loop. What marks the turns is a setImmediate, armed when a slice begins:
 *
 *     loop turn   │ timers, sockets │ drain  drain  (slice used up) │ immediate: drain in a new slice │ …
 *     microtasks                      ▲ each enqueue into an idle queue asks for one
 *
 * The slice belongs to the loop turn and not to the drain. Else a promise that enqueues again
 * whenever a drain ends would go from microtask to microtask for ever, and no timer would fire.
 */
import { InvalidOption } from './errors.ts';
import { LIMITS } from './limits.ts';

/** Somebody who has work from time to time, such as an agent. */
export interface Runnable {
  /**
   * Handles at most `budgetMessages`; true when work is left and it wants another turn. It must not
   * throw.
   */
  run(budgetMessages: number): boolean;
}

/** Gives turns to runnables, one at a time and never nested. */
export interface Scheduler {
  /** Puts a runnable at the tail; the caller guarantees that it is not queued already. */
  enqueue(runnable: Runnable): void;
  /** Whether nobody has a turn and nobody waits for one. */
  readonly idle: boolean;
  /** How long the last turn of the event loop took in which somebody ran, in milliseconds: what a timer is late at most. */
  readonly lagMs: number;
  /**
   * A number that stays the same while turns follow each other at once, so that the time read in one
   * of them can serve the next few too; NaN between such bursts, and where turns are stepped.
   */
  readonly burst: number;
  /** Calls back once when the queue next runs empty, or soon if it is empty now. */
  onIdle(callback: () => void): void;
}

/** What the production scheduler may be told. */
export interface SchedulerOptions {
  /** Messages that one runnable handles before the next gets its turn. @defaultValue 64 */
  readonly messagesPerTurn?: number;
  /** Milliseconds of work before timers and sockets get their turn. @defaultValue 4 */
  readonly sliceMs?: number;
}

/** Makes the production scheduler. */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const messagesPerTurn = options.messagesPerTurn ?? LIMITS.messagesPerTurn;
  const sliceMs = options.sliceMs ?? LIMITS.sliceMs;
  requireCount('scheduler.messagesPerTurn', messagesPerTurn);
  if (!(sliceMs > 0 && sliceMs < Infinity)) {
    const allowed = 'a finite number > 0';
    throw new InvalidOption({ field: 'scheduler.sliceMs', given: sliceMs, allowed });
  }
  return new RunLoop(messagesPerTurn, sliceMs);
}

/** The queue's first length; it doubles, so that an index wraps by a mask. */
const QUEUE_SLOTS = 64;

/** Reading the time costs as much as a short turn, so that many turns go by between two readings. */
const TURNS_PER_CHECK_MAX = 16;

/** What follows this runs as a microtask. */
const NOW = Promise.resolve();

class RunLoop implements Scheduler {
  readonly #messagesPerTurn: number;
  readonly #sliceMs: number;

  #slots: (Runnable | undefined)[] = Array<Runnable | undefined>(QUEUE_SLOTS).fill(undefined);
  #mask = QUEUE_SLOTS - 1;
  #head = 0;
  #length = 0;

  #running = false;
  /** Whether a microtask is on its way that drains the queue. */
  #awaitingDrain = false;
  /** Whether this turn of the event loop has a slice, and its end is marked by a setImmediate. */
  #inSlice = false;
  /** Whether that slice is used up: what is queued waits for the setImmediate. */
  #sliceUsedUp = false;
  #sliceEndsAtMs = 0;
  #lagMs = 0;
  #burst = 0;
  #lastCheckAtMs = 0;
  #turnsPerCheck = 1;
  #turnsUntilCheck = 1;

  #idleCallbacks: (() => void)[] = [];

  constructor(messagesPerTurn: number, sliceMs: number) {
    this.#messagesPerTurn = messagesPerTurn;
    this.#sliceMs = sliceMs;
  }

  enqueue(runnable: Runnable): void {
    this.#push(runnable);
    if (!this.#running && !this.#awaitingDrain && !this.#sliceUsedUp) this.#requestDrain();
  }

  get idle(): boolean {
    return this.#length === 0 && !this.#running;
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  get burst(): number {
    return this.#running ? this.#burst : NaN;
  }

  onIdle(callback: () => void): void {
    this.#idleCallbacks.push(callback);
    if (this.idle && !this.#awaitingDrain) this.#requestDrain();
  }

  #push(runnable: Runnable): void {
    if (this.#length > this.#mask) this.#grow();
    this.#slots[(this.#head + this.#length) & this.#mask] = runnable;
    this.#length += 1;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = Array<Runnable | undefined>(old.length * 2).fill(undefined);
    for (let index = 0; index < this.#length; index += 1) {
      slots[index] = old[(this.#head + index) & this.#mask];
    }
    this.#slots = slots;
    this.#mask = slots.length - 1;
    this.#head = 0;
  }

  #requestDrain(): void {
    this.#awaitingDrain = true;
    // No `queueMicrotask`, and no arrow that only calls: Node runs each microtask in three frames of
    // its own, and the error of a crash has to note every frame, which is half of what a restart costs.
    void NOW.then(this.#drain);
  }

  /** The setImmediate that marks the end of a loop turn: a new slice may begin. */
  readonly #endSlice = (): void => {
    const usedUp = this.#sliceUsedUp;
    this.#lagMs = performance.now() - (this.#sliceEndsAtMs - this.#sliceMs);
    this.#inSlice = false;
    this.#sliceUsedUp = false;
    // Idle: nothing is armed again, and nothing of ours keeps the process alive.
    if (usedUp) this.#drain();
  };

  readonly #drain = (): void => {
    this.#awaitingDrain = false;
    this.#burst += 1;
    if (this.#length > 0) {
      if (!this.#inSlice) this.#beginSlice();
      this.#running = true;
      while (this.#length > 0 && !this.#sliceUsedUp) {
        // A runnable that throws against its contract loses its turn; the loop goes on.
        try {
          this.#runTurns();
        } catch (error) {
          rethrowLater(error);
          this.#checkSlice();
        }
      }
      this.#running = false;
    }
    if (this.#length === 0) this.#callIdle();
  };

  #beginSlice(): void {
    const nowMs = performance.now();
    this.#inSlice = true;
    this.#sliceEndsAtMs = nowMs + this.#sliceMs;
    this.#lastCheckAtMs = nowMs;
    this.#turnsPerCheck = 1;
    this.#turnsUntilCheck = 1;
    setImmediate(this.#endSlice);
  }

  /** The hot loop: returns when the queue is empty or the slice used up. */
  #runTurns(): void {
    const budgetMessages = this.#messagesPerTurn;
    while (this.#length > 0) {
      const head = this.#head;
      const runnable = this.#slots[head] as Runnable;
      this.#slots[head] = undefined;
      this.#head = (head + 1) & this.#mask;
      this.#length -= 1;
      this.#turnsUntilCheck -= 1;
      if (runnable.run(budgetMessages)) this.#push(runnable);
      if (this.#turnsUntilCheck <= 0) {
        this.#checkSlice();
        if (this.#sliceUsedUp) return;
      }
    }
  }

  /**
   * Reads the time after every turn while turns are slow and after up to 16 while they are quick:
   * 16 turns of slow handlers could take a second. Turns count across drains, and so does the time
   * of whatever runs between them: a promise that enqueues after each drain meets the same limit.
   */
  #checkSlice(): void {
    const nowMs = performance.now();
    const quick = nowMs - this.#lastCheckAtMs < this.#sliceMs / 8;
    this.#turnsPerCheck = quick ? Math.min(this.#turnsPerCheck * 2, TURNS_PER_CHECK_MAX) : 1;
    this.#turnsUntilCheck = this.#turnsPerCheck;
    this.#lastCheckAtMs = nowMs;
    if (nowMs >= this.#sliceEndsAtMs) this.#sliceUsedUp = true;
  }

  #callIdle(): void {
    if (this.#idleCallbacks.length === 0) return;
    const callbacks = this.#idleCallbacks;
    this.#idleCallbacks = [];
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        rethrowLater(error);
      }
    }
  }
}

/** Makes an error of somebody else's uncaught, without taking the loop down that met it. */
function rethrowLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** A scheduler that runs only when it is told to, and whoever it is told to. */
export interface SteppedScheduler extends Scheduler {
  /** Who waits for a turn, head first; a live view. */
  readonly ready: readonly Runnable[];
  /**
   * Lets the runnable at `index` (default: `pick(ready)`) handle one message and puts it at the tail
   * when work is left; false when nobody is ready. What the runnable throws comes out here.
   */
  step(index?: number): boolean;
  /**
   * Steps until nobody is ready and returns how many steps it took; throws when there is still work
   * after `limitSteps` (default 100,000).
   */
  settle(limitSteps?: number): number;
}

/** What a stepped scheduler may be told. */
export interface SteppedSchedulerOptions {
  /** Chooses the index of who runs next. @defaultValue the head */
  readonly pick?: (ready: readonly Runnable[]) => number;
  /** Messages that one step handles. @defaultValue 1 */
  readonly messagesPerStep?: number;
}

/** Makes a scheduler for tests and simulations: no step happens by itself. */
export function createSteppedScheduler(options: SteppedSchedulerOptions = {}): SteppedScheduler {
  const messagesPerStep = options.messagesPerStep ?? 1;
  requireCount('scheduler.messagesPerStep', messagesPerStep);
  return new Stepper(options.pick, messagesPerStep);
}

const SETTLE_STEPS_MAX = 100_000;

class Stepper implements SteppedScheduler {
  readonly #pick: ((ready: readonly Runnable[]) => number) | undefined;
  readonly #messagesPerStep: number;
  /** It knows no time. */
  readonly lagMs = 0;
  readonly burst = NaN;
  readonly #ready: Runnable[] = [];
  #running = false;
  #idleCallbacks: (() => void)[] = [];

  constructor(pick: ((ready: readonly Runnable[]) => number) | undefined, messagesPerStep: number) {
    this.#pick = pick;
    this.#messagesPerStep = messagesPerStep;
  }

  enqueue(runnable: Runnable): void {
    this.#ready.push(runnable);
  }

  get idle(): boolean {
    return this.#ready.length === 0 && !this.#running;
  }

  get ready(): readonly Runnable[] {
    return this.#ready;
  }

  /** Calls back at once when idle, because nobody may ever step again. */
  onIdle(callback: () => void): void {
    this.#idleCallbacks.push(callback);
    this.#callIfIdle();
  }

  step(index?: number): boolean {
    if (this.#running) throw new Error('step() was called by a runnable that has its turn');
    const ready = this.#ready;
    if (ready.length === 0) return false;
    const chosen = index ?? this.#pick?.(ready) ?? 0;
    const runnable = ready[chosen];
    if (runnable === undefined) {
      throw new RangeError(`step: requested=${chosen}, available=0..${ready.length - 1}`);
    }
    ready.splice(chosen, 1);
    this.#running = true;
    try {
      if (runnable.run(this.#messagesPerStep)) ready.push(runnable);
    } finally {
      this.#running = false;
    }
    this.#callIfIdle();
    return true;
  }

  settle(limitSteps: number = SETTLE_STEPS_MAX): number {
    let steps = 0;
    while (this.#ready.length > 0) {
      if (steps >= limitSteps) {
        const count = this.#ready.length;
        throw new Error(`settle: still ${count} ready after limitSteps=${limitSteps}`);
      }
      this.step();
      steps += 1;
    }
    return steps;
  }

  #callIfIdle(): void {
    if (this.#idleCallbacks.length === 0 || !this.idle) return;
    const callbacks = this.#idleCallbacks;
    this.#idleCallbacks = [];
    for (const callback of callbacks) callback();
  }
}

function requireCount(field: string, given: number): void {
  if (Number.isInteger(given) && given >= 1) return;
  throw new InvalidOption({ field, given, allowed: 'an integer >= 1' });
}

/** Resolves after all promise continuations that are due now, and those that they lead to, have run. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
