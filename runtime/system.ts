/**
 * A system: the agents of one process, and what they share. This is the face of the runtime.
 */
import type { AnyActorLogic, InspectionEvent as XStateInspectionEvent } from 'xstate';
import type { Cell } from './cell.ts';
import { createClock, type Clock } from './clock.ts';
import { Core } from './core.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Effects } from './effects.ts';
import { InvalidOption, SystemStopped } from './errors.ts';
import { SHUTDOWN, type Down } from './exit.ts';
import type { InspectionEvent, Report } from './inspection.ts';
import { LIMITS } from './limits.ts';
import { SILENT, createLog, type Log } from './log.ts';
import { nameOf } from './names.ts';
import { isolated, type Network } from './network.ts';
import { checkFlag, checkFunction, checkMethods, checkOptions } from './options.ts';
import { createRandom, type Random } from './random.ts';
import type { AgentName, AnyRef, RefFrom } from './ref.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import type { SpawnArguments } from './spawn-options.ts';

/** The options of a system. Every one has a default. */
export interface SystemOptions {
  /** The system's name, and its node's name in addresses; default `'local'`. */
  readonly name?: string;
  /** A pino logger (or alike); `false` for silence. Default: warnings and errors, as JSON on standard error. */
  readonly log?: Log | false;
  /** Has the report of a crash say the message, the state and the input too; default false: the type of the message. */
  readonly crashDetails?: boolean;
  /**
   * Sees every report (of a crash, by a supervisor, of a cleanup or callback that threw) before the
   * log and the inspection, which get what it returns: the place to take secrets out. The level
   * stays. When it throws, only the label and the path are told.
   */
  readonly redact?: (report: Report) => Report;
  /** Freezes every message deeply, so that a write to a sent one fails at once. Default: when NODE_ENV is development or test. */
  readonly freeze?: boolean;
  /**
   * Works out the transitions of machines once per state and event type and replays them; default
   * true. False leaves every step to XState.
   */
  readonly planTransitions?: boolean;
  /** Deadline of an ask at the root of a task, in milliseconds; default 5,000. */
  readonly askTimeoutMs?: number;
  /** Asks and handoffs behind one message; default 256. One more fails with `HopLimit`. */
  readonly hopsMax?: number;
  /** Dead letters kept; default 1,000. */
  readonly deadLettersMax?: number;
  /** The seam for who runs next. */
  readonly scheduler?: Scheduler;
  /** The seam for time and timers. */
  readonly clock?: Clock;
  /** The seam for ids and jitter. */
  readonly random?: Random;
  /** The seam to other nodes. */
  readonly network?: Network;
  /** The seam to the outside world: a simulation does in it what agents would do there. Absent: they do it. */
  readonly effects?: Effects;
}

/** How a system is doing, in numbers. */
export interface SystemStats {
  readonly agents: number;
  /** Messages that wait in all mailboxes, and in the fullest one. */
  readonly queuedMessages: number;
  readonly deepestMailbox:
    { readonly path: string; readonly messages: number; readonly oldestMs: number } | undefined;
  readonly openRequests: number;
  readonly timers: number;
  readonly names: number;
  readonly deadLetters: number;
  /** How long the last turn of the event loop took in which an agent ran. */
  readonly loopLagMs: number;
  readonly delivered: number;
  readonly unhandled: number;
  readonly spawned: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly asks: {
    readonly answered: number;
    readonly failed: number;
    readonly meanMs: number;
    readonly maxMs: number;
  };
}

