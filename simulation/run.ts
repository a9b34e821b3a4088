/**
 * One run of a scenario: a fresh system under simulation seams, the events that can happen next in
 * it, and the step that one of them is. Who chooses among the events stands elsewhere.
 *
 *     enabled ─▶ [ choice of a strategy ] ─▶ step: one message, answer or timer,
 *        ▲                                         then every command that follows
 *        └──────────── record, checks ◀──────────────┘
 *
 * Messages are put into mailboxes as ever, but which of them an agent handles next is open: the
 * first of each sender may come. So the order per sender and receiver holds, and nothing else does.
 */
import type { EventObject } from 'xstate';
import {
  DeadlockError,
  ActorEnded,
  HopLimit,
  RequestLost,
  createSystem,
  type InspectionEvent,
  type Network,
  type System,
} from '../runtime/index.ts';
import {
  Ask,
  Cell,
  coreOf,
  running,
  type Core,
  type Envelope,
  type Timer,
} from '../runtime/internal.ts';
import { within, type Ambient } from './ambient.ts';
import { digest } from './digest.ts';
import { ShownClock } from './clock.ts';
import { EffectBoard, type Pending } from './effects.ts';
import type { Completion, Delivery, Fault, Reply, SimEvent } from './event.ts';
import { Faulting, InjectedCrash } from './faults.ts';
import { AT_THE_END, loopOf } from './lasso.ts';
import { History } from './linearizable.ts';
import { laneOf, nameOf, obligationName } from './names.ts';
import { OrderWatch } from './order.ts';
import { matches, type Scenario } from './scenario.ts';
import { stageOf } from './stage.ts';
import { CountedRandom } from './random.ts';
import { StateText } from './state.ts';
import { Stepper } from './stepper.ts';
import { deadlockOf, stuckOf } from './waits.ts';
import { World, type RootAsk } from './world.ts';
import { signatureOf, type Verdict, type Violation } from './violation.ts';

/** What happened in one step. */
export interface Step {
  readonly kind: SimEvent['kind'];
  readonly id: string;
  readonly key: string;
  /** Whose step it was; undefined when it was of no agent. */
  readonly agent: string | undefined;
  /** Whether its message was a request. */
  readonly isRequest: boolean;
  /** The step in which its message was sent or its timer set; -1 for the setup. */
  readonly cause: number;
  /** Which options were chosen in it, and of how many. */
  readonly choices: readonly Choice[];
  /** The ids of what was sent in it. */
  readonly sent: readonly string[];
  /** What else happened, for people: crashes, ends, restarts, dead letters. */
  readonly notes: readonly string[];
  /** The requests and tasks that it settled, and whether it said that it made progress. */
  readonly discharged: readonly string[];
  readonly progress: boolean;
  readonly restarts: number;
  /** Who was restarted in it. */
  readonly restarted: readonly string[];
  /** It touched its own agent alone, and what it sent: no life began or ended, no timer fired. */
  readonly isLocal: boolean;
  readonly atMs: number;
}

/** A choice of the program, as it was made. */
export interface Choice {
  readonly id: string;
  readonly count: number;
  readonly index: number;
  readonly fair: boolean;
  /** What was chosen. */
  readonly option?: unknown;
}

/** Makes the choices of a program: the index of an option. A fair choice must not avoid one for ever. */
export type Chooser = (id: string, count: number, fair: boolean) => number;

const FIRST: Chooser = () => 0;

/** What all chance of a program follows from. */
const SEED = 1;

/** The inspection events of a step that touches more than its own agent. */
const LIFE = new Set(['spawned', 'started', 'crashed', 'ended', 'restarted', 'dropped', 'report']);

/** The mutable side of {@link Step}. */
interface Notes {
  choices: Choice[];
  sent: string[];
  notes: string[];
  discharged: string[];
  progress: boolean;
  restarts: number;
  restarted: string[];
  isLocal: boolean;
}

/** A failed `assert` of the simulated program. */
class Failed extends Error {
  override readonly name = 'AssertionFailed';
}

