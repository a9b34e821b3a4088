/**
 * A watchdog over a running system: it looks from time to time at what is open and at who waits, and
 * raises an alarm for what will not get better by itself. It costs nothing per message; only requests
 * that are handed on and crashes are noted as they happen.
 */
import type { Ask } from './ask.ts';
import type { Cell } from './cell.ts';
import type { Core, Watch } from './core.ts';
import { custodyOfAsk, custodyOfMessage, hopsOf, type CustodyEntry } from './custody.ts';
import type { Destination, Envelope } from './envelope.ts';
import { circleText, InvalidOption } from './errors.ts';
import { LIMITS } from './limits.ts';
import { LogThrottle } from './log-throttle.ts';
import { checkFunction, checkOptions } from './options.ts';
import { Recorder, type Recording } from './recorder.ts';
import { resourceCircle, resourceText, type ResourceEdge } from './resources.ts';
import { coreOf, type System } from './system.ts';
import type { BrokenWait } from './wait-for.ts';

/** What a watchdog has seen. */
export interface Alarm {
  /**
   * - `deadlock`: agents waited for each other in a circle, and its youngest request has failed; or
   *   each of them wants what the next one says that it holds, and that goes on.
   * - `stuck request`: whoever must answer has nothing to do that could lead to an answer.
   * - `handoff loop`: a request has gone round twice without any change.
   * - `restart storm`: a place crashes again and again, and handles nothing to its end in between.
   * - `starvation`: a message waits while its receiver handles one after the other.
   */
  readonly kind: 'deadlock' | 'stuck request' | 'handoff loop' | 'restart storm' | 'starvation';
  /** In one line: what is wrong, with the names of the agents and of the request. */
  readonly message: string;
  /** Addresses of the agents that have part in it. */
  readonly agents: readonly string[];
  /** The types of the requests or messages that are concerned. */
  readonly requests: readonly string[];
  /** Who asked for it or handed it on, oldest first, then who has it; the last `custodyMax` entries. */
  readonly custody: readonly CustodyEntry[];
}

/** What a watchdog looks for, and how often. */
export interface WatchdogOptions {
  /** Time between two looks; default 1,000 ms. */
  readonly everyMs?: number;
  /** Age at which a request counts as stuck when its holder is idle; default 30,000 ms. */
  readonly stuckMs?: number;
  /** Age from which a message can be starving; default 10,000 ms. */
  readonly starvedMs?: number;
  /** How many others its receiver has handled meanwhile; default 1,000 messages. */
  readonly starvedServed?: number;
  /** Crashes of one place that are a storm; default 10. */
  readonly stormCrashes?: number;
  /** The time within which they come; default 10,000 ms. */
  readonly stormWindowMs?: number;
  /** Requests, by type, that may stay open with an idle holder, such as one that waits for work. */
  readonly mayWait?: readonly string[];
  /** What must change in a request from lap to lap; default all of it but its `replyTo`, as JSON. */
  readonly progressOf?: (request: unknown) => unknown;
  /**
   * Whether to keep what comes in from outside, so that an alarm can be tried again in a simulation;
   * default false. Messages from other nodes are not kept, and calls such as `stop` are not.
   */
  readonly record?: boolean;
  /** Messages from outside and effects that are kept, the newest; default 1,000. */
  readonly recordedMax?: number;
  /** Called with each alarm, and with what was recorded if `record` is set. */
  readonly onAlarm?: (alarm: Alarm, recording: Recording | undefined) => void;
}

const NUMBERS = {
  everyMs: LIMITS.watchEveryMs,
  stuckMs: LIMITS.stuckMs,
  starvedMs: LIMITS.starvedMs,
  starvedServed: LIMITS.starvedServed,
  stormCrashes: LIMITS.stormCrashes,
  stormWindowMs: LIMITS.stormWindowMs,
  recordedMax: LIMITS.recordedMax,
} as const;
type Numbers = Record<keyof typeof NUMBERS, number>;

