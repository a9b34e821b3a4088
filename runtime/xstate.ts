/**
 * The adapter to XState: the only file that touches its internals.
 *
 * All agents of a system that run XState logics are children of one hidden root actor. The adapter
 * replaces the mailbox of each actor as it registers, and the relay and scheduler of the XState
 * system, so that whatever reaches an actor (events from outside, `after` timers, completions, sends
 * between an agent and its own children) is queued, in order, as a turn of its agent: never nested,
 * never synchronous. Contract tests in test/runtime/xstate-internals.test.ts pin what is used here.
 */
import {
  Actor,
  StateMachine,
  createActor,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
  type InspectionEvent as XStateInspectionEvent,
  type Snapshot,
} from 'xstate';
import { AgentTimer } from './agent-timers.ts';
import type { Behavior, Received } from './behavior.ts';
import type { Cell } from './cell.ts';
import type { Core } from './core.ts';
import { Envelope, type Lineage } from './envelope.ts';
import { InvalidOption, NoParent, UnsupportedXState } from './errors.ts';
import { SHUTDOWN } from './exit.ts';
import { NORMAL } from './exit.ts';
import type { Life } from './life.ts';
import { LIMITS } from './limits.ts';
import { isRef } from './ref.ts';
import { running } from './step.ts';
import type { SavedSnapshot, SavedTimer } from './store.ts';

// ── What is used of XState's inside ───────────────────────────────────────────────────────────

/** An XState actor as the adapter sees it. */
interface InnerActor {
  readonly id: string;
  readonly sessionId: string;
  logic: AnyActorLogic;
  readonly systemId: string | undefined;
  readonly system: InnerSystem;
  readonly _parent: InnerActor | undefined;
  readonly _snapshot: InnerSnapshot;
  /** 0 not started, 1 running, 2 stopped. */
  readonly _processingStatus: 0 | 1 | 2;
  mailbox: InnerMailbox;
  _process(event: EventObject): void;
  start(): void;
  on(type: '*', listener: (emitted: EventObject) => void): unknown;
  getPersistedSnapshot(): Snapshot<unknown>;
  readonly _actorScope: object;
  [OWNER]?: XStateBehavior;
  /** Events that wait for this actor in its cell; some may be there before it starts. */
  [WAITING]?: number;
  /** The task for which it was started. */
  [LINEAGE]?: Lineage | undefined;
  /** Its parent has stopped it, or is about to: completions of it that are still queued are stale. */
  [LET_GO]?: true;
}

interface InnerSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly value?: unknown;
  readonly children?: Readonly<Record<string, unknown>>;
  readonly _nodes?: readonly { readonly meta?: { readonly postpone?: unknown } }[];
}

interface InnerSystem {
  _bookId(): string;
  _register(sessionId: string, actor: InnerActor): string;
  _unregister(actor: InnerActor): void;
  _set(systemId: string, actor: InnerActor): void;
  get(systemId: string): unknown;
  getAll(): Record<string, unknown>;
  _relay(source: InnerActor | undefined, target: unknown, event: EventObject): void;
  _sendInspectionEvent(event: object): void;
  inspect(observer: (event: XStateInspectionEvent) => void): { unsubscribe(): void };
  scheduler: {
    schedule(
      source: InnerActor,
      target: unknown,
      event: EventObject,
      delayMs: number,
      id?: string,
    ): void;
    cancel(source: InnerActor, id: string): void;
    cancelAll(actor: InnerActor): void;
  };
}

/** The mailbox that replaces XState's own: it keeps nothing, its cell's queue does. */
interface InnerMailbox {
  start(): void;
  clear(): void;
  enqueue(event: EventObject): void;
}

/** The two inspection events that the adapter itself looks at, and all the others. */
type Noticed =
  | { readonly type: '@xstate.actor'; readonly actorRef: InnerActor }
  | {
      readonly type: '@xstate.microstep';
      readonly actorRef: InnerActor;
      readonly _transitions: readonly SelectedTransition[];
    }
  | { readonly type: '@xstate.event' };

const OWNER = Symbol('troupe.owner');
const WAITING = Symbol('troupe.waiting');
const LINEAGE = Symbol('troupe.lineage');
const LET_GO = Symbol('troupe.letGo');
const SUPPORTED = '^5.33';
const STOP = 'xstate.stop';
/** How the ids of timers begin that the user gave none. */
const TIMER_ID = 'troupe.timer.';

