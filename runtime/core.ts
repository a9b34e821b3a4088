/**
 * The inside of a system: the seams, the tables, and the one choke point for delivery.
 *
 * Every send of every kind passes `deliver`; inspection, dead letters and remoting hook there and
 * nowhere else.
 */
import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate';
import { AgentRef, cellOf } from './agent-ref.ts';
import { AskWait } from './ask-wait.ts';
import { askOf, type Ask, type Asker } from './ask.ts';
import type { Behavior } from './behavior.ts';
import { Cell } from './cell.ts';
import type { Clock } from './clock.ts';
import { crashFields } from './crash-report.ts';
import { DeadLetters, type DeadLetterReason } from './dead-letters.ts';
import type { Effects } from './effects.ts';
import { Envelope, Lineage, Task, typeOf, type Budget, type Destination } from './envelope.ts';
import {
  ActorEnded,
  DeadlockError,
  HopLimit,
  InvalidOption,
  MailboxFull,
  NameTaken,
  NoSuchActor,
  ROOM,
  SystemStopped,
  type TroupeError,
} from './errors.ts';
import { NOCONNECTION, NOPROC, type Down, type Exit, type ExitReason } from './exit.ts';
import { deepFreeze } from './freeze.ts';
import { HandlerBehavior, handlerOf } from './handler.ts';
import { Inspection, type ReportParts } from './inspection.ts';
import { Ledger } from './ledger.ts';
import { tellEnd, type Life, type Monitor } from './life.ts';
import type { Log } from './log.ts';
import { LogThrottle } from './log-throttle.ts';
import { Names } from './names.ts';
import type { Network } from './network.ts';
import { checkOptions } from './options.ts';
import type { Random } from './random.ts';
import { Redaction, redactingLog, type Redact } from './redaction.ts';
import type { Recorder } from './recorder.ts';
import { NO_ASK_OPTIONS, type AgentName, type AnyRef, type AskOptions } from './ref.ts';
import { Roster } from './roster.ts';
import type { Scheduler } from './scheduler.ts';
import { Siblings } from './siblings.ts';
import { resolveSpawn, type ChildSpawnOptions, type SpawnOptions } from './spawn-options.ts';
import { running } from './step.ts';
import { Timers } from './timers.ts';
import { circleThrough, youngestOf, type BrokenWait, type WaitEdge } from './wait-for.ts';
import { XStateBehavior } from './xstate/behavior.ts';
import { XStateHost, checkXState } from './xstate/host.ts';

/** What a core is made of. */
export interface CoreParts {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly effects: Effects | undefined;
  readonly log: Log;
  readonly freeze: boolean;
  readonly planTransitions: boolean;
  readonly askTimeoutMs: number;
  readonly hopsMax: number;
  readonly deadLettersMax: number;
  readonly crashDetails: boolean;
  readonly redact: Redact | undefined;
}

/** Counters since the start. */
export interface Counters {
  delivered: number;
  unhandled: number;
  crashes: number;
  restarts: number;
  spawned: number;
  asksSettled: number;
  asksFailed: number;
  askMsTotal: number;
  askMsMax: number;
}

/** Who is told of what happens seldom: a watchdog. */
export interface Watch {
  /** `broken` is where the circle is broken. */
  deadlocked(members: readonly string[], requests: readonly string[], broken: BrokenWait): void;
  /** A request is handed on. */
  forwarded(ask: Ask, to: Destination, request: unknown): void;
  crashed(cell: Cell, poison: Envelope | undefined): void;
}