/**
 * Watches a system until it stops; returns what ends the watch before. A system has one watchdog.
 *
 * @example
 * ```ts
 * watchForTrouble(system, { onAlarm: ({ kind, message }) => console.warn(kind, message) });
 * ```
 */
export function watchForTrouble(system: System, options: WatchdogOptions = {}): () => void {
  const core = coreOf(system);
  checkOptions(options, [...Object.keys(NUMBERS), 'mayWait', 'progressOf', 'record', 'onAlarm']);
  checkFunction('options.onAlarm', options.onAlarm, true);
  checkFunction('options.progressOf', options.progressOf, true);
  const { mayWait = [], record = false } = options;
  if (typeof record !== 'boolean')
    throw new InvalidOption({ field: 'options.record', given: record, allowed: 'true or false' });
  if (!Array.isArray(mayWait) || mayWait.some((type) => typeof type !== 'string')) {
    const allowed = 'an array of types of requests';
    throw new InvalidOption({ field: 'options.mayWait', given: mayWait, allowed });
  }
  const numbers: Numbers = { ...NUMBERS };
  for (const key of Object.keys(NUMBERS) as (keyof Numbers)[]) {
    const given = options[key];
    if (given === undefined) continue;
    if (typeof given !== 'number' || !(given > 0)) {
      const allowed = 'a number > 0';
      throw new InvalidOption({ field: `options.${key}`, given, allowed });
    }
    numbers[key] = given;
  }
  if (core.watch !== undefined) {
    const allowed = 'a system that nobody watches yet';
    throw new InvalidOption({ field: 'system', given: core.name, allowed });
  }
  const watchdog = new Watchdog(core, numbers, options);
  return () => watchdog.stop();
}

/** Where a request has been: one of its hops is kept and compared with those that follow (Brent). */
interface Laps {
  saved: string;
  /** Hops since the saved one. */
  hops: number;
  /** Hops after which another one is kept. */
  power: number;
  /** Length of the lap that is going on, and how many there were. */
  lap: number;
  laps: number;
}

/** The crashes of a place with nothing handled to its end in between. */
interface Storm {
  cell: Cell;
  handled: number;
  atMs: number[];
  isReported: boolean;
}

/** The oldest message of a mailbox, and how much had been handled when it was seen. */
interface Oldest {
  readonly envelope: Envelope;
  readonly handled: number;
  isReported: boolean;
}

class Watchdog implements Watch {
  readonly #core: Core;
  readonly #numbers: Numbers;
  readonly #options: WatchdogOptions;
  readonly #logs = new Map<Alarm['kind'], LogThrottle>();
  readonly #laps = new WeakMap<Ask, Laps>();
  /** Requests that have been told of. */
  readonly #stuck = new WeakSet<Ask>();
  /** By path: a place that is spawned anew is the same place. */
  readonly #storms = new Map<string, Storm>();
  #oldest = new Map<Cell, Oldest>();
  #cancel: () => void = () => undefined;

  constructor(core: Core, numbers: Numbers, options: WatchdogOptions) {
    this.#core = core;
    this.#numbers = numbers;
    this.#options = options;
    core.watch = this;
    if (options.record === true) core.recorder = new Recorder(core, numbers.recordedMax);
    this.#schedule();
  }

  stop(): void {
    this.#cancel();
    if (this.#core.watch !== this) return;
    this.#core.watch = undefined;
    this.#core.recorder = undefined;
  }

  #schedule(): void {
    const { timers, clock } = this.#core;
    const timer = timers.schedule(clock.now() + this.#numbers.everyMs, () => {
      this.#core.guard(() => this.#look());
      if (this.#core.watch === this) this.#schedule();
    });
    this.#cancel = () => timers.cancel(timer);
  }

  // ── What is noted as it happens ─────────────────────────────────────────────────────────────