/** Refuses an XState whose inside is not the one that this file knows. */
function checkInternals(actor: object, system: object): void {
  const parts: [object, string, string][] = [
    [actor, '_process', 'function'],
    [actor, '_send', 'function'],
    [actor, 'mailbox', 'object'],
    [actor, '_snapshot', 'object'],
    [actor, '_processingStatus', 'number'],
    [actor, '_actorScope', 'object'],
    [system, '_bookId', 'function'],
    [system, '_register', 'function'],
    [system, '_unregister', 'function'],
    [system, '_set', 'function'],
    [system, '_relay', 'function'],
    [system, '_sendInspectionEvent', 'function'],
    [system, 'scheduler', 'object'],
    [StateMachine.prototype, 'getTransitionData', 'function'],
  ];
  for (const [holder, name, type] of parts) {
    if (typeof (holder as Record<string, unknown>)[name] !== type) {
      throw new UnsupportedXState({ missing: name, supported: SUPPORTED });
    }
  }
}

// ── The host: one per system ──────────────────────────────────────────────────────────────────

/** Hosts the XState actors of one system. */
export class XStateHost {
  readonly core: Core;
  readonly system: AnyActorRef['system'];
  readonly #system: InnerSystem;
  readonly #root: InnerActor;
  /** The agent whose actor's constructor runs: the actor cannot carry its owner yet. */
  #constructing: XStateBehavior | undefined;
  #inspectors = 0;

  constructor(core: Core) {
    this.core = core;
    const { clock } = core;
    const root = createActor(
      fromTransition((state: undefined) => state, undefined),
      {
        clock: {
          setTimeout: (run: () => void, delayMs: number) => clock.setTimeout(run, delayMs),
          clearTimeout: (handle: unknown) => clock.clearTimeout(handle),
        },
        logger: (...parts: unknown[]) =>
          core.log.info({ path: running.cell?.path }, parts.map(String).join(' ')),
      },
    );
    this.#root = root as unknown as InnerActor;
    this.system = root.system;
    this.#system = root.system as unknown as InnerSystem;
    checkInternals(root, root.system);
    this.#replace();
  }

  /** Attaches an observer of XState's own inspection protocol, such as Stately's inspector. */
  inspect(observer: (event: XStateInspectionEvent) => void): () => void {
    const subscription = this.#system.inspect(observer);
    this.#inspectors += 1;
    return () => {
      subscription.unsubscribe();
      this.#inspectors -= 1;
    };
  }

  /** Throws when a logic cannot be hosted, so that misuse is told at the spawn. */
  check(logic: AnyActorLogic): void {
    host(logic);
  }

  /** Makes the actor of an agent. */
  create(owner: XStateBehavior, logic: AnyActorLogic, options: object): InnerActor {
    const outer = this.#constructing;
    this.#constructing = owner;
    try {
      const actor = createActor(logic, {
        ...options,
        parent: this.#root,
      } as never) as unknown as InnerActor;
      actor[OWNER] = owner;
      // What it emits reaches the listeners of its ref once the step has ended.
      actor.on('*', (emitted) => owner.life.cell.emit(emitted));
      return actor;
    } finally {
      this.#constructing = outer;
    }
  }

