/**
 * The host of one system's XState actors.
 *
 * All agents of a system that run XState logics are children of one hidden root actor. The host
 * replaces the mailbox of each actor as it registers, and the relay and scheduler of the XState
 * system, so that whatever reaches an actor (events from outside, `after` timers, completions, sends
 * between an agent and its own children) is queued, in order, as a turn of its agent: never nested,
 * never synchronous.
 */
import {
  Actor,
  StateMachine,
  createActor,
  fromTransition,
  type AnyActorLogic,
  type AnyActorRef,
  type EventObject,
  type InspectionEvent as XStateInspectionEvent,
} from 'xstate';
import { AgentTimer } from '../agent-timers.ts';
import type { Cell } from '../cell.ts';
import type { Core } from '../core.ts';
import { Envelope, type Lineage } from '../envelope.ts';
import { InvalidOption, NoParent } from '../errors.ts';
import { isRef } from '../ref.ts';
import { running } from '../step.ts';
import { AgentActor } from './agent-actor.ts';
import { XStateBehavior } from './behavior.ts';
import { listenIn, takeOver } from './effects.ts';
import {
  LINEAGE,
  OWNER,
  WAITING,
  checkInternals,
  type InnerActor,
  type InnerSystem,
} from './internals.ts';
import {
  hostLogic,
  innerMachine,
  observed,
  selection,
  type Hosted,
  type SelectedTransition,
} from './logic.ts';

/** The two inspection events that the adapter itself looks at, and all the others. */
type Noticed =
  | { readonly type: '@xstate.actor'; readonly actorRef: InnerActor }
  | {
      readonly type: '@xstate.microstep';
      readonly actorRef: InnerActor;
      readonly _transitions: readonly SelectedTransition[];
    }
  | { readonly type: '@xstate.event' };

let probe: AnyActorRef | undefined;

/** Throws `UnsupportedXState` when the installed XState is none that can be hosted. */
export function checkXState(): void {
  probe ??= createActor(fromTransition((state: undefined) => state, undefined));
  checkInternals(probe, probe.system);
}

/** Hosts the XState actors of one system. */
export class XStateHost {
  readonly core: Core;
  readonly system: AnyActorRef['system'];
  readonly #system: InnerSystem;
  readonly #root: InnerActor;
  #inspectors = 0;
  /** The agent whose actor's constructor runs: the actor cannot carry its owner yet. */
  #constructing: XStateBehavior | undefined;

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
    this.#replace();
  }

  /** Attaches an observer of XState's own inspection protocol, such as Stately's inspector. */
  inspect(observer: (event: XStateInspectionEvent) => void): () => void {
    const subscription = this.#system.inspect(observer);
    this.#watched(1);
    return () => {
      subscription.unsubscribe();
      this.#watched(-1);
    };
  }

  #watched(more: 1 | -1): void {
    this.#inspectors += more;
    observed.systems += more;
    this.#system.observed = this.#inspectors > 0;
  }

  /** Throws when a logic cannot be hosted, so that misuse is told at the spawn. */
  check(logic: AnyActorLogic): void {
    hostLogic(logic, this.core.planTransitions);
  }

  /** Makes the actor of an agent, from a saved snapshot if there is one. */
  create(owner: XStateBehavior, hosted: Hosted, saved: unknown): InnerActor {
    const { logic, kind } = hosted;
    const { path: id, options } = owner.life.cell;
    const { input } = options;
    const system = this.#system;
    const parent = this.#root;
    if (kind === 'machine') {
      const given = { id, logic, _parent: parent, system, input };
      return new AgentActor(owner, given, saved) as unknown as InnerActor;
    }
    const outer = this.#constructing;
    this.#constructing = owner;
    try {
      const restored = saved === undefined ? {} : { snapshot: saved };
      const actor = createActor(logic, {
        id,
        input,
        parent,
        ...restored,
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
  innerPath(actor: object): string[] {
    const path: string[] = [];
    for (
      let at = actor as Partial<InnerActor>;
      at._parent !== undefined && at._parent !== this.#root;
      at = at._parent
    ) {
      path.push(at.id as string);
    }
    return path.reverse();
  }

  /**
   * Where a timer's event goes, as it is stored: the ids that lead to an actor of the agent, or the
   * address of another agent; undefined for an actor outside of all agents.
   */
  addressOf(cell: Cell, target: object): readonly string[] | string | undefined {
    if (isRef(target)) return target.address;
    if (this.#findOwner(target as InnerActor)?.life === cell.life) return this.innerPath(target);
    return this.#agentOf(target)?.address;
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
    system._relay = (source, target, event) =>
      this.#relay(source as InnerActor | undefined, target, event);
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
      if (actor._parent === undefined) return;
      const { effects, recorder, planTransitions } = this.core;
      if (effects !== undefined) takeOver(actor, effects, this.#ownerOf(actor).life.cell.path);
      else if (recorder !== undefined)
        listenIn(actor, recorder, this.#ownerOf(actor).life.cell.path);
      if (actor._parent === this.#root) return;
      if (actor.logic instanceof StateMachine)
        actor.logic = innerMachine(actor.logic, planTransitions);
    } else if (event.type === '@xstate.microstep' && event.actorRef === selection.actor) {
      selection.moved ||= event._transitions.some(
        ({ reenter, target }) => reenter && target !== undefined,
      );
    }
  }

  /** Every send of every XState actor: to its family, to a ref, or out of troupe. */
  #relay(
    source: InnerActor | undefined,
    target: unknown,
    event: EventObject,
    lineage?: Lineage,
  ): void {
    const owner = source === undefined ? undefined : this.#findOwner(source);
    if (isRef(target)) {
      this.core.send(this.core.destinationOf(target), event, owner?.life, lineage);
      return;
    }
    const agent = this.#agentOf(target);
    if (agent !== undefined && agent !== (running.cell ?? owner?.life.cell)) {
      // Who knows an agent by its `self` sends it a message like any other.
      this.core.send(agent, event, owner?.life, lineage);
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
        this.#relay(source, target, event, life.timerLineage(fired.lineage));
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