/** One run of a scenario. */
export class Run<W = unknown> implements Ambient {
  readonly scenario: Scenario<W>;
  readonly system: System;
  readonly core: Core;
  readonly world: World;
  /** All steps so far. */
  readonly steps: Step[] = [];
  /** What has gone wrong first. */
  violation: Violation | undefined;
  /** Makes the choices of the program. */
  chooser: Chooser;
  /** Whether what has been checked before is run again: nothing new can be wrong. */
  isChecked = false;
  /** Whether faults may still come: not in the fair end of a run. */
  faulty = true;
  readonly #clock = new ShownClock();
  readonly #stepper = new Stepper();
  readonly #faults: Faulting;
  readonly #effects: EffectBoard;
  readonly #order: OrderWatch;
  readonly #history: History<Ask> | undefined;
  readonly #state: StateText;
  readonly #tasks = new Map<string, 'open' | 'done'>();
  readonly #asks: RootAsk[] = [];
  /** Whose step opened a task. */
  readonly #openers = new Map<string, string>();
  /** Who has lost a message: by a crash, by its end, or on a broken link. */
  readonly #losers = new Set<string>();
  /** The answers that are on their way. */
  readonly #replies = new Set<Envelope>();
  readonly #ids = new Map<Envelope, { readonly id: string; readonly bornAt: number }>();
  readonly #timerIds = new Map<Timer, { readonly id: string; readonly bornAt: number }>();
  readonly #counts = new Map<string, number>();
  /** Messages that were put aside: when they are tried again, they come before all others. */
  readonly #retried = new Set<Envelope>();
  readonly #clients = new Set<Cell>();
  #notes: Notes = fresh();
  /** The number of the step that is made; -1 in the setup. */
  #moment = -1;
  /** Whose step it is. */
  #acting: Cell | undefined;
  /** The event of the timer that fires, or of the effect that goes on. */
  #fired: Envelope | undefined;
  #isCompleting = false;
  /** Why the run makes no sense. */
  #refused: Error | undefined;

  readonly #random: CountedRandom;
  /** The signatures of what is known to be wrong, and looked past. */
  readonly #beside: readonly string[];