  /** Tells XState's inspection of an event that comes from outside the agent. */
  inspectEvent(actor: InnerActor, event: EventObject): void {
    if (this.#inspectors === 0) return;
    this.#system._sendInspectionEvent({
      type: '@xstate.event',
      sourceRef: undefined,
      actorRef: actor,
      event,
    });
  }

  /** The ids of the XState children that lead from the agent's root actor to one of its actors. */
  innerPath(cell: Cell, actor: object): string[] {
    const path: string[] = [];
    for (
      let at = actor as Partial<InnerActor>;
      at._parent !== undefined && at._parent !== this.#root;
      at = at._parent
    ) {
      path.push(at.id as string);
    }
    return actor === cell.life ? [] : path.reverse();
  }

  #replace(): void {
    const system = this.#system;
    let sessions = 0;
    // XState numbers sessions per process; per system they are the same in every run.
    system._bookId = () => `x:${sessions++}`;
    system._register = (sessionId, actor) => {
      this.#ownerOf(actor).adopt(actor);
      return sessionId;
    };
    system._unregister = (actor) => this.#findOwner(actor)?.forget(actor);
    system._set = (systemId, actor) => this.#ownerOf(actor).setKeyed(systemId, actor);
    system.get = (systemId) => {
      const behavior = running.cell?.life.behavior;
      const own = behavior instanceof XStateBehavior ? behavior.keyed(systemId) : undefined;
      return own ?? this.core.whereis({ name: systemId });
    };
    system.getAll = () => {
      const names = this.core.names.list().map(({ name }) => name);
      const behavior = running.cell?.life.behavior;
      const own = behavior instanceof XStateBehavior ? behavior.systemIds() : [];
      return Object.fromEntries([...names, ...own].map((name) => [name, system.get(name)]));
    };
    const inspect = system._sendInspectionEvent.bind(system);
    system._sendInspectionEvent = (event) => {
      this.#notice(event as Noticed);
      if (this.#inspectors > 0) inspect(event);
    };
    system._relay = (source, target, event) => this.#relay(source, target, event);
    system.scheduler = {
      schedule: (source, target, event, delayMs, id) =>
        this.#schedule(source, target, event, delayMs, id),
      cancel: (source, id) => this.#findOwner(source)?.life.timers.cancel(source, id),
      cancelAll: (actor) => this.#findOwner(actor)?.life.timers.cancelAll(actor),
    };
  }

  /** What XState tells its inspectors is also how the adapter learns of two moments. */
  #notice(event: Noticed): void {
    // An actor is being made, and its logic has not been called yet.
    if (event.type === '@xstate.actor') {
      const { actorRef: actor } = event;
      if (actor._parent === undefined || actor._parent === this.#root) return;
      if (actor.logic instanceof StateMachine) actor.logic = bounded(actor.logic);
    } else if (event.type === '@xstate.microstep' && event.actorRef === selection.actor) {
      selection.reentered ||= event._transitions.some(
        ({ reenter, target }) => reenter && target !== undefined,
      );
    }
  }

  /** Every send of every XState actor: to its family, to a ref, or out of troupe. */
  #relay(source: InnerActor | undefined, target: unknown, event: EventObject): void {
    const owner = source === undefined ? undefined : this.#findOwner(source);
    if (isRef(target)) {
      this.core.send(this.core.destinationOf(target), event, owner?.life);
      return;
    }
    const agent = this.#agentOf(target);
    if (agent !== undefined && agent !== (running.cell ?? owner?.life.cell)) {
      // Who knows an agent by its `self` sends it a message like any other.
      this.core.send(agent, event, owner?.life);
      return;
    }
    if (this.#inspectors > 0) {
      this.#system._sendInspectionEvent({
        type: '@xstate.event',
        sourceRef: source,
        actorRef: target,
        event,
      });
    }
    if (target === this.#root) this.#toParent(owner, event);
    else if (target instanceof Actor && (target as unknown as InnerActor).system === this.#system) {
      this.#toInner(source, target as unknown as InnerActor, event, undefined);
    } else this.core.send(this.core.foreign(target as AnyActorRef), event, owner?.life);
  }

  /** The agent whose root actor this is. */
  #agentOf(target: unknown): Cell | undefined {
    const actor = target as InnerActor;
    return actor?._parent === this.#root ? this.#findOwner(actor)?.life.cell : undefined;
  }

  #toInner(
    source: InnerActor | undefined,
    target: InnerActor,
    event: EventObject,
    timer: AgentTimer | undefined,
  ): void {
    const { life } = this.#ownerOf(target);
    const { cell } = life;
    // What a child tells between steps (a promise has settled, an ask is answered) belongs, like a
    // timer, to the task for which the child was started.
    const inStep = timer === undefined && running.cell === cell;
    const begun = timer === undefined ? (source ?? target)[LINEAGE] : timer.lineage;
    const lineage = inStep ? life.lineage : life.timerLineage(begun);
    // What a custom action sends with `child.send(…)` comes from the child's parent, like a `sendTo`.
    const inner = {
      target,
      source: source ?? (running.cell === cell ? target._parent : undefined),
    };
    const id = this.core.nextId();
    const envelope = new Envelope(
      id,
      cell,
      cell.address,
      event,
      lineage,
      undefined,
      true,
      inner,
      timer,
    );
    target[WAITING] = (target[WAITING] ?? 0) + 1;
    // In somebody else's step its reply or failure settled an ask of this agent: that has happened.
    if (running.cell === cell) cell.post(envelope);
    else this.core.deliver(envelope, undefined);
  }

  /** What an agent's root actor tells its parent, which is the runtime. */
  #toParent(owner: XStateBehavior | undefined, event: EventObject): void {
    // How it ended stands in its snapshot; the cell reads it there.
    if (event.type.startsWith('xstate.')) return;
    const address = owner?.life.address ?? 'an actor';
    const error = new NoParent({ address, message: event.type });
    if (running.cell !== undefined && running.cell === owner?.life.cell) throw error;
    // From a callback's own timer nobody could catch it: the agent crashes instead of the process.
    owner?.life.cell.fail(error);
  }

  #schedule(
    source: InnerActor,
    target: unknown,
    event: EventObject,
    delayMs: number,
    id?: string,
  ): void {
    const owner = this.#ownerOf(source);
    const { life } = owner;
    if (life.over || life.ending !== undefined) return;
    const dueMs = this.core.clock.now() + Math.max(0, Number.isNaN(delayMs) ? 0 : delayMs);
    this.scheduleAt(owner, source, target, event, dueMs, id ?? owner.nextTimerId());
  }

  /** Arms a timer of an XState actor; also for one that was saved. */
  scheduleAt(
    owner: XStateBehavior,
    source: InnerActor,
    target: unknown,
    event: EventObject,
    dueMs: number,
    id: string,
  ): void {
    const { life } = owner;
    const timer = new AgentTimer(
      source,
      id,
      dueMs,
      event,
      target as object,
      undefined,
      life.lineage,
    );
    life.timers.set(timer, (fired) => {
      const inner = target instanceof Actor ? (target as unknown as InnerActor) : undefined;
      if (inner?._processingStatus === 1 && this.#findOwner(inner) === owner) {
        this.#toInner(source, inner, event, fired);
        return;
      }
      life.timers.taken(fired);
      try {
        this.#relay(source, target, event);
      } catch (error) {
        // No step runs that it could crash: what cannot be sent crashes its sender.
        life.cell.fail(error);
      }
    });
  }

  #ownerOf(actor: InnerActor): XStateBehavior {
    const owner = this.#findOwner(actor);
    if (owner === undefined) {
      throw new InvalidOption({
        field: 'actor',
        given: actor.id,
        allowed: 'an actor inside an agent of this system',
      });
    }
    return owner;
  }

  #findOwner(actor: InnerActor): XStateBehavior | undefined {
    for (let at: InnerActor | undefined = actor; at !== undefined; at = at._parent) {
      const owner = at[OWNER];
      if (owner !== undefined) return owner;
      if (at._parent === this.#root) return this.#constructing;
    }
    return undefined;
  }
}

