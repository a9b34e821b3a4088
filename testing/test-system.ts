/**
 * A system on virtual time, for ordinary unit tests: nothing runs until the test says so, and time
 * moves only by `advance`.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  fromHandler,
  promisesSettled,
  type AnyRef,
  type System,
  type SystemOptions,
} from '../runtime/index.ts';
import { Probe } from './probe.ts';

/** The options of a test system: those of a system without its seams. */
export interface TestSystemOptions extends Omit<SystemOptions, 'scheduler' | 'clock' | 'random'> {
  /** Seed of the `random` seam; default 1. */
  readonly seed?: number;
  /** Chooses who runs next among those that are ready, by index; default the first. */
  readonly pick?: (readyCount: number) => number;
}

/** A system whose time and turns a test controls. */
export interface TestSystem extends System {
  /** The virtual clock's monotonic milliseconds. */
  readonly nowMs: number;
  /** Lets one agent handle one message (or signal); false when nobody has anything to do. */
  step(): boolean;
  /** Runs until nobody has anything to do, promise continuations included. Time stands still. */
  settle(): Promise<void>;
  /** Moves time, running each timer when it is due and settling after it. */
  advance(ms: number): Promise<void>;
  /** Runs turns and, where nothing else is left, time, until the promise has settled; gives its value. */
  run<T>(promise: PromiseLike<T>): Promise<T>;
  /** An agent that keeps what it gets. */
  probe<TEvent extends EventObject = EventObject>(id?: string): Probe<TEvent>;
  /** Crashes an agent from outside: it ends with this error as if its own code had thrown it. */
  crash(ref: AnyRef, error?: unknown): Promise<void>;
}

/**
 * Creates a system on virtual time. Messages are frozen deeply, and the log is silent unless given.
 *
 * @example
 * ```ts
 * const system = createTestSystem();
 * const light = system.spawn(trafficLight);
 * await system.advance(30_000);
 * expect(light.getSnapshot().value).toBe('green');
 * ```
 */
export function createTestSystem(options: TestSystemOptions = {}): TestSystem {
  const { seed = 1, pick, ...rest } = options;
  const clock = createVirtualClock();
  const scheduler = createSteppedScheduler(
    pick === undefined ? {} : { pick: (ready) => pick(ready.length) },
  );
  const system = createSystem({
    log: false,
    freeze: true,
    ...rest,
    clock,
    scheduler,
    random: createSeededRandom(seed),
  });

  const settle = async (): Promise<void> => {
    do {
      scheduler.settle();
      await promisesSettled();
    } while (!scheduler.idle);
  };

  const run = async <T>(promise: PromiseLike<T>): Promise<T> => {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (;;) {
      await settle();
      if (settled) return promise;
      // Nothing is left to do now: time goes on, or real I/O has to come in.
      if (clock.nextDueMs !== undefined) clock.fireNext(clock.nextDueMs);
    }
  };

  const crasher = fromHandler({
    receive: (_state, event: { type: 'crash'; target: AnyRef; error: unknown }, ctx) => {
      ctx.exit(event.target, { type: 'crash', error: event.error });
      ctx.stop();
    },
  });

  const stop = system.stop.bind(system);
  let stopped: Promise<void> | undefined;
  const controls = {
    get nowMs(): number {
      return clock.now();
    },
    step: () => scheduler.step(),
    settle,
    run,
    advance: async (ms: number) => {
      if (!(ms >= 0))
        throw new InvalidOption({ field: 'advance', given: ms, allowed: 'milliseconds >= 0' });
      const untilMs = clock.now() + ms;
      do await settle();
      while (clock.fireNext(untilMs));
    },
    probe: <TEvent extends EventObject = EventObject>(id?: string) =>
      new Probe<TEvent>((logic) => system.spawn(logic, id === undefined ? {} : { id }), settle),
    crash: async (ref: AnyRef, error: unknown = new Error('crashed by the test')) => {
      system.spawn(crasher).send({ type: 'crash', target: ref, error });
      await settle();
    },
    // Virtual time has to run for a stop to end: its graces are timers.
    stop: () => (stopped ??= run(stop())),
    [Symbol.asyncDispose]: () => (stopped ??= run(stop())),
  };
  return Object.defineProperties(system, Object.getOwnPropertyDescriptors(controls)) as TestSystem;
}