  constructor(
    scenario: Scenario<W>,
    workload: W,
    chooser: Chooser = FIRST,
    beside: readonly string[] = [],
  ) {
    this.scenario = scenario;
    this.#beside = beside;
    this.chooser = chooser;
    const network: Network = {
      node: 'local',
      send: () => false,
      carry: (envelope, resume) => this.#carry(envelope, resume),
    };
    this.#random = new CountedRandom(SEED);
    this.#effects = new EffectBoard(scenario.effects ?? {}, scenario.faults?.late !== undefined, {
      numbered: (label) => this.#numbered(label),
      nextOrder: () => this.core.nextId(),
      stepNumber: () => this.#moment,
      refuse: (error) => void (this.#refused ??= error),
    });
    this.system = createSystem({
      log: false,
      freeze: true,
      // The default deadline of an ask is a safety net. Here it would hide that the net was needed.
      askTimeoutMs: Infinity,
      clock: this.#clock,
      scheduler: this.#stepper,
      random: this.#random,
      network,
      effects: this.#effects,
    });
    this.core = coreOf(this.system);
    this.world = new World(this.core, this.#tasks, this.#asks);
    this.#faults = new Faulting(scenario.faults ?? {});
    this.#order = new OrderWatch(scenario.ordering ?? []);
    const { linearizable } = scenario;
    this.#history = linearizable && new History(linearizable.of, linearizable.model);
    this.#state = new StateText(this.core, scenario.project ?? {});
    // Each delivery is seen on its way, at the network seam.
    this.core.inspection.observe((event) => this.#observe(event), false);
    try {
      within(this, () => {
        scenario.setup(stageOf(this.core, this.system, this.#asks, this.#clients), workload);
        this.#stepper.settle();
      });
    } catch (error) {
      if (this.violation === undefined) throw error;
    }
    if (this.#refused !== undefined) throw this.#refused;
    this.#remember(undefined);
    this.#numberTimers(undefined);
    this.#check();
    this.setup = this.#notes;
  }

  /** What the setup did before the first step. */
  readonly setup: Readonly<Notes>;

  // ── What can happen ─────────────────────────────────────────────────────────────────────────

  /** The events that can happen next, the oldest first; timers come last, and faults not at all. */
  enabled(): SimEvent[] {
    const all: SimEvent[] = [];
    const { isParted: parted } = this.#faults;
    this.#forgetVoid();
    for (const cell of this.#stepper.ready) if (cell.takesMessages) this.#deliveries(cell, all);
    for (const envelope of this.#replies) all.push(this.#reply(envelope));
    for (const effect of this.#effects.ready()) all.push(this.#completion(effect));
    all.sort((a, b) => a.order - b.order);
    const events = parted ? all.filter((event) => !this.#faults.isCut(event)) : all;
    for (const timer of this.core.timers.nextDue()) {
      if (timer.dueMs === Infinity) break;
      const { id, bornAt } = this.#timerIds.get(timer) ?? { id: 'timer', bornAt: -1 };
      const key = id.slice(0, id.lastIndexOf('#'));
      events.push({ kind: 'timer', id, key, cell: undefined, order: Infinity, bornAt, timer });
    }
    if (parted)
      events.push({
        kind: 'heal',
        id: this.#faults.healing,
        key: 'heal',
        cell: undefined,
        order: Infinity,
        bornAt: -1,
      });
    return events;
  }

  /** The faults that can come instead of the enabled events. */
  faults(enabled: readonly SimEvent[]): Fault[] {
    return this.faulty ? this.#faults.possible(enabled, this.core, this.#effects.givenUp) : [];
  }

  /** Nothing breaks any more, and what was cut off can be reached again. */
  endFaults(): void {
    this.faulty = false;
    this.#faults.isParted = false;
  }

  /** What nobody would see: events of cancelled timers, requests that are over, and answers to them. */
  #forgetVoid(): void {
    for (const { mailbox } of this.#stepper.ready)
      for (const envelope of mailbox)
        if (isVoid(envelope)) {
          mailbox.removeWhere(isVoid);
          break;
        }
    for (const envelope of this.#replies) {
      const ask = envelope.to as Ask;
      if (ask.state === 'open') continue;
      this.#replies.delete(envelope);
      ask.accept(envelope);
    }
  }

  #deliveries(cell: Cell, events: SimEvent[]): void {
    const seen = new Set<string>();
    let skip = cell.mailbox.postponed;
    let retry: Delivery | undefined;
    const first = events.length;
    for (const envelope of cell.mailbox) {
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      if (this.#retried.has(envelope)) retry ??= this.#delivery(cell, envelope);
      const lane = laneOf(envelope);
      if (seen.has(lane)) continue;
      seen.add(lane);
      events.push(this.#delivery(cell, envelope));
    }
    // What the state had put aside comes first when the state has changed, as in gen_statem.
    if (retry !== undefined) events.splice(first, events.length, retry);
  }

  #delivery(cell: Cell, envelope: Envelope): Delivery {
    const { id, bornAt } = this.#idOf(envelope);
    const key = `${laneOf(envelope)}>${cell.path}`;
    return { kind: 'deliver', id, key, cell, order: envelope.id, bornAt, envelope };
  }

  #reply(envelope: Envelope): Reply {
    const { id, bornAt } = this.#idOf(envelope);
    const ask = envelope.to as Ask;
    const cell = this.cellAt(ask.by);
    const key = `reply ${ask.target}>${ask.by ?? ''}`;
    return { kind: 'reply', id, key, cell, order: envelope.id, bornAt, ask, envelope };
  }

  #completion(effect: Pending): Completion {
    const { id, label, agent, order, bornAt } = effect;
    const cell = this.core.cells.get(`/${agent}`);
    return { kind: 'effect', id, key: `effect ${label}`, cell, order, bornAt, effect };
  }

  // ── One step ────────────────────────────────────────────────────────────────────────────────

  /** Lets an event happen, and all commands that follow from it. */
  step(event: SimEvent): Step {
    const notes = (this.#notes = fresh());
    this.#moment = this.steps.length;
    const { cell } = event;
    this.#acting = cell;
    const { size: names } = this.core.names;
    if (!['deliver', 'reply', 'effect'].includes(event.kind)) notes.isLocal = false;
    within(this, () => {
      this.#perform(event);
      this.#stepper.settle();
    });
    if (this.#refused !== undefined) throw this.#refused;
    this.#remember(event);
    this.#numberTimers(cell);
    if (this.core.names.size !== names) notes.isLocal = false;
    const step: Step = {
      kind: event.kind,
      id: event.id,
      key: event.key,
      agent: (cell ?? this.#acting)?.path.slice(1),
      isRequest: event.kind === 'deliver' && event.envelope.ask !== undefined,
      cause: event.bornAt,
      ...notes,
      atMs: this.#clock.now(),
    };
    this.steps.push(step);
    this.#check();
    return step;
  }

  /** Whoever ran may wait now in the midst of its code: by an event of its own, or as a timer or another agent let it go on. */
  #remember(event: SimEvent | undefined): void {
    const { choices } = this.#notes;
    const told =
      event === undefined || event.kind === 'timer'
        ? this.#fired
        : 'envelope' in event
          ? event.envelope
          : undefined;
    for (const cell of this.#stepper.takeRan())
      this.#state.after(cell, event?.id ?? 'setup', told, choices);
  }

  #perform(event: SimEvent): void {
    switch (event.kind) {
      case 'deliver':
        return this.#handle(event.cell, event.envelope);
      case 'reply':
        this.#replies.delete(event.envelope);
        event.ask.accept(event.envelope);
        this.#history?.answered(event.ask, event.envelope.message, this.#moment);
        return undefined;
      case 'timer':
        return this.#fire(event.timer);
      case 'effect':
        return this.#goOn(event.effect);
      case 'heal':
        this.#faults.isParted = false;
        return undefined;
      default:
        this.#faults.spend(event);
        return this.#spoil(event);
    }
  }

  #handle(cell: Cell, envelope: Envelope): void {
    if (!cell.mailbox.advance(envelope)) return;
    const agent = cell.path.slice(1);
    const before = this.violation;
    this.#stepper.step(cell);
    // What is put aside is not handled: it comes again.
    if (isPostponed(cell, envelope)) {
      this.#retried.add(envelope);
      return;
    }
    if (this.scenario.progress?.(envelope.message as EventObject, agent) === true)
      this.#notes.progress = true;
    this.#order.handled(agent, envelope.type, (text) => {
      // Whatever else went wrong in the step came of it.
      this.violation = before;
      this.violate('ORDER', text, { agents: [agent] });
    });
  }

  #fire(timer: Timer): void {
    this.#clock.advanceTo(timer.dueMs);
    this.#fired = undefined;
    this.core.timers.fire(timer);
    this.#handleFired();
  }

  #goOn(effect: Pending): void {
    const { id, label, fair } = effect;
    this.#fired = undefined;
    this.#isCompleting = true;
    const came = this.#effects.complete(effect, (outcomes) => this.choose(label, outcomes, fair));
    this.#isCompleting = false;
    this.#notes.notes.push(`${id} ${came}`);
    this.#handleFired();
  }

  #handleFired(): void {
    this.#stepper.settle();
    // Its event is handled now, as if it had just come in; others that wait may come before in another schedule.
    const fired = this.#fired as Envelope | undefined;
    if (!(fired?.to instanceof Cell) || !fired.to.takesMessages) return;
    if (this.#isBehind(fired.to, fired)) return;
    this.#acting = fired.to;
    this.#handle(fired.to, fired);
  }

  /** Whether an agent's own events are before it, which keep their order. */
  #isBehind({ mailbox }: Cell, fired: Envelope): boolean {
    if (fired.timer !== undefined) return false;
    for (const envelope of mailbox) {
      if (envelope === fired) return false;
      if (laneOf(envelope) === laneOf(fired)) return true;
    }
    return false;
  }

  #spoil(fault: Fault): void {
    const { kind, of, cell, effect } = fault;
    switch (kind) {
      case 'late':
        if (effect !== undefined) this.#goOn(effect);
        return undefined;
      case 'drop':
        if (cell !== undefined) this.#losers.add(cell.path.slice(1));
        if (of?.kind === 'reply') this.#replies.delete(of.envelope);
        else if (of !== undefined) of.cell.mailbox.removeWhere((entry) => entry === of.envelope);
        return undefined;
      case 'duplicate':
        if (of?.kind === 'deliver') {
          this.#handle(of.cell, of.envelope);
          this.#stepper.settle();
          if (!of.cell.takesMessages) return undefined;
          of.cell.mailbox.force(of.envelope);
          this.#handle(of.cell, of.envelope);
        }
        return undefined;
      case 'partition':
        this.#faults.isParted = true;
        if (this.#faults.loses) this.#lose();
        return undefined;
      case 'crash waiting':
        cell?.fail(new InjectedCrash());
        return undefined;
      case 'crash after':
        if (of?.kind === 'deliver') this.#handle(of.cell, of.envelope);
        this.#stepper.settle();
        if (cell?.status === 'running') cell.fail(new InjectedCrash());
        return undefined;
      case 'crash': {
        const behavior = cell?.life.behavior;
        if (behavior === undefined || of?.kind !== 'deliver') return undefined;
        behavior.receive = () => {
          throw new InjectedCrash();
        };
        return this.#handle(of.cell, of.envelope);
      }
    }
  }

  /** What is on its way across a partition that loses it. */
  #lose(): void {
    const isCut = (envelope: Envelope): boolean => this.#faults.isCut(this.#idOf(envelope));
    for (const { mailbox } of this.core.cells.values()) mailbox.removeWhere(isCut);
    for (const envelope of this.#replies) if (isCut(envelope)) this.#replies.delete(envelope);
  }

  // ── The seams ───────────────────────────────────────────────────────────────────────────────

  #carry(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined {
    const id = this.#label(envelope);
    this.#ids.set(envelope, { id, bornAt: this.#moment });
    if (this.#faults.loses && this.#faults.isCut({ id })) {
      this.#notes.notes.push(`${id} is lost in the partition`);
      return undefined;
    }
    this.#notes.sent.push(id);
    const { to } = envelope;
    if (envelope.timer !== undefined || (this.#isCompleting && envelope.inner !== undefined))
      this.#fired = envelope;
    if (!(to instanceof Ask)) {
      if (envelope.ask !== undefined)
        this.#history?.asked(
          envelope.ask,
          nameOf(envelope.ask.by),
          nameOf(to.address),
          envelope.message as EventObject,
          this.#moment,
        );
      const accepted = to.accept(envelope, resume);
      if (accepted === 'blocked') this.#notes.isLocal = false;
      return accepted;
    }
    if (to.state !== 'open') return to.accept(envelope);
    // An answer travels apart from messages, and a deadline may pass before it is there. Whoever gave
    // it owes nothing any more.
    this.core.ledger.release(to);
    this.#replies.add(envelope);
    return undefined;
  }

  #label(envelope: Envelope): string {
    const { to, from, type, timer, inner } = envelope;
    const sender = timer !== undefined ? 'timer' : inner !== undefined ? 'inner' : nameOf(from);
    const link =
      to instanceof Ask
        ? `${nameOf(from)}>${nameOf(to.by)}:reply ${to.request}`
        : `${sender}>${nameOf(to.address)}:${type}`;
    return this.#numbered(link);
  }

  #numbered(label: string): string {
    const count = (this.#counts.get(label) ?? 0) + 1;
    this.#counts.set(label, count);
    return `${label}#${count}`;
  }

  #idOf(envelope: Envelope): { readonly id: string; readonly bornAt: number } {
    return (
      this.#ids.get(envelope) ?? { id: `?>${envelope.to.address}:${envelope.type}`, bornAt: -1 }
    );
  }