// ── Logics ────────────────────────────────────────────────────────────────────────────────────

type Kind = 'machine' | 'receiver' | 'deaf' | 'custom';

/** One transition as XState selects it. */
interface SelectedTransition {
  readonly reenter: boolean;
  readonly target: readonly unknown[] | undefined;
}

/** What a hosted machine selected for the event that it is processing, or processed last. */
interface Selection {
  actor: InnerActor | undefined;
  event: EventObject | undefined;
  /** Those that it selected first: for the event itself, and not for one that it raised. */
  transitions: readonly SelectedTransition[] | undefined;
  /** Some transition of the macrostep entered again what was active. */
  reentered: boolean;
}

const selection: Selection = {
  actor: undefined,
  event: undefined,
  transitions: undefined,
  reentered: false,
};

interface Hosted {
  readonly logic: AnyActorLogic;
  readonly kind: Kind;
  /** Some state postpones something: otherwise no event needs to be checked. */
  readonly postpones: boolean;
}

const hosted = new WeakMap<AnyActorLogic, Hosted>();

/** XState gives its logics no kind; those from one creator share the source text of their transition. */
const probes = {
  promise: String(fromPromise(() => Promise.resolve()).transition),
  callback: String(fromCallback(() => undefined).transition),
  observable: String(
    fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => undefined }) })).transition,
  ),
  eventObservable: String(
    fromEventObservable(() => ({ subscribe: () => ({ unsubscribe: () => undefined }) })).transition,
  ),
  transition: String(fromTransition((state: undefined) => state, undefined).transition),
};

