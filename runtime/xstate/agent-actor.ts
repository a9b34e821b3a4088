/**
 * The root actor of a machine's agent: XState's actor with as little as possible.
 *
 * XState's constructor makes a mailbox, a set of observers, a map of listeners, a merged copy of the
 * options, and six closures: 1.5 kB and 5 µs for what an agent mostly does not use, since its cell has
 * the mailbox, and the observers. This one has XState's prototype and makes each of them when it is
 * asked for.
 */
import { Actor, createActor, fromTransition, type AnyActorLogic, type EventObject } from 'xstate';
import {
  LINEAGE,
  OWNER,
  WAITING,
  type InnerActor,
  type InnerMailbox,
  type InnerSnapshot,
  type InnerSystem,
} from './internals.ts';
import type { Lineage } from '../envelope.ts';
import type { XStateBehavior } from './behavior.ts';

interface Action {
  readonly type: string;
  readonly params: unknown;
}

type Executor = (action: Action) => void;

/**
 * XState notes that a custom action runs, and warns of an `assign()` that is called in one. Only the
 * executor of an actor can note it; that of this one does for all.
 */
const borrowed = (
  createActor(fromTransition((state: undefined) => state, undefined)).start() as unknown as {
    readonly _actorScope: { readonly actionExecutor: Executor };
  }
)._actorScope.actionExecutor;

/** What XState's own code of an actor does, for what is not done here. */
const xstate = Actor.prototype as unknown as {
  update(this: AgentActor, snapshot: InnerSnapshot, event: EventObject): void;
  subscribe(this: AgentActor, ...observer: unknown[]): unknown;
  on(this: AgentActor, type: string, handler: (emitted: EventObject) => void): unknown;
  send(this: AgentActor, event: EventObject): void;
  _initState(this: AgentActor, saved: unknown): void;
};

/** Shared by all that have none; XState reads and clears them. */
const NO_OBSERVERS: Set<unknown> = new Set();
const NO_LISTENERS: Map<string, Set<(emitted: EventObject) => void>> = new Map();

type Given = Pick<InnerActor, 'id' | 'logic' | '_parent' | 'system'> & { readonly input: unknown };

export class AgentActor {
  readonly id: string;
  readonly logic: AnyActorLogic;
  readonly system: InnerSystem;
  readonly sessionId: string;
  readonly _parent: InnerActor | undefined;
  readonly _actorScope: AgentScope;
  _snapshot!: InnerSnapshot;
  _processingStatus: 0 | 1 | 2 = 0;
  _deferred: (() => void)[] = [];
  [OWNER]: XStateBehavior;
  [WAITING]: number | undefined = undefined;
  [LINEAGE]: Lineage | undefined = undefined;
  readonly #input: unknown;
  #observers: Set<unknown> | undefined;
  #listeners: typeof NO_LISTENERS | undefined;

  constructor(owner: XStateBehavior, { id, logic, _parent, system, input }: Given, saved: unknown) {
    this.id = id;
    this.logic = logic;
    this.system = system;
    this.sessionId = system._bookId();
    this._parent = _parent;
    this[OWNER] = owner;
    this.#input = input;
    this._actorScope = new AgentScope(this);
    if (system.observed) system._sendInspectionEvent({ type: '@xstate.actor', actorRef: this });
    xstate._initState.call(this, saved);
  }

  get ref(): this {
    return this;
  }

  get src(): AnyActorLogic {
    return this.logic;
  }

  get options(): object {
    return { id: this.id, parent: this._parent, input: this.#input };
  }

  get logger(): unknown {
    return this.system._logger;
  }

  get clock(): unknown {
    return this.system._clock;
  }

  /** Its events wait in the mailbox of its cell. */
  get mailbox(): InnerMailbox {
    return this[OWNER].mailboxOf(this as unknown as InnerActor);
  }

  get observers(): Set<unknown> {
    return this.#observers ?? NO_OBSERVERS;
  }

  get eventListeners(): typeof NO_LISTENERS {
    return this.#listeners ?? NO_LISTENERS;
  }

  /** Bound, as XState's is. */
  get send(): (event: EventObject) => void {
    const value = xstate.send.bind(this);
    Object.defineProperty(this, 'send', { value });
    return value;
  }

  subscribe(...observer: unknown[]): unknown {
    this.#observers ??= new Set();
    return xstate.subscribe.apply(this, observer);
  }

  on(type: string, handler: (emitted: EventObject) => void): unknown {
    this.#listeners ??= new Map();
    return xstate.on.call(this, type, handler);
  }

  /** XState's update, without what nobody looks at. */
  update(snapshot: InnerSnapshot, event: EventObject): void {
    if (snapshot.status !== 'active' || this.#observers !== undefined || this.system.observed) {
      xstate.update.call(this, snapshot, event);
      return;
    }
    this._snapshot = snapshot;
    const deferred = this._deferred;
    if (deferred.length === 0) return;
    try {
      // What is deferred may defer more. Mostly it is one: `shift` costs more, `length = 0` even more.
      while (deferred.length > 0) (deferred.length === 1 ? deferred.pop() : deferred.shift())?.();
    } catch (error) {
      deferred.length = 0;
      xstate.update.call(this, { ...snapshot, status: 'error', error }, event);
    }
  }

  _stopProcedure(): this {
    if (this._processingStatus !== 1) return this;
    const { system } = this;
    system.scheduler.cancelAll(this as unknown as InnerActor);
    this._processingStatus = 2;
    system._unregister(this as unknown as InnerActor);
    return this;
  }
}

Object.setPrototypeOf(AgentActor.prototype, Actor.prototype);

/** What the logic of an actor is given to act with. */
class AgentScope {
  readonly self: AgentActor;
  readonly system: InnerSystem;
  #executor: Executor | undefined;

  constructor(self: AgentActor) {
    this.self = self;
    this.system = self.system;
  }

  get id(): string {
    return this.self.id;
  }

  get sessionId(): string {
    return this.self.sessionId;
  }

  get logger(): unknown {
    return this.self.logger;
  }

  defer(run: () => void): void {
    this.self._deferred.push(run);
  }

  stopChild(child: InnerActor & { _stop(): void }): void {
    const { self } = this;
    if ((child._parent as unknown) !== self)
      throw new Error(
        `Cannot stop child actor ${child.id} of ${self.id} because it is not a child`,
      );
    child._stop();
  }

  /** To those that listen to the actor itself; those of its ref are told once the step has ended. */
  emit(emitted: EventObject): void {
    const { self } = this;
    const { eventListeners } = self;
    const listeners = [
      ...(eventListeners.get(emitted.type) ?? []),
      ...(eventListeners.get('*') ?? []),
    ];
    self[OWNER].life.cell.emit(emitted);
    for (const listener of listeners) {
      try {
        listener(emitted);
      } catch (error) {
        // As XState has it: where nobody can catch it.
        this.system._clock.setTimeout(() => {
          throw error;
        }, 0);
      }
    }
  }

  /** XState takes it out of the scope, and puts another one in for the time of a microstep. */
  get actionExecutor(): Executor {
    return (this.#executor ??= (action) => this.#execute(action));
  }

  set actionExecutor(executor: Executor) {
    this.#executor = executor;
  }

  #execute(action: Action): void {
    const { self } = this;
    if (self._processingStatus === 1) this.#run(action);
    else self._deferred.push(() => this.#run(action));
  }

  #run(action: Action): void {
    const { self, system } = this;
    if (system.observed) {
      const { type, params } = action;
      system._sendInspectionEvent({
        type: '@xstate.action',
        actorRef: self,
        action: { type, params },
      });
    }
    borrowed(action);
  }
}