  /** New timers are named after the agent in whose step they were set, in order. */
  #numberTimers(cell: Cell | undefined): void {
    for (const timer of this.core.timers.all()) {
      if (this.#timerIds.has(timer)) continue;
      const own = this.#acting ?? cell ?? this.#setterOf(timer);
      const label = `timer ${own === undefined ? 'env' : own.path.slice(1)}`;
      this.#timerIds.set(timer, { id: this.#numbered(label), bornAt: this.#moment });
    }
  }

  /** Whose life has set a timer, or waits for an answer until then. */
  #setterOf(timer: Timer): Cell | undefined {
    const ask = this.core.ledger.open().find((open) => open.timer === timer);
    if (ask !== undefined) return this.cellAt(ask.by);
    for (const cell of this.core.cells.values())
      for (const { handle } of cell.life.timers.list()) if (handle === timer) return cell;
    return undefined;
  }

  cellAt(address: string | undefined): Cell | undefined {
    if (address === undefined) return undefined;
    return this.core.cells.get(address.slice(address.indexOf('/')));
  }

  // ── What is seen of it ──────────────────────────────────────────────────────────────────────

  #observe(event: InspectionEvent): void {
    // What comes of a deadlock that is broken is no part of how it came about.
    if (this.violation?.verdict === 'DEADLOCK') return;
    const { notes } = this.#notes;
    if (LIFE.has(event.type)) this.#notes.isLocal = false;
    switch (event.type) {
      case 'crashed': {
        notes.push(`${event.path.slice(1)} crashed: ${textOf(event.error)}`);
        const cell = this.core.cells.get(event.path);
        if (cell !== undefined) this.#crashed(cell, event.error);
        return;
      }
      case 'settled': {
        this.#notes.discharged.push(obligationName(event.by, event.to, event.request));
        if (event.error instanceof RequestLost)
          this.violate('LOST', textOf(event.error), {
            agents: [nameOf(event.to)],
            obligations: [obligationName(event.by, event.to, event.request)],
            cause: event.error,
          });
        else if (event.error instanceof HopLimit)
          this.violate('HANDOFF_LOOP', textOf(event.error), {
            agents: [nameOf(event.to)],
            obligations: [obligationName(event.by, event.to, event.request)],
            cause: event.error,
          });
        if (event.outcome !== 'answered')
          notes.push(
            `"${event.request}" of ${nameOf(event.by)} to ${nameOf(event.to)} ${event.outcome}`,
          );
        return;
      }
      case 'deadlock': {
        // The circle is still there; from now on its youngest request has failed.
        const found = deadlockOf(this.core);
        if (found !== undefined) this.violate(found.verdict, found.message, found);
        return;
      }
      case 'dropped': {
        const { message, to, reason } = event.letter;
        const type = (message as EventObject).type;
        this.#losers.add(nameOf(to));
        notes.push(`dead letter: ${type} to ${nameOf(to)} (${reason})`);
        if (reason === 'mailbox full' && !matches(this.scenario.allow?.deadLetters, type))
          this.violate('OVERLOAD', `the mailbox of ${nameOf(to)} is full: ${type} was dropped`, {
            agents: [nameOf(to)],
          });
        return;
      }
      case 'restarted':
        notes.push(`${event.path.slice(1)} restarted (life ${event.incarnation})`);
        this.#notes.restarts += 1;
        this.#notes.restarted.push(event.path.slice(1));
        return;
      case 'ended':
        if (event.reason.type !== 'crash')
          notes.push(`${event.path.slice(1)} ended (${event.reason.type})`);
        return;
      case 'unhandled':
        notes.push(`${event.path.slice(1)} does not handle ${(event.message as EventObject).type}`);
        return;
      default:
    }
  }

  #crashed(cell: Cell, error: unknown): void {
    if (error instanceof InjectedCrash) return;
    const agent = cell.path.slice(1);
    if (error instanceof Failed) return;
    // The deadlock is looked past, and so is what comes of its being broken.
    if (this.looksPast && comesOfDeadlock(error)) return;
    const isTold = cell.options.held || cell.life.watched || this.#clients.has(cell);
    if (isTold || matches(this.scenario.allow?.crashes, agent)) return;
    this.violate('CRASH', `${agent} crashed and nobody was told: ${textOf(error)}`, {
      agents: [agent],
      cause: error,
    });
  }

  /** Notes the first violation. */
  violate(verdict: Verdict, message: string, more: Partial<Violation>): void {
    this.accuse({ verdict, message, agents: [], obligations: [], certainty: 'proved', ...more });
  }

  /** Whether some bugs are known: what stays open may be of them. */
  get looksPast(): boolean {
    return this.#beside.length > 0;
  }

  /** The same of a violation that is there; what is looked past is none. */
  accuse(violation: Violation): void {
    if (!this.#isKnown(violation)) this.violation ??= violation;
  }

  #isKnown(violation: Violation): boolean {
    return this.looksPast && this.#beside.includes(signatureOf(violation));
  }

  // ── Checks ──────────────────────────────────────────────────────────────────────────────────

  #check(): void {
    if (this.violation !== undefined || this.isChecked) return;
    const { invariant = {}, queuedMax } = this.scenario;
    for (const [name, holds] of Object.entries(invariant))
      if (!this.#holds(holds, `the invariant "${name}" does not hold`)) return;
    const answer = this.steps.at(-1)?.kind === 'reply' ? this.#history?.unexplained : undefined;
    if (answer !== undefined) {
      const { by, request, reply } = answer;
      const given = digest(reply, () => 'request');
      this.violate(
        'SAFETY',
        `no order of the requests explains that ${by} asked ${request.type} and got ${given}`,
        {
          agents: [by, ...(this.scenario.linearizable?.of ?? [])],
        },
      );
      return;
    }
    if (queuedMax !== undefined && this.world.queued() > queuedMax) {
      const fullest = [...this.core.cells.values()].sort(
        (a, b) => b.mailbox.depth - a.mailbox.depth,
      );
      this.violate('OVERLOAD', `${this.world.queued()} messages wait, more than ${queuedMax}`, {
        agents: fullest.filter(({ mailbox }) => mailbox.depth > 0).map(({ path }) => path.slice(1)),
      });
      return;
    }
    const deadlock = deadlockOf(this.core);
    if (deadlock !== undefined) this.violate(deadlock.verdict, deadlock.message, deadlock);
  }

  /** Nothing can happen any more: is anybody still waiting, and do the conditions of the end hold? */
  checkEnd(): void {
    if (this.violation !== undefined) return;
    const stuck = stuckOf(this.core, this.openTasks, this.scenario.allow?.waiting);
    if (stuck !== undefined) {
      const hung = this.#effects.hung.map((id) => `; ${id} hangs`).join('');
      const agents = this.#partIn(stuck);
      const message = `${stuck.message}${hung}`;
      this.violate(stuck.verdict, message, { ...stuck, agents, message });
      return;
    }
    for (const [name, holds] of Object.entries(this.scenario.eventually ?? {}))
      if (!this.#holds(holds, `at the end "${name}" does not hold`)) return;
  }

  /** Whether a property holds; when not, whoever acted last and whoever it looked at have part in it. */
  #holds(holds: (world: World) => boolean, text: string): boolean {
    const looked = new Set<string>();
    const last = this.steps.at(-1)?.agent;
    let why = '';
    let cause: unknown;
    try {
      const isHeld = within(this, () => holds(this.world.watched(looked)));
      // A property that the time or chance has part in says nothing.
      if (this.violation !== undefined) return false;
      if (isHeld) return true;
    } catch (error) {
      if (this.violation !== undefined) return false;
      // It cannot be told whether it holds, and that in this schedule: a test that throws has failed.
      why = `, for it throws ${textOf(error)}`;
      cause = error;
    }
    if (last !== undefined) looked.add(last);
    this.violate('SAFETY', `${text}${why}`, { agents: [...looked], ...(why !== '' && { cause }) });
    return false;
  }

  /** Of a task it is not known who holds it: but who opened it is, and who has lost a message. */
  #partIn({ agents, obligations }: Pick<Violation, 'agents' | 'obligations'>): string[] {
    const openers = obligations.flatMap((name) => this.#openers.get(name) ?? []);
    const isTask = obligations.some((name) => this.#tasks.has(name));
    const known = new Set([...agents, ...(isTask ? [...openers, ...this.#losers] : [])]);
    if (isTask && known.size === openers.length)
      for (const { agent, sent, discharged } of this.steps)
        if (agent !== undefined && sent.length === 0 && discharged.length === 0) known.add(agent);
    return [...known];
  }

  get openTasks(): string[] {
    return [...this.#tasks].filter(([, state]) => state === 'open').map(([name]) => name);
  }

  /** The requests and tasks that are open, by name. */
  get obligations(): string[] {
    const allowed = this.scenario.allow?.waiting;
    const asks = this.core.ledger
      .open()
      .filter((ask) => !matches(allowed, nameOf(ask.by)))
      .map((ask) => obligationName(ask.by, ask.target, ask.request));
    return [...asks, ...this.openTasks];
  }

  /** Whether chance decided something: another seed may lead elsewhere. */
  get drew(): boolean {
    return this.#random.draws > 0 || this.#effects.drew;
  }

  /** Whether an agent has looked at the clock. */
  get readClock(): boolean {
    return this.#clock.wasRead;
  }

  /** What must not stay so for ever: the open requests and tasks, and the conditions of the end that do not hold. */
  get pending(): string[] {
    const pending = this.obligations;
    for (const [name, holds] of Object.entries(this.scenario.eventually ?? {}))
      if (!this.#holdsYet(holds)) pending.push(`${AT_THE_END}${name}`);
    return pending;
  }

  /** Before the end an agent that a condition looks at may not be there yet. */
  #holdsYet(holds: (world: World) => boolean): boolean {
    try {
      return holds(this.world);
    } catch {
      return false;
    }
  }

  /** What a loop is, seen from here, where it begins: it need not be what keeps things open. */
  judged(loop: Violation): Violation {
    const property = loop.obligations.find((name) => name.startsWith(AT_THE_END));
    if (property !== undefined && loop.obligations.every((name) => name.startsWith(AT_THE_END))) {
      const looked = new Set<string>();
      const holds = this.scenario.eventually?.[property.slice(AT_THE_END.length)];
      this.world.watched(looked);
      if (holds !== undefined) this.#holdsYet(holds);
      return { ...loop, verdict: 'SAFETY', obligations: [], agents: [...looked] };
    }
    // Nothing that anybody in the loop does comes to those who wait: to them, all is quiet.
    const related = this.#relatedTo(loop.agents);
    const allowed = this.scenario.allow?.waiting;
    const asks = this.core.ledger.open().filter((ask) => !matches(allowed, nameOf(ask.by)));
    const isApart = asks.every(({ by, target, holder }) =>
      [by, target, holder?.address].every((one) => one === undefined || !related.has(nameOf(one))),
    );
    if (asks.length === 0 || !isApart) return loop;
    const stuck = stuckOf(this.core, this.openTasks, allowed);
    if (stuck === undefined) return loop;
    const message = `${stuck.message}; only ${loop.agents.join(', ')} still goes on`;
    const apart = { ...loop, ...stuck, message };
    if (!this.#isKnown(apart)) return apart;
    const waiting = new Set(asks.map((ask) => obligationName(ask.by, ask.target, ask.request)));
    const obligations = loop.obligations.filter((name) => !waiting.has(name));
    if (obligations.length === 0) return apart;
    const { loopFrom = 0 } = loop;
    const { message: text } = loopOf(this.steps.slice(loopFrom), obligations, loopFrom);
    return { ...loop, obligations, message: text };
  }

  /** The agents that have had to do with some, directly or through others. */
  #relatedTo(agents: readonly string[]): ReadonlySet<string> {
    const related = new Set(agents);
    for (let before = -1; before !== related.size;) {
      before = related.size;
      for (const { agent, cause } of this.steps) {
        const from = this.steps[cause]?.agent;
        if (agent === undefined || from === undefined) continue;
        if (related.has(agent)) related.add(from);
        else if (related.has(from)) related.add(agent);
      }
    }
    return related;
  }

  /** The text of the whole state: equal texts are equal states. */
  get text(): string {
    // What will be drawn depends on how much has been.
    const { draws } = this.#random;
    const chance = draws > 0 ? `\ndraws ${draws}` : '';
    // Who looks at the time may do something else in the same state later on.
    const time = this.#clock.wasReadByOthers ? `\nat ${this.#clock.now()}` : '';
    return this.#state.whole(
      this.#tasks,
      this.#replies,
      this.#effects,
      this.#asks,
      this.#order.text + this.#faults.text + chance + time + (this.#history?.text ?? ''),
    );
  }

  // ── What the program may call ───────────────────────────────────────────────────────────────

  choose(label: string, options: readonly unknown[], fair: boolean): number {
    const count = options.length;
    const id = this.#numbered(`choose ${label}`);
    const index = count === 1 ? 0 : this.chooser(id, count, fair);
    this.#notes.choices.push({ id, count, index, fair, option: options[index] });
    return index;
  }

  open(task: string): void {
    this.#tasks.set(task, 'open');
    if (this.#acting !== undefined) this.#openers.set(task, this.#acting.path.slice(1));
  }

  close(task: string): void {
    if (this.#tasks.get(task) === 'open') this.#notes.discharged.push(task);
    this.#tasks.set(task, 'done');
  }

  progress(): void {
    this.#notes.progress = true;
  }

  fail(text: string): never {
    const agent = this.#acting?.path.slice(1);
    this.violate('SAFETY', text, { agents: agent === undefined ? [] : [agent] });
    throw new Failed(text);
  }

  nondeterministic(error: Error): void {
    const agent = running.cell?.path.slice(1);
    this.violate('NONDETERMINISTIC', error.message, {
      agents: agent === undefined ? [] : [agent],
      cause: error,
    });
  }
}

function fresh(): Notes {
  return {
    choices: [],
    sent: [],
    notes: [],
    discharged: [],
    progress: false,
    restarts: 0,
    restarted: [],
    isLocal: true,
  };
}

function isPostponed({ mailbox }: Cell, envelope: Envelope): boolean {
  let left = mailbox.postponed;
  if (left === 0) return false;
  for (const waiting of mailbox) {
    if (waiting === envelope) return true;
    if ((left -= 1) === 0) return false;
  }
  return false;
}

function comesOfDeadlock(error: unknown): boolean {
  if (error instanceof DeadlockError) return true;
  if (error instanceof ActorEnded && error.reason.type === 'crash')
    return comesOfDeadlock(error.reason.error);
  return error instanceof Error && error.cause !== undefined && comesOfDeadlock(error.cause);
}

function isVoid({ timer, ask }: Envelope): boolean {
  return timer?.cancelled === true || (ask !== undefined && ask.state !== 'open');
}

export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