function host(logic: AnyActorLogic): Hosted {
  let entry = hosted.get(logic);
  if (entry === undefined) hosted.set(logic, (entry = prepare(logic)));
  return entry;
}

function prepare(logic: AnyActorLogic): Hosted {
  if (!(logic instanceof StateMachine)) {
    const source = String(logic.transition);
    const deaf = [probes.promise, probes.observable, probes.eventObservable].includes(source);
    const receiver = [probes.callback, probes.transition].includes(source);
    return { logic, kind: deaf ? 'deaf' : receiver ? 'receiver' : 'custom', postpones: false };
  }
  const machine = bounded(logic);
  const select = machine.getTransitionData.bind(machine);
  machine.getTransitionData = (snapshot, event) => {
    const transitions = select(snapshot, event);
    // The first selection of a macrostep is the one for the event that came in.
    if (selection.event === event && selection.transitions === undefined)
      selection.transitions = transitions;
    return transitions;
  };
  return { logic: machine, kind: 'machine', postpones: postponesAnything(machine.root) };
}

type Machine = AnyActorLogic & {
  options: { maxIterations?: number };
  readonly root: MachineNode;
  getTransitionData(snapshot: unknown, event: EventObject): readonly SelectedTransition[];
};

const copies = new WeakMap<object, Machine>();

/**
 * A copy of a machine, since the user's may run elsewhere too: in a plain actor, in React. Its
 * microsteps are bounded; without a bound, a cycle of raised events hangs the process.
 */
function bounded(logic: AnyStateMachine): Machine {
  let machine = copies.get(logic);
  if (machine === undefined) {
    machine = logic.provide({}) as unknown as Machine;
    const { maxIterations = Infinity } = machine.options;
    machine.options = {
      ...machine.options,
      maxIterations: Math.min(maxIterations, LIMITS.microstepsMax),
    };
    copies.set(logic, machine);
    copies.set(machine, machine);
  }
  return machine;
}

interface MachineNode {
  readonly id: string;
  readonly meta?: { readonly postpone?: unknown };
  readonly states: Readonly<Record<string, MachineNode>>;
}

function postponesAnything(node: MachineNode): boolean {
  const postpone = node.meta?.postpone;
  const valid =
    postpone === undefined ||
    postpone === 'all' ||
    (Array.isArray(postpone) && postpone.every((type) => typeof type === 'string'));
  if (!valid) {
    const allowed = '"all" or an array of event types';
    throw new InvalidOption({
      field: `meta.postpone of state "${node.id}"`,
      given: postpone,
      allowed,
    });
  }
  // Every state is visited, so that a wrong one is named at the spawn and not when it is entered.
  return Object.values(node.states)
    .map(postponesAnything)
    .reduce((any, each) => any || each, postpone !== undefined);
}

// ── The behavior: one per life ────────────────────────────────────────────────────────────────

/** Runs an XState actor, and all that it invokes and spawns, for one life. */
export class XStateBehavior implements Behavior {
  readonly answersInTurn = false;
  readonly stopsInParallel = false;
  readonly interruptible = true;
  readonly wait = undefined;
  readonly life: Life;
  readonly #host: XStateHost;
  readonly #hosted: Hosted;
  /** Started and not yet stopped, parents before their children. */
  readonly #inner = new Set<InnerActor>();
  #keyed: Map<string, InnerActor> | undefined;
  #actor: InnerActor | undefined;
  #timerIds = 0;

  constructor(xstate: XStateHost, life: Life) {
    this.#host = xstate;
    this.life = life;
    this.#hosted = host(life.cell.options.logic);
  }

  get receives(): boolean {
    return this.#hosted.kind !== 'deaf';
  }

  start(saved: SavedSnapshot | undefined): Received {
    if (saved !== undefined) this.#construct(saved.snapshot);
    const actor = this.#root;
    actor.start();
    for (const timer of saved?.timers ?? []) this.#restoreTimer(actor, timer);
    return this.#outcome(undefined, actor._snapshot, undefined);
  }