/** Whether a system can take work, and if not, why. */
export interface SystemHealth {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** One agent, as `system.agents()` lists it. */
export interface AgentInfo {
  readonly path: string;
  readonly status: 'starting' | 'running' | 'stopping' | 'vacant' | 'ended';
  readonly incarnation: number;
  readonly restarts: number;
  readonly handled: number;
  readonly queuedMessages: number;
  readonly obligations: readonly string[];
  /** The names that its life holds. */
  readonly names: readonly string[];
  readonly children: readonly AgentInfo[];
}

/** The agents of one process, and what they share. */
export interface System extends AsyncDisposable {
  readonly name: string;
  /** Spawns an agent at the top and returns its ref at once; it starts in a turn of its own. */
  spawn<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...[options]: SpawnArguments<TLogic, object>
  ): RefFrom<TLogic>;
  /** Spawns, and waits until the agent (with a supervisor: its whole tree) has started. Rejects with `StartFailed`. */
  start<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...[options]: SpawnArguments<TLogic, object>
  ): Promise<RefFrom<TLogic>>;
  /** The agent that holds a name now; `undefined` when nobody does. */
  whereis<TRef extends AnyRef>(name: AgentName<TRef>): TRef | undefined;
  whereis(name: string): AnyRef | undefined;
  /** Gives an agent's present life a name. Throws `NameTaken`. */
  register(name: AgentName | string, ref: AnyRef): void;
  unregister(name: AgentName | string): void;
  /** The ref to a place by its path (`/desk/w1`) or address (`node/desk/w1`), whoever lives there. */
  ref(address: string): AnyRef;
  /** Calls `onDown` once, when the present life of an agent has ended; returns what ends the watch. */
  monitor(ref: AnyRef, onDown: (down: Down) => void): () => void;
  /** Links the present lives of two agents: any end of one but a normal one ends the other. */
  link(a: AnyRef, b: AnyRef): void;
  /** Stops an agent from taking messages; it can still be stopped. `resume` lets it go on. */
  suspend(ref: AnyRef): void;
  resume(ref: AnyRef): void;
  /** Calls `observer` with every inspection event; returns what ends it. Free while nobody looks. */
  inspect(observer: (event: InspectionEvent) => void): () => void;
  /** Attaches an observer of XState's own inspection protocol, such as Stately's inspector. */
  inspectXState(observer: (event: XStateInspectionEvent) => void): () => void;
  readonly deadLetters: DeadLetters;
  /** The open requests: what was asked, of whom, who holds it, for how long. */
  requests(): readonly OpenRequest[];
  /** The tree of agents, from the top. */
  agents(): readonly AgentInfo[];
  stats(): SystemStats;
  health(): SystemHealth;
  /**
   * Stops all agents, the last started first, each with its children and within its grace, and
   * settles every open ask. Afterwards nothing of the system keeps the process alive. Idempotent.
   */
  stop(): Promise<void>;
}

/** One open request. */
export interface OpenRequest {
  readonly request: string;
  readonly target: string;
  readonly by: string;
  readonly holder: string | undefined;
  readonly progress: 'not delivered' | 'queued' | 'started';
  readonly ageMs: number;
}

/**
 * Creates a system.
 *
 * @example
 * ```ts
 * const system = createSystem({ name: 'desk' });
 * const counter = system.spawn(counterMachine, { id: 'counter' });
 * counter.send({ type: 'add', amount: 2 });
 * await system.stop();
 * ```
 *
 * Throws `InvalidOption` for an option that it does not know or a value that is not allowed, and
 * `UnsupportedXState` when the installed XState is none that it can host.
 */
export function createSystem(options: SystemOptions = {}): System {
  return new TroupeSystem(makeCore(options));
}