export class Core {
  readonly name: string;
  readonly node: string;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  /** Replaced when the system joins a cluster. */
  network: Network;
  readonly effects: Effects | undefined;
  readonly log: Log;
  readonly redaction: Redaction;
  readonly timers: Timers;
  /** Whether transitions of machines are planned (runtime/xstate/plan.ts). */
  readonly planTransitions: boolean;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly inspection = new Inspection((callback) => this.guard(callback));
  readonly names = new Names((type, name, { cell: { path } }) => {
    if (this.inspection.active) this.inspection.emit({ type, path, name });
  });
  readonly cells = new Roster<Cell>();
  /** Agents without a parent, in start order. */
  readonly roots = new Siblings();
  #xstate: XStateHost | undefined;
  readonly stats: Counters = {
    delivered: 0,
    unhandled: 0,
    crashes: 0,
    restarts: 0,
    spawned: 0,
    asksSettled: 0,
    asksFailed: 0,
    askMsTotal: 0,
    askMsMax: 0,
  };
  stopping = false;
  watch: Watch | undefined;
  /** Keeps what comes in from outside, when a watchdog is to. */
  recorder: Recorder | undefined;
  /** Requests that the step hands on: when it has ended, a circle may have closed. */
  readonly forwarded: Ask[] = [];
  readonly #parts: CoreParts;
  /** Made with the first of them: weak tables make work for the collector, and most systems have none. */
  #offers: WeakMap<Envelope, (reason: DeadLetterReason) => void> | undefined;
  readonly #throttle: LogThrottle;
  readonly #deadlocks: LogThrottle;
  readonly #whenEmpty: (() => void)[] = [];
  #envelopeIds = 0;
  #stampBurst = NaN;
  #stampsLeft = 0;
  #stampedMs = 0;
  #spawnIds = 0;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.node = parts.network.node;
    this.scheduler = parts.scheduler;
    this.clock = parts.clock;
    this.random = parts.random;
    this.network = parts.network;
    this.effects = parts.effects;
    this.log = redactingLog(parts.log, parts.redact);
    this.redaction = new Redaction(parts.redact);
    this.#throttle = new LogThrottle(parts.log);
    this.#deadlocks = new LogThrottle(parts.log);
    this.planTransitions = parts.planTransitions;
    this.timers = new Timers(parts.clock, (idle) => parts.scheduler.onIdle(idle));
    this.deadLetters = new DeadLetters(
      parts.deadLettersMax,
      (envelope) => this.#resend(envelope),
      (callback) => this.guard(callback),
    );
    this.ledger = new Ledger(
      this.timers,
      `${this.node}/`,
      (to, reply) => this.send(to, reply, undefined),
      {
        settled: (ask, error) => this.#settled(ask, error),
        lateReply: (ask, envelope) => this.#lateReply(ask, envelope),
      },
    );
    checkXState();
  }

  /** Made with the first agent that XState runs: a system of function agents does without. */
  get xstate(): XStateHost {
    return (this.#xstate ??= new XStateHost(this));
  }

  // ── Delivery ────────────────────────────────────────────────────────────────────────────────

  /** The choke point: every envelope passes here, exactly once, on its way to its destination. */
  deliver(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined {
    this.stats.delivered += 1;
    if (this.inspection.seesDeliveries) {
      const { to, from, message } = envelope;
      const path = this.pathOf(to.address);
      this.inspection.emit({
        type: 'delivered',
        path,
        to: to.address,
        from,
        message,
        // Few look at it, and it costs as much as all the rest.
        get traceparent() {
          return envelope.traceparent;
        },
      });
    }
    const { network } = this;
    return network.carry === undefined
      ? envelope.to.accept(envelope, resume)
      : network.carry(envelope, resume);
  }

  /** Sends for a life, or for the agent whose step runs, or for code outside agents. */
  send(to: Destination, message: unknown, life: Life | undefined, lineage?: Lineage): void {
    this.checkMessage(message);
    to.check?.(message as object);
    const sender = running.cell?.life ?? life;
    const envelope = new Envelope(
      this.nextId(),
      to,
      sender?.address,
      message,
      lineage ?? sender?.lineage,
      undefined,
      false,
    );
    this.#dispatch(envelope, life);
  }

  /** Opens an ask and sends its request. What is wrong with the target is told through the asker. */
  ask(
    asker: Asker,
    to: Destination,
    request: { readonly type: string },
    options: AskOptions,
    life: Life | undefined,
  ): Ask {
    this.checkMessage(request);
    to.check?.(request);
    if (options !== NO_ASK_OPTIONS) checkOptions(options, ['timeoutMs', 'signal', 'budget']);
    const { budget } = options;
    const nowMs = this.stampMs();
    const inherited = (running.cell?.life ?? life)?.lineage ?? this.newLineage();
    const timeoutMs =
      checkTimeout(options.timeoutMs) ??
      (inherited.deadlineMs === Infinity ? this.#parts.askTimeoutMs : Infinity);
    checkBudget(budget);
    const lineage = inherited.derive(asker.address ?? `${this.node}/`, nowMs + timeoutMs, budget);
    const ask = this.ledger.make(asker, request.type, to.address, lineage, nowMs);
    const { hopsMax } = this.#parts;
    if (this.stopping)
      ask.fail(new SystemStopped({ system: this.name, asked: `ask "${request.type}"` }));
    else if (lineage.hops > hopsMax)
      ask.fail(new HopLimit({ address: to.address, hopsMax, chain: lineage.path }));
    else {
      const { replyTo } = ask;
      // In this order the copy stays on V8's quick path; a stray replyTo of the caller must not win.
      const message = { replyTo, ...request };
      message.replyTo = replyTo;
      this.checkMessage(message);
      const id = this.nextId();
      const envelope = new Envelope(id, to, asker.address, message, lineage, ask, false);
      if (this.watch !== undefined) lineage.hop = envelope;
      this.#dispatch(envelope, life);
      if (this.inspection.active) {
        this.inspection.emit({
          type: 'asked',
          path: this.pathOf(to.address),
          to: to.address,
          request: request.type,
          by: asker.address,
        });
      }
    }
    return ask;
  }

  /** Sends an open request to its next holder. */
  forward(ask: Ask, to: Destination, request: unknown, life: Life): void {
    this.checkMessage(request);
    to.check?.(request as object);
    this.ledger.release(ask);
    const lineage = ask.lineage.derive(life.address, Infinity, undefined);
    ask.lineage = lineage;
    const { hopsMax } = this.#parts;
    if (lineage.hops > hopsMax)
      ask.fail(new HopLimit({ address: to.address, hopsMax, chain: lineage.path }));
    else {
      const id = this.nextId();
      const envelope = new Envelope(id, to, life.address, request, lineage, ask, false);
      if (this.watch !== undefined) lineage.hop = envelope;
      this.#dispatch(envelope, life);
      this.forwarded.push(ask);
      this.watch?.forwarded(ask, to, request);
      if (running.cell === undefined) this.checkForwarded();
    }
  }

  /** Looks for circles that requests have closed which were handed on. */
  checkForwarded(): void {
    for (const { at } of this.forwarded.splice(0)) if (at !== undefined) this.breakDeadlock(at);
  }

  /**
   * Breaks a circle that goes through an agent, if it is in one: its youngest request fails. When all
   * in it only wait for room, the youngest of their messages becomes a dead letter, as it would have
   * in a mailbox that makes nobody wait.
   */
  breakDeadlock(cell: Cell): void {
    const circle = circleThrough(cell);
    if (circle !== undefined) this.#break(circle);
  }

  // Apart, since every ask looks for a circle and hardly any is in one.
  #break(circle: readonly WaitEdge[]): void {
    const youngest = youngestOf(circle);
    const members = circle.map((edge) => edge.from.address);
    const requests = circle.map((edge) => (edge.envelope === undefined ? edge.ask.request : ROOM));
    this.breakCircle(youngest.from, youngest, members, requests);
  }

  /** Breaks a circle at the wait of an agent of this node, and tells of it. */
  breakCircle(
    from: Cell,
    wait: BrokenWait,
    members: readonly string[],
    requests: readonly string[],
  ): void {
    const { ask } = wait;
    const { path } = this.cellAt(ask?.by) ?? from;
    if (this.inspection.active) this.inspection.emit({ type: 'deadlock', path, members, requests });
    this.#deadlocks.warn(this.clock.now(), { path, members, requests }, 'deadlock');
    this.watch?.deadlocked(members, requests, wait);
    if (ask !== undefined) {
      const { target: address, request: message } = ask;
      ask.fail(new DeadlockError({ address, message, members, requests }));
    } else if (wait.envelope !== undefined) wait.to.turnAway(from.address);
  }

  /** An ask by code outside agents, or by an agent that wants a promise. */
  askFromOutside(
    to: Destination,
    request: { readonly type: string },
    options: AskOptions,
  ): Promise<never> {
    const life = running.cell?.life;
    return new Promise((resolve, reject) => {
      const wait = new AskWait(life);
      wait.whenSettled(() => wait.pass(resolve, reject));
      wait.await(this.ask(wait, to, request, options, life), options.signal);
    });
  }

  /** Sends from outside and waits for a place in the mailbox. */
  offer(ref: AgentRef, message: EventObject, signal: AbortSignal | undefined): Promise<void> {
    this.checkMessage(message);
    if (running.cell !== undefined) {
      const given = `a call in a step of ${running.cell.address}`;
      const allowed = 'a call from outside: an agent that sends waits for room by itself';
      throw new InvalidOption({ field: 'offer', given, allowed });
    }
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const envelope = new Envelope(
        this.nextId(),
        ref.destination,
        undefined,
        message,
        undefined,
        undefined,
        false,
      );
      const abort = (): void => {
        if (ref.cell?.withdraw(envelope) === true) reject(signal?.reason as Error);
      };
      (this.#offers ??= new WeakMap()).set(envelope, (reason) =>
        reject(refusal(ref, message.type, reason)),
      );
      this.recorder?.entered(envelope);
      const admitted = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      if (this.deliver(envelope, admitted) !== 'blocked') resolve();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #dispatch(envelope: Envelope, life: Life | undefined): void {
    // A step's sends wait for its end; those of a continuation that runs in no step leave at once.
    if (running.cell !== undefined) running.cell.post(envelope);
    else if (life !== undefined && life === life.cell.life) life.cell.sendNow(envelope);
    else {
      if (envelope.from === undefined) this.recorder?.entered(envelope);
      this.deliver(envelope, envelope.ask === undefined ? undefined : NOTHING);
    }
  }

  #resend(envelope: Envelope): void {
    const { to, message } = envelope;
    const destination = to instanceof Cell ? (this.cells.get(to.path) ?? to) : to;
    this.deliver(
      new Envelope(this.nextId(), destination, undefined, message, undefined, undefined, false),
      undefined,
    );
  }

  /** A message found nobody: its ask fails, a plain send becomes a dead letter. */
  undeliverable(envelope: Envelope, reason: ExitReason | undefined): void {
    const { ask, type: message, to } = envelope;
    if (envelope.exempt) return;
    if (ask === undefined)
      this.deadLetter(envelope, reason === undefined ? 'no such actor' : 'actor ended');
    else if (reason === undefined) ask.fail(new NoSuchActor({ address: to.address, message }));
    else ask.fail(new ActorEnded({ address: to.address, message, reason }));
  }

  deadLetter(envelope: Envelope, reason: DeadLetterReason, error?: unknown): void {
    const nowMs = this.clock.now();
    const letter = this.deadLetters.add(envelope, reason, nowMs, error);
    // Nothing happens when the offer has got its place before.
    this.#offers?.get(envelope)?.(reason);
    const { to, from } = letter;
    if (this.inspection.active) {
      const shown = this.redaction.letter(this.pathOf(to) ?? to, letter);
      this.inspection.emit({ type: 'dropped', letter: shown });
    }
    this.#throttle.warn(nowMs, { to, from, message: envelope.type, reason }, 'dead letter');
  }

  // ── Agents ──────────────────────────────────────────────────────────────────────────────────

  spawn(
    logic: AnyActorLogic,
    options: (SpawnOptions<AnyActorLogic> & ChildSpawnOptions) | undefined,
    parent: Cell | undefined,
  ): Cell {
    const resolved = resolveSpawn(logic, options, (given) => handlerOf(given)?.shutdown);
    if (handlerOf(logic) === undefined) this.xstate.check(logic);
    if (parent === undefined) checkTop(options);
    const place = parent?.path ?? '';
    const id = options?.id ?? this.#freeId(place);
    const path = `${place}/${id}`;
    if (this.stopping) throw new SystemStopped({ system: this.name, asked: `spawn ${path}` });
    if (this.cells.has(path)) {
      throw new NameTaken({
        name: path,
        requestedBy: `spawn of "${id}"`,
        heldBy: 'the agent that lives there',
      });
    }
    const cell = new Cell(this, id, path, parent, resolved);
    if (resolved.name !== undefined) this.names.register(resolved.name, cell.life);
    this.cells.add(path, cell);
    (parent === undefined ? this.roots : (parent.children ??= new Siblings())).add(cell);
    this.stats.spawned += 1;
    if (this.inspection.active)
      this.inspection.emit({ type: 'spawned', path, parent: parent?.path });
    cell.begin();
    return cell;
  }

  /** The next number that is no id of the user's own at this place. */
  #freeId(place: string): string {
    for (;;) {
      const id = `$${(this.#spawnIds += 1)}`;
      if (!this.cells.has(`${place}/${id}`)) return id;
    }
  }

  host(life: Life): Behavior {
    const handler = handlerOf(life.cell.options.logic);
    return handler === undefined
      ? new XStateBehavior(this.xstate, life)
      : new HandlerBehavior(handler, life);
  }

  /** The place is free again. */
  vacate(cell: Cell): void {
    this.cells.delete(cell.path, cell);
    if (cell.parent === undefined) this.roots.delete(cell);
    if (this.roots.size === 0) for (const empty of this.#whenEmpty.splice(0)) empty();
  }

  whenEmpty(empty: () => void): void {
    if (this.roots.size === 0) empty();
    else this.#whenEmpty.push(empty);
  }

  crashed(cell: Cell, error: unknown, poison: Envelope | undefined): void {
    this.stats.crashes += 1;
    const { path, life } = cell;
    const { log, crashDetails } = this.#parts;
    const given = crashFields(cell, error, poison, crashDetails);
    const report = this.redaction.report({
      level: 'error',
      label: 'agent crashed',
      path,
      fields: given,
    });
    const { fields } = report;
    if (this.inspection.active) {
      const { incarnation } = life;
      this.inspection.emit({ type: 'crashed', path, incarnation, error: fields['err'], report });
    }
    log.error({ path: report.path, ...fields }, report.label);
    if (poison !== undefined && !poison.exempt) this.deadLetter(poison, 'poison', error);
    this.watch?.crashed(cell, poison);
  }

  // ── Signals and notices ─────────────────────────────────────────────────────────────────────

  /** An exit signal from one agent to another: a message when the receiver traps exits. */
  exit(to: Cell, from: Cell, reason: ExitReason): void {
    if (!to.life.trapExit) to.signal({ type: 'exit', life: to.life, from, reason });
    else this.notify(to, { type: 'troupe.exit', from: from.ref, reason });
  }

  /** The exit signal of an agent that is not there, or is on another node. */
  exitElsewhere(to: Cell, from: AnyRef, reason = this.#absent(from)): void {
    if (to.life.trapExit) this.notify(to, { type: 'troupe.exit', from, reason });
    else to.signal({ type: 'exit', life: to.life, from: undefined, reason });
  }

  /** Sends an exit signal from a step: one that is trapped keeps its place among the step's sends. */
  exitFromStep(to: Cell, from: Cell, reason: ExitReason): void {
    if (!to.life.trapExit || running.cell === undefined) this.exit(to, from, reason);
    else running.cell.post(this.#notice(to, { type: 'troupe.exit', from: from.ref, reason }));
  }

  /** Sends an exit signal to an agent of another node: it keeps its place among the step's sends. */
  exitAway(to: AnyRef, from: Cell, reason: ExitReason): void {
    const { remote } = this.network;
    if (to.node === this.node || remote === undefined) return;
    const accept = (): undefined => remote.exit(from, to, reason) as undefined;
    const destination: Destination = { address: to.address, accept };
    const notice: Exit = { type: 'troupe.exit', from: from.ref, reason };
    const { address } = from;
    this.#dispatch(
      new Envelope(this.nextId(), destination, address, notice, undefined, undefined, true),
      from.life,
    );
  }

  /** Delivers a notice: a message that no bound holds back. */
  notify(to: Cell, notice: Down | Exit): void {
    this.deliver(this.#notice(to, notice), undefined);
  }

  #notice(to: Cell, notice: Down | Exit): Envelope {
    const from = notice.type === 'troupe.down' ? notice.ref.address : notice.from?.address;
    return new Envelope(this.nextId(), to, from, notice, undefined, undefined, true);
  }

  /** Why nobody is there: an agent of another node may live, and only not be reached. */
  #absent({ node }: AnyRef): ExitReason {
    return node === this.node ? NOPROC : NOCONNECTION;
  }

  /** Watches whoever lives at the ref: without `report` the life that watches gets the `Down` as a message. */
  monitor(ref: AnyRef, watcher: Life | undefined, report: Monitor['report']): Monitor {
    const cell =
      this.cellHere(ref) ?? (ref instanceof AgentRef ? this.own(ref).lastCell : undefined);
    if (cell !== undefined) return cell.life.watch(watcher, report);
    const monitor: Monitor = { watched: undefined, watcher, report, away: undefined, at: -1 };
    const tell = (incarnation: number, reason: ExitReason): void => {
      monitor.away = undefined;
      tellEnd(monitor, { type: 'troupe.down', ref, incarnation, reason });
    };
    if (ref.node !== this.node) monitor.away = this.network.remote?.monitor(ref, tell);
    if (monitor.away === undefined) tell(0, this.#absent(ref));
    else watcher?.noteWatch(monitor);
    return monitor;
  }

  // ── Addresses ───────────────────────────────────────────────────────────────────────────────

  addressOf(path: string): string {
    return `${this.node}${path}`;
  }

  /** Where a ref, a name or one of our own destinations leads now. */
  destinationOf(to: unknown): Destination {
    if (to instanceof AgentRef) return this.own(to).destination;
    const ask = askOf(to);
    if (ask !== undefined) return ask;
    if (isDestination(to)) return to;
    if (typeof to === 'object' && to !== null && 'name' in to && typeof to.name === 'string') {
      const { name } = to;
      const find = (): Cell | undefined => this.names.find(name);
      return find() ?? this.elsewhere(this.node, `/(name ${name})`, find);
    }
    throw new InvalidOption({
      field: 'to',
      given: to,
      allowed: 'a ref, a replyTo or an agentName(...)',
    });
  }

  /**
   * The ref as this system has it. One of another system in this process leads straight to that
   * system's cell; for a node among others it is the ref of another node, past which nothing goes.
   */
  own(ref: AgentRef): AgentRef {
    const { core } = ref;
    if (core === this || this.network.remote === undefined) return ref;
    if (core.node !== this.node) return this.refAt(ref.address);
    const given = `${ref.address}, a ref of another system "${core.node}"`;
    const allowed = `a ref of this system "${this.node}", or of a node with another name`;
    throw new InvalidOption({ field: 'ref', given, allowed });
  }

  /** The cell that a ref leads to from here; undefined for an agent of another node. */
  cellHere(ref: AnyRef): Cell | undefined {
    return cellOf(ref instanceof AgentRef ? this.own(ref) : ref);
  }

  whereis(name: AgentName): AnyRef | undefined {
    return this.names.find(name.name)?.ref;
  }

  /** The ref to `node/path`, whoever lives there. */
  refAt(address: string): AgentRef {
    const slash = address.indexOf('/');
    if (slash <= 0)
      throw new InvalidOption({ field: 'address', given: address, allowed: '"node/path"' });
    const node = address.slice(0, slash);
    const path = address.slice(slash);
    return (
      (node === this.node ? this.cells.get(path)?.ref : undefined) ??
      new AgentRef(this, { node, path })
    );
  }

  /** A destination with no cell here: another node, or nobody. */
  elsewhere(node: string, path: string, find = () => this.cells.get(path)): Destination {
    const accept = (
      envelope: Envelope,
      resume: (() => void) | undefined,
    ): 'blocked' | undefined => {
      // Somebody may live there by now: a step has ended since the send, or a dead letter is sent again.
      const cell = node === this.node ? find() : undefined;
      if (cell !== undefined) return cell.accept(envelope, resume);
      if (node !== this.node && this.network.send(node, envelope)) return undefined;
      if (node !== this.node && envelope.ask === undefined)
        this.deadLetter(envelope, 'no such node');
      else this.undeliverable(envelope, undefined);
      return undefined;
    };
    const address = `${node}${path}`;
    const { remote } = this.network;
    if (node === this.node || remote === undefined) return { address, accept };
    return { address, accept, check: (message) => remote.check(message) };
  }

  /** An XState actor outside troupe, as a destination. */
  foreign(actor: AnyActorRef): Destination {
    if (typeof actor?.send !== 'function') {
      throw new InvalidOption({ field: 'to', given: actor, allowed: 'a ref or an XState actor' });
    }
    return {
      address: `(xstate)/${actor.id}`,
      accept: ({ message }) => {
        this.guard(() => actor.send(message as EventObject));
        return undefined;
      },
    };
  }

  /**
   * The time for the age of a message. Reading the clock costs as much as a short step, so that one
   * reading serves up to 32 messages of the same burst of turns.
   */
  stampMs(): number {
    const { burst } = this.scheduler;
    if (burst !== this.#stampBurst || this.#stampsLeft === 0) {
      this.#stampBurst = burst;
      this.#stampsLeft = 32;
      this.#stampedMs = this.clock.now();
    }
    this.#stampsLeft -= 1;
    return this.#stampedMs;
  }

  /** The agent that lives at an address of this node. */
  cellAt(address: string | undefined): Cell | undefined {
    const path = address === undefined ? undefined : this.pathOf(address);
    return path === undefined ? undefined : this.cells.get(path);
  }

  /** The path at an address of this node; undefined for another node, an ask or a name. */
  pathOf(address: string): string | undefined {
    const isPlace = address.startsWith(`${this.node}/`) && !/[#\s]/.test(address);
    return isPlace ? address.slice(this.node.length) : undefined;
  }

  // ── Small things ────────────────────────────────────────────────────────────────────────────

  nextId(): number {
    return (this.#envelopeIds += 1);
  }

  newLineage(): Lineage {
    return new Lineage(new Task(this.random), Infinity, undefined, undefined, undefined);
  }

  /** Throws unless the value can be sent; freezes it where the system is told to. */
  checkMessage(message: unknown): void {
    // No `in` before the read: messages have many shapes, and it costs several times as much as the read.
    const isEvent =
      typeof message === 'object' &&
      message !== null &&
      typeof (message as { readonly type?: unknown }).type === 'string';
    if (!isEvent) {
      throw new InvalidOption({
        field: 'message',
        given: message,
        allowed: 'an event object with a string `type`',
      });
    }
    if (this.#parts.freeze) deepFreeze(message, `message "${typeOf(message)}"`);
  }

  /** Runs a callback of somebody else's: what it throws is logged and goes no further. */
  guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  callbackThrew(error: unknown): void {
    this.log.error({ err: error }, 'a callback threw');
  }

  /** Tells the log and the inspection; what nobody reads is not put together. */
  report(path: string, { level, label, fields: given }: ReportParts): void {
    const logged = this.log.isLevelEnabled?.(level) !== false;
    if (!logged && !this.inspection.active) return;
    const fields = typeof given === 'function' ? given() : given;
    const report = this.redaction.report({ level, label, path, fields });
    const { label: shown } = report;
    if (logged)
      this.#parts.log[level]({ label: shown, path: report.path, ...report.fields }, shown);
    if (this.inspection.active) this.inspection.emit({ type: 'report', report });
  }

  #settled(ask: Ask, error: unknown): void {
    const { stats } = this;
    const tookMs = this.stampMs() - ask.madeAtMs;
    if (ask.state === 'answered') {
      stats.asksSettled += 1;
      stats.askMsTotal += tookMs;
      stats.askMsMax = Math.max(stats.askMsMax, tookMs);
    } else if (ask.state !== 'cancelled') stats.asksFailed += 1;
    if (this.inspection.active && ask.state !== 'open') {
      const path = this.pathOf(ask.target);
      this.inspection.emit({
        type: 'settled',
        path,
        to: ask.target,
        request: ask.request,
        by: ask.by,
        outcome: ask.state,
        error: this.redaction.error('request failed', path ?? ask.target, error),
        tookMs,
      });
    }
  }

  #lateReply(ask: Ask, envelope: Envelope): void {
    if (!this.inspection.active) return;
    this.inspection.emit({
      type: 'late reply',
      request: ask.request,
      state: ask.state,
      from: envelope.from,
    });
  }
}

const NOTHING = (): void => undefined;

function isDestination(to: unknown): to is Destination {
  return typeof to === 'object' && to !== null && 'accept' in to && typeof to.accept === 'function';
}

/** What an offer rejects with when its message became a dead letter. */
function refusal(ref: AgentRef, message: string, why: DeadLetterReason): TroupeError {
  const { address, lastCell: cell } = ref;
  if (cell === undefined || why === 'no such actor' || why === 'no such node')
    return new NoSuchActor({ address, message });
  if (why !== 'actor ended') {
    const { capacityMessages } = cell.mailbox;
    return new MailboxFull({ address, message, capacityMessages });
  }
  const reason = cell.life.ending ?? NOPROC;
  const when = `before it took "${message}"`;
  return new ActorEnded({ address, message, reason }, when);
}

function checkTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0))
    return timeoutMs;
  throw new InvalidOption({ field: 'timeoutMs', given: timeoutMs, allowed: 'milliseconds >= 0' });
}

/** An agent at the top has no parent that could link, monitor or hold it. */
function checkTop(options: ChildSpawnOptions | undefined): void {
  for (const key of ['link', 'monitor', 'hold'] as const) {
    if (options?.[key] === true) {
      const allowed = `only ctx.spawn, by a parent, takes ${key}`;
      throw new InvalidOption({ field: `options.${key}`, given: true, allowed });
    }
  }
}

function checkBudget(budget: Budget | undefined): void {
  if (budget === undefined) return;
  if (typeof budget !== 'object' || budget === null)
    throw new InvalidOption({ field: 'budget', given: budget, allowed: 'an object of numbers' });
  for (const [name, amount] of Object.entries(budget)) {
    if (typeof amount !== 'number' || !(amount >= 0)) {
      throw new InvalidOption({ field: `budget.${name}`, given: amount, allowed: 'a number >= 0' });
    }
  }
}