  postpones(envelope: Envelope): boolean {
    if (!this.#hosted.postpones) return false;
    for (const { meta } of this.#root._snapshot._nodes ?? []) {
      const postpone = meta?.postpone;
      if (postpone === 'all' || (Array.isArray(postpone) && postpone.includes(envelope.type)))
        return true;
    }
    return false;
  }

  receive(envelope: Envelope): Received {
    const root = this.#root;
    const { inner } = envelope;
    const event = envelope.message as EventObject;
    const before = root._snapshot;
    if (inner === undefined) {
      if (this.#hosted.kind === 'deaf') return 'unhandled';
      if (event.type === STOP) return this.#stopAgent();
      this.#host.inspectEvent(root, event);
      return this.#outcome(before, this.#process(root, event), selection);
    }
    const target = inner.target as InnerActor;
    target[WAITING] = (target[WAITING] ?? 1) - 1;
    if (
      target._processingStatus !== 1 ||
      isStale(target, inner.source as InnerActor | undefined, event)
    )
      return 'same';
    if (target === root && event.type === STOP) return this.#stopAgent();
    this.#process(target, event);
    const selected = target === root ? selection : undefined;
    const received = this.#outcome(before, root._snapshot, selected);
    // A completion that nobody waits for is no message that went unheard.
    return received === 'unhandled' && event.type.startsWith('xstate.') ? 'same' : received;
  }

  /** XState's own stop event, sent like any other: the machine alone would end and leave a dead agent. */
  #stopAgent(): Received {
    this.life.cell.signal({ type: 'stop', reason: SHUTDOWN });
    return 'same';
  }

  resume(): Received {
    return 'same';
  }

  stopOrder(): undefined {
    return undefined;
  }

  stop(): void {}

  /** Stops all that runs, children before parents: intervals, promises, timers, subscriptions. */
  dispose(): void {
    for (const actor of [...this.#inner].reverse()) {
      if (actor._processingStatus === 1) this.#halt(actor);
      this.life.timers.cancelAll(actor);
    }
    if (this.#actor?._snapshot.status === 'error') cleanUp(this.#actor);
    this.#inner.clear();
    this.#keyed = undefined;
  }

  snapshot(): Snapshot<unknown> {
    return this.#root._snapshot as Snapshot<unknown>;
  }

  persist(): unknown {
    return this.#root.getPersistedSnapshot();
  }

  nextTimerId(): string {
    return `${TIMER_ID}${(this.#timerIds += 1)}`;
  }

  // ── The family of actors ────────────────────────────────────────────────────────────────────

  /** An actor of this agent starts: from now on its events are turns of the agent. */
  adopt(actor: InnerActor): void {
    actor[OWNER] = this;
    actor[LINEAGE] = this.life.lineage;
    this.#inner.add(actor);
    actor.mailbox = {
      start: () => undefined,
      clear: () => undefined,
      enqueue: (event) => {
        if (event.type === STOP) this.#stopInner(actor);
        else actor.system._relay(undefined, actor, event);
      },
    };
  }

  /** XState unregisters an actor when it has ended, and early when its parent is about to stop it. */
  forget(actor: InnerActor): void {
    const { systemId, _processingStatus: status } = actor;
    if (systemId !== undefined && this.#keyed?.get(systemId) === actor)
      this.#keyed.delete(systemId);
    if (status === 2 && this.#inner.delete(actor)) {
      if (actor._snapshot.status === 'error' && actor !== this.#actor) this.#sweep(actor);
    } else if (status !== 0 && running.cell === this.life.cell) actor[LET_GO] = true;
  }

  /** XState leaves running what a crashed actor has invoked, and the crashed callback's cleanup undone. */
  #sweep(crashed: InnerActor): void {
    for (const actor of [...this.#inner].reverse())
      if (actor._parent === crashed) this.#stopInner(actor);
    cleanUp(crashed);
  }

  /** A `systemId` belongs to its agent, so that many agents of one machine can use the same. */
  setKeyed(systemId: string, actor: InnerActor): void {
    const keyed = (this.#keyed ??= new Map());
    const existing = keyed.get(systemId);
    if (existing !== undefined && existing !== actor) {
      throw new Error(`Actor with system ID '${systemId}' already exists.`);
    }
    keyed.set(systemId, actor);
  }

  keyed(systemId: string): InnerActor | undefined {
    return this.#keyed?.get(systemId);
  }

  systemIds(): Iterable<string> {
    return this.#keyed?.keys() ?? [];
  }

  /**
   * A parent stops a child. What it has sent to it before still arrives (exit actions do that);
   * what the child has under way for itself does not.
   */
  #stopInner(actor: InnerActor): void {
    if (actor._processingStatus === 2) return;
    if ((actor[WAITING] ?? 0) > 0) {
      const waiting = this.life.cell.takeInner((envelope) => envelope.inner?.target === actor);
      for (const envelope of waiting) {
        const fromParent = envelope.inner?.source === actor._parent && envelope.timer === undefined;
        if (fromParent && actor._processingStatus === 1)
          actor._process(envelope.message as EventObject);
      }
      actor[WAITING] = 0;
    }
    if (actor._processingStatus === 1) this.#halt(actor);
    this.#inner.delete(actor);
  }

  #halt(actor: InnerActor): void {
    actor._process({ type: STOP });
    const { status, error } = actor._snapshot;
    const { core, path } = this.life.cell;
    if (status === 'error') core.log.error({ path, actor: actor.id, err: error }, 'cleanup failed');
  }

  // ── Steps ───────────────────────────────────────────────────────────────────────────────────

  get #root(): InnerActor {
    return this.#actor ?? this.#construct(undefined);
  }

  #construct(snapshot: unknown): InnerActor {
    const { cell } = this.life;
    const { input } = cell.options;
    // Somebody may have looked at the agent before its start: what was made then is replaced.
    this.#keyed = undefined;
    const restored = snapshot === undefined ? {} : { snapshot };
    return (this.#actor = this.#host.create(this, this.#hosted.logic, {
      id: cell.path,
      input,
      ...restored,
    }));
  }

  #process(actor: InnerActor, event: EventObject): InnerSnapshot {
    selection.actor = actor;
    selection.event = event;
    selection.transitions = undefined;
    selection.reentered = false;
    actor._process(event);
    selection.actor = undefined;
    selection.event = undefined;
    return actor._snapshot;
  }

