/**
 * A system on virtual time, for ordinary unit tests: nothing runs until the test says so, and time
 * moves only by `advance`.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  LIMITS,
  TroupeError,
  createClock,
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  type AgentInfo,
  type AnyRef,
  type System,
  type SystemOptions,
} from '../runtime/index.ts';
import {
  checkFunction,
  checkOptions,
  crashAgent,
  isWaiting,
  promisesSettled,
} from '../runtime/internal.ts';
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
  /**
   * Runs turns and, where nothing else is left, time, until the promise has settled; gives its value.
   * Rejects with {@link NotSettled} when nothing brings it nearer.
   */
  run<T>(promise: PromiseLike<T>): Promise<T>;
  /** An agent that keeps what it gets. */
  probe<TEvent extends EventObject = EventObject>(id?: string): Probe<TEvent>;
  /** Crashes an agent as if its own code had thrown this error. Rejects with `InvalidOption` when nobody lives there. */
  crash(ref: AnyRef, error?: unknown): Promise<void>;
}

/** A promise that `run` was given has not settled; says which requests are open and which agents wait. */
export class NotSettled extends TroupeError {
  readonly code = 'NOT_SETTLED';

  constructor(fields: {
    readonly after: string;
    readonly requests: readonly string[];
    readonly agents: readonly string[];
  }) {
    const { after, requests, agents } = fields;
    const list = (items: readonly string[]): string =>
      items.length === 0 ? 'none' : items.join(', ');
    super(
      `the promise has not settled after ${after}; open requests: ${list(requests)}; agents that wait: ${list(agents)}`,
      fields,
    );
  }
}

const KNOWN = [
  'seed',
  'pick',
  'name',
  'log',
  'freeze',
  'planTransitions',
  'crashDetails',
  'redact',
  'askTimeoutMs',
  'hopsMax',
  'deadLettersMax',
  'network',
];

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
  checkOptions(options, KNOWN, 'createTestSystem');
  const { seed = 1, pick, ...rest } = options;
  if (!Number.isFinite(seed))
    throw new InvalidOption({ field: 'seed', given: seed, allowed: 'a finite number' });
  checkFunction('pick', pick, true);
  const clock = createVirtualClock();
  const real = createClock();
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

  /** Settles, and says in how many steps. */
  const settling = async (): Promise<number> => {
    let steps = 0;
    do {
      steps += scheduler.settle();
      await promisesSettled();
    } while (!scheduler.idle);
    return steps;
  };
  const settle = async (): Promise<void> => void (await settling());

  const run = async <T>(promise: PromiseLike<T>): Promise<T> => {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    let timersFired = 0;
    let idleSinceMs: number | undefined;
    for (;;) {
      if ((await settling()) > 0) idleSinceMs = undefined;
      if (settled) return promise;
      // Nothing is left to do now: time goes on, or real I/O has to come in.
      if (clock.nextDueMs !== undefined) {
        if (timersFired === LIMITS.timersFiredMax)
          throw notSettled(system, `${timersFired} virtual timers`);
        clock.fireNext(clock.nextDueMs);
        timersFired += 1;
        idleSinceMs = undefined;
      } else {
        idleSinceMs ??= real.now();
        if (real.now() - idleSinceMs >= LIMITS.idleMsMax)
          throw notSettled(system, `${LIMITS.idleMsMax} ms of real time with nothing due`);
      }
    }
  };

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
      if (!(typeof ms === 'number' && ms >= 0))
        throw new InvalidOption({ field: 'advance', given: ms, allowed: 'milliseconds >= 0' });
      const untilMs = clock.now() + ms;
      do await settle();
      while (clock.fireNext(untilMs));
    },
    probe: <TEvent extends EventObject = EventObject>(id?: string) =>
      new Probe<TEvent>((logic) => system.spawn(logic, id === undefined ? {} : { id }), settle),
    crash: async (ref: AnyRef, error: unknown = new Error('crashed by the test')) => {
      crashAgent(ref, error);
      await settle();
    },
    // Virtual time has to run for a stop to end: its graces are timers.
    stop: () => (stopped ??= run(stop())),
    [Symbol.asyncDispose]: () => (stopped ??= run(stop())),
  };
  return Object.defineProperties(system, Object.getOwnPropertyDescriptors(controls)) as TestSystem;
}

function notSettled(system: System, after: string): NotSettled {
  const requests = system
    .requests()
    .map(({ request, by, target, progress }) => `"${request}" by ${by} of ${target} (${progress})`);
  const agents: string[] = [];
  const visit = ({ path, status, queuedMessages, children }: AgentInfo): void => {
    const waits = isWaiting(system.ref(path));
    if (waits || status !== 'running' || queuedMessages > 0)
      agents.push(`${path} (${waits ? 'in a wait' : status}, ${queuedMessages} queued)`);
    children.forEach(visit);
  };
  system.agents().forEach(visit);
  return new NotSettled({ after, requests, agents });
}