  deadlocked(members: readonly string[], requests: readonly string[], broken: BrokenWait): void {
    const custody =
      broken.envelope === undefined
        ? custodyOfAsk(broken.ask)
        : custodyOfMessage(broken.envelope, broken.to.address, 'waits for room');
    this.#raise({
      kind: 'deadlock',
      message: circleText(members, requests),
      agents: members,
      requests,
      custody,
    });
  }

  forwarded(ask: Ask, to: Destination, request: unknown): void {
    const hop = this.#hopOf(to, request);
    if (hop === undefined) return;
    const laps = this.#laps.get(ask);
    if (laps === undefined) {
      this.#laps.set(ask, { saved: hop, hops: 0, power: 1, lap: 0, laps: 0 });
      return;
    }
    laps.hops += 1;
    if (hop === laps.saved && (laps.laps === 0 || laps.hops === laps.lap * (laps.laps + 1))) {
      if (laps.laps === 0) laps.lap = laps.hops;
      laps.laps += 1;
      if (laps.laps === 2) this.#loops(ask, laps.lap);
    } else if (laps.laps === 0 ? laps.hops >= laps.power : laps.hops > laps.lap * (laps.laps + 1)) {
      Object.assign(laps, { saved: hop, hops: 0, power: laps.power * 2, laps: 0 });
    }
  }

  /** Where a request goes and what is in it; undefined when that cannot be said. */
  #hopOf(to: Destination, request: unknown): string | undefined {
    const { progressOf } = this.#options;
    try {
      const value = progressOf === undefined ? request : progressOf(request);
      const text = JSON.stringify(value, (key, part: unknown) =>
        key === 'replyTo' ? undefined : part,
      );
      return `${to.address} ${text}`;
    } catch {
      return undefined;
    }
  }

  #loops(ask: Ask, lap: number): void {
    const custody = hopsOf(ask.lineage);
    const agents = [...new Set(custody.slice(-lap).map(({ agent }) => agent))];
    const { request } = ask;
    const message = `"${request}" was handed round twice without a change: ${agents.join(', ')}`;
    this.#raise({ kind: 'handoff loop', message, agents, requests: [request], custody });
  }

  crashed(cell: Cell, poison: Envelope | undefined): void {
    const { stormCrashes, stormWindowMs } = this.#numbers;
    const nowMs = this.#core.clock.now();
    const { path, handled } = cell;
    let storm = this.#storms.get(path);
    const before = storm?.cell === cell ? storm.handled : 0;
    const toTheEnd = handled - before - (poison === undefined ? 0 : 1);
    if (storm === undefined || toTheEnd > 0) {
      storm = { cell, handled, atMs: [], isReported: false };
      this.#storms.set(path, storm);
    }
    storm.cell = cell;
    storm.handled = handled;
    storm.atMs.push(nowMs);
    while ((storm.atMs[0] as number) < nowMs - stormWindowMs) storm.atMs.shift();
    if (storm.atMs.length < stormCrashes || storm.isReported) return;
    storm.isReported = true;
    this.#raise({
      kind: 'restart storm',
      message: `${cell.address} crashed ${storm.atMs.length} times within ${stormWindowMs} ms and handled nothing to its end`,
      agents: [cell.address],
      requests: poison === undefined ? [] : [poison.type],
      custody: poison === undefined ? [] : custodyOfMessage(poison, cell.address, 'crashed', nowMs),
    });
  }

  // ── What is seen from time to time ──────────────────────────────────────────────────────────

  #look(): void {
    const { ledger, cells, clock } = this.#core;
    const nowMs = clock.now();
    for (const ask of ledger.open()) this.#lookAt(ask, nowMs);
    const oldest = new Map<Cell, Oldest>();
    for (const cell of cells.values()) this.#lookInto(cell, nowMs, oldest);
    this.#oldest = oldest;
    const sinceMs = nowMs - this.#numbers.stormWindowMs;
    for (const [path, { atMs }] of this.#storms)
      if ((atMs.at(-1) as number) < sinceMs) this.#storms.delete(path);
  }

  #lookAt(ask: Ask, nowMs: number): void {
    const { at, by, request, target } = ask;
    const ageMs = nowMs - ask.madeAtMs;
    // A circle that has closed by a change of a machine's own which nobody was told of.
    const asker = this.#core.cellAt(by);
    if (asker !== undefined && ageMs > this.#numbers.everyMs) this.#core.breakDeadlock(asker);
    if (at === undefined || ageMs <= this.#numbers.stuckMs || this.#stuck.has(ask)) return;
    if (this.#options.mayWait?.includes(request) === true || !isIdle(at)) return;
    this.#stuck.add(ask);
    const circle = asker && resourceCircle(this.#core, asker);
    if (circle !== undefined) return this.#holdOn(circle, ask);
    this.#raise({
      kind: 'stuck request',
      message: `"${request}" of ${by ?? 'code outside agents'} to ${target} is open for ${Math.round(ageMs)} ms, and ${at.address}, which has it, is idle`,
      agents: [...new Set([...(by === undefined ? [] : [by]), at.address])],
      requests: [request],
      custody: custodyOfAsk(ask),
    });
  }

  /** Each of some agents waits for what the next one says that it holds. */
  #holdOn(circle: readonly ResourceEdge[], ask: Ask): void {
    const agents = circle.map(({ from }) => from.address);
    // It is one circle, and each of them asks for something in it.
    for (const other of this.#core.ledger.open())
      if (other.by !== undefined && agents.includes(other.by)) this.#stuck.add(other);
    this.#raise({
      kind: 'deadlock',
      message: resourceText(circle),
      agents,
      requests: [ask.request],
      custody: custodyOfAsk(ask),
    });
  }

  #lookInto(cell: Cell, nowMs: number, oldest: Map<Cell, Oldest>): void {
    const envelope = cell.mailbox.oldest();
    if (envelope === undefined) return;
    const { handled, address } = cell;
    const known = this.#oldest.get(cell);
    const seen = known?.envelope === envelope ? known : { envelope, handled, isReported: false };
    oldest.set(cell, seen);
    const { starvedMs, starvedServed } = this.#numbers;
    const served = handled - seen.handled;
    const ageMs = nowMs - envelope.enqueuedAtMs;
    if (seen.isReported || ageMs <= starvedMs || served < starvedServed) return;
    seen.isReported = true;
    const { type } = envelope;
    this.#raise({
      kind: 'starvation',
      message: `"${type}" waits at ${address} for ${Math.round(ageMs)} ms, while ${served} others were handled`,
      agents: [address],
      requests: [type],
      custody: custodyOfMessage(envelope, address, 'queued'),
    });
  }

  #raise(alarm: Alarm): void {
    const core = this.#core;
    let log = this.#logs.get(alarm.kind);
    if (log === undefined) this.#logs.set(alarm.kind, (log = new LogThrottle(core.log)));
    log.warn(core.clock.now(), alarm, `alarm: ${alarm.kind}`);
    if (core.inspection.active) core.inspection.emit({ type: 'alarm', alarm });
    const { onAlarm } = this.#options;
    if (onAlarm !== undefined) core.guard(() => onAlarm(alarm, core.recorder?.recording()));
  }
}

/** Whether nothing but a message from elsewhere can bring an agent, or one of its children, to do something. */
function isIdle({ status, suspended, isHeld, life, children }: Cell): boolean {
  const { behavior } = life;
  if (status !== 'running' || suspended || isHeld || behavior === undefined) return false;
  if (behavior.wait !== undefined || life.hasOpenAsks || life.timers.size > 0) return false;
  if (behavior.worksInside?.() === true) return false;
  for (const child of children?.values() ?? [])
    if (child.status !== 'vacant' && !isIdle(child)) return false;
  return true;
}