  #outcome(
    before: InnerSnapshot | undefined,
    after: InnerSnapshot,
    selected: Selection | undefined,
  ): Received {
    if (after.status === 'error') throw after.error;
    if (after.status === 'done')
      this.life.cell.finish(
        after.output === undefined ? NORMAL : { type: 'normal', output: after.output },
      );
    if (this.#hosted.kind !== 'machine') return before === after ? 'same' : 'updated';
    if (before === undefined) return 'changed';
    if (selected?.transitions?.length === 0 && before === after) return 'unhandled';
    // XState keeps the list of active nodes as it is while no microstep changes it.
    if (selected?.reentered === true || before._nodes !== after._nodes) return 'changed';
    return before === after ? 'same' : 'updated';
  }

  #restoreTimer(root: InnerActor, { owner, target, id, event, dueWallMs }: SavedTimer): void {
    const { core } = this.life.cell;
    const source = innerAt(root, owner);
    const destination = typeof target === 'string' ? core.refAt(target) : innerAt(root, target);
    if (source === undefined || destination === undefined) return;
    const dueMs = core.clock.now() + Math.max(0, dueWallMs - core.clock.wallMs());
    // A timer without an id of its own must not be taken for one that is set later.
    if (id.startsWith(TIMER_ID))
      this.#timerIds = Math.max(this.#timerIds, Number(id.slice(TIMER_ID.length)));
    this.#host.scheduleAt(this, source, destination, event as EventObject, dueMs, id);
  }
}

/** The actor that a path of child ids leads to. */
function innerAt(root: InnerActor, path: readonly string[]): InnerActor | undefined {
  let at: InnerActor | undefined = root;
  for (const id of path) at = at?._snapshot.children?.[id] as InnerActor | undefined;
  return at;
}

/** Lets an actor that has crashed clean up as if it were stopped; a machine's children are stopped elsewhere. */
function cleanUp({ logic, _snapshot: snapshot, _actorScope: scope }: InnerActor): void {
  if (logic instanceof StateMachine) return;
  try {
    logic.transition({ ...snapshot, status: 'active' }, { type: STOP }, scope as never);
  } catch {
    // It had nothing to clean up, or failed once more: it has crashed already.
  }
}

/**
 * Whether a completion comes from a child that its parent has let go of: it was under way when the
 * parent left the state that invoked it, and must not be taken for that of a newer child.
 */
function isStale(target: InnerActor, source: InnerActor | undefined, event: EventObject): boolean {
  if (source?.[LET_GO] !== true || source._parent !== target) return false;
  return /^xstate\.(done\.actor|error\.actor|snapshot)\./.test(event.type);
}