function makeCore(options: SystemOptions): Core {
  const known = Object.keys(DEFAULTS).concat(
    'log',
    'freeze',
    'planTransitions',
    'crashDetails',
    'redact',
    'scheduler',
    'clock',
    'random',
    'network',
    'effects',
  );
  checkOptions(options, known, 'createSystem');
  checkMethods('scheduler', options.scheduler, ['enqueue', 'onIdle']);
  checkMethods('clock', options.clock, ['now', 'wallMs', 'setTimeout', 'clearTimeout']);
  checkMethods('random', options.random, ['id', 'float', 'hex']);
  checkMethods('network', options.network, ['send']);
  checkMethods('effects', options.effects, ['begin']);
  if (options.log !== false) checkLog(options.log);
  checkFlag('freeze', options.freeze);
  checkFlag('planTransitions', options.planTransitions);
  checkFlag('crashDetails', options.crashDetails);
  checkFunction('redact', options.redact, true);
  const { name, askTimeoutMs, hopsMax, deadLettersMax } = { ...DEFAULTS, ...options };
  if (typeof name !== 'string' || !/^[^/#\s]+$/.test(name)) {
    throw new InvalidOption({
      field: 'name',
      given: name,
      allowed: 'a string without "/", "#" and white space',
    });
  }
  if (!(typeof askTimeoutMs === 'number' && askTimeoutMs >= 1)) {
    const allowed = 'a number >= 1';
    throw new InvalidOption({ field: 'askTimeoutMs', given: askTimeoutMs, allowed });
  }
  for (const [field, given] of Object.entries({ hopsMax, deadLettersMax })) {
    if (!Number.isInteger(given) || given < 1)
      throw new InvalidOption({ field, given, allowed: 'an integer >= 1' });
  }
  return new Core({
    name,
    askTimeoutMs,
    hopsMax,
    deadLettersMax,
    log: options.log === false ? SILENT : (options.log ?? createLog(name)),
    freeze: options.freeze ?? ['development', 'test'].includes(process.env['NODE_ENV'] ?? ''),
    planTransitions: options.planTransitions ?? true,
    crashDetails: options.crashDetails ?? false,
    redact: options.redact,
    scheduler: options.scheduler ?? createScheduler(),
    clock: options.clock ?? createClock(),
    random: options.random ?? createRandom(),
    network: options.network ?? isolated(name),
    effects: options.effects,
  });
}

function checkLog(log: unknown): void {
  try {
    checkMethods('log', log, ['debug', 'info', 'warn', 'error', 'child']);
  } catch {
    throw new InvalidOption({
      field: 'log',
      given: log,
      allowed: 'a pino logger (or alike) or false',
    });
  }
}

const DEFAULTS = {
  name: 'local',
  askTimeoutMs: LIMITS.askTimeoutMs,
  hopsMax: LIMITS.hopsMax,
  deadLettersMax: LIMITS.deadLettersMax,
};

/** The inside of a system, for the floors above. */
export function coreOf(system: System): Core {
  return TroupeSystem.coreOf(system);
}

class TroupeSystem implements System {
  readonly #core: Core;
  #stopped: Promise<void> | undefined;

  static coreOf(system: System): Core {
    if (#core in system) return system.#core;
    throw new InvalidOption({ field: 'system', given: system, allowed: 'what createSystem gave' });
  }

  constructor(core: Core) {
    this.#core = core;
  }

  get name(): string {
    return this.#core.name;
  }

  get deadLetters(): DeadLetters {
    return this.#core.deadLetters;
  }

  spawn<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...[options]: SpawnArguments<TLogic, object>
  ): RefFrom<TLogic> {
    return this.#core.spawn(logic, options, undefined).ref as unknown as RefFrom<TLogic>;
  }

  async start<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...args: SpawnArguments<TLogic, object>
  ): Promise<RefFrom<TLogic>> {
    const ref = this.spawn(logic, ...args);
    await ref.started();
    return ref;
  }

  whereis<TRef extends AnyRef>(name: AgentName<TRef> | string): TRef | undefined {
    return this.#core.whereis({ name: nameOf(name) }) as TRef | undefined;
  }

  register(name: AgentName | string, ref: AnyRef): void {
    this.#core.names.register(nameOf(name), this.#cell(ref).life);
  }

  unregister(name: AgentName | string): void {
    const cell = this.#core.names.find(nameOf(name));
    if (cell !== undefined) this.#core.names.unregister(nameOf(name), cell.life);
  }

  ref(address: string): AnyRef {
    if (typeof address !== 'string') {
      throw new InvalidOption({
        field: 'address',
        given: address,
        allowed: '"/path" or "node/path"',
      });
    }
    return this.#core.refAt(address.startsWith('/') ? this.#core.addressOf(address) : address);
  }

  monitor(ref: AnyRef, onDown: (down: Down) => void): () => void {
    checkFunction('onDown', onDown);
    const monitor = this.#core.monitor(ref, undefined, (down) =>
      this.#core.guard(() => onDown(down)),
    );
    return () => {
      monitor.watched?.unwatch(monitor);
      monitor.away?.();
      monitor.away = undefined;
    };
  }

  link(a: AnyRef, b: AnyRef): void {
    this.#cell(a).life.link(this.#cell(b));
  }

  suspend(ref: AnyRef): void {
    this.#cell(ref).signal({ type: 'suspend' });
  }

  resume(ref: AnyRef): void {
    this.#cell(ref).signal({ type: 'resume' });
  }

  inspect(observer: (event: InspectionEvent) => void): () => void {
    checkFunction('observer', observer);
    return this.#core.inspection.observe(observer);
  }

  inspectXState(observer: (event: XStateInspectionEvent) => void): () => void {
    return this.#core.xstate.inspect(observer);
  }

  requests(): OpenRequest[] {
    const nowMs = this.#core.clock.now();
    return this.#core.ledger.open().map((ask) => ({
      request: ask.request,
      target: ask.target,
      by: ask.address,
      holder: ask.holder?.address,
      progress: ask.progress,
      ageMs: nowMs - ask.madeAtMs,
    }));
  }

  agents(): AgentInfo[] {
    return treeOf(this.#core.roots.values());
  }

  stats(): SystemStats {
    const { cells, clock, ledger, timers, names, deadLetters, scheduler, stats } = this.#core;
    const nowMs = clock.now();
    let queuedMessages = 0;
    let deepest: Cell | undefined;
    for (const cell of cells.values()) {
      const { depth } = cell.mailbox;
      queuedMessages += depth;
      if (depth > (deepest?.mailbox.depth ?? 0)) deepest = cell;
    }
    const {
      delivered,
      unhandled,
      spawned,
      crashes,
      restarts,
      asksSettled,
      asksFailed,
      askMsTotal,
      askMsMax,
    } = stats;
    return {
      agents: cells.size,
      queuedMessages,
      deepestMailbox: deepest && {
        path: deepest.path,
        messages: deepest.mailbox.depth,
        oldestMs: nowMs - (deepest.mailbox.oldestMs() ?? nowMs),
      },
      openRequests: ledger.size,
      timers: timers.size,
      names: names.size,
      deadLetters: deadLetters.total,
      loopLagMs: scheduler.lagMs,
      delivered,
      unhandled,
      spawned,
      crashes,
      restarts,
      asks: {
        answered: asksSettled,
        failed: asksFailed,
        meanMs: asksSettled === 0 ? 0 : askMsTotal / asksSettled,
        maxMs: askMsMax,
      },
    };
  }

  health(): SystemHealth {
    const reasons: string[] = [];
    if (this.#core.stopping) reasons.push('the system is stopping');
    for (const cell of this.#core.cells.values()) {
      if (cell.status === 'starting') reasons.push(`${cell.path} has not started`);
      if (cell.status === 'vacant') reasons.push(`${cell.path} waits for its restart`);
      if (cell.mailbox.full) reasons.push(`the mailbox of ${cell.path} is full`);
    }
    return { ready: reasons.length === 0, reasons };
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const core = this.#core;
    core.stopping = true;
    for (const cell of [...core.roots.values()].reverse()) {
      await new Promise<void>((resolve) => {
        cell.whenEnded(() => resolve());
        const { shutdown } = cell.options;
        if (shutdown === 'brutal_kill') cell.kill();
        else cell.stop(SHUTDOWN, shutdown);
      });
    }
    const asked = `an ask that nobody answered`;
    for (const ask of core.ledger.open()) ask.fail(new SystemStopped({ system: core.name, asked }));
    await core.network.remote?.close();
    core.timers.clear();
  }

  #cell(ref: AnyRef): Cell {
    const cell = this.#core.cellHere(ref);
    if (cell === undefined)
      throw new InvalidOption({
        field: 'ref',
        given: ref.address,
        allowed: 'a living agent of this node',
      });
    return cell;
  }
}

/** Level by level: a tree may be deeper than the stack. */
function treeOf(roots: Iterable<Cell>): AgentInfo[] {
  const tree: AgentInfo[] = [];
  let level: (readonly [Cell, AgentInfo[]])[] = [...roots].map((cell) => [cell, tree]);
  while (level.length > 0) {
    const below: typeof level = [];
    for (const [cell, siblings] of level) {
      const children: AgentInfo[] = [];
      siblings.push(infoOf(cell, children));
      for (const child of cell.children?.values() ?? []) below.push([child, children]);
    }
    level = below;
  }
  return tree;
}

function infoOf(cell: Cell, children: readonly AgentInfo[]): AgentInfo {
  const { path, status, life, restarts, handled, mailbox } = cell;
  return {
    path,
    status,
    incarnation: life.incarnation,
    restarts,
    handled,
    queuedMessages: mailbox.depth,
    obligations: life.over ? [] : life.obligations.toArray().map((ask) => ask.request),
    names: [...(life.names ?? [])],
    children,
  };
}
