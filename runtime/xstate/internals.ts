/**
 * What the adapter uses of XState's inside, in one place: its types, and the check that the
 * installed XState has it. test/xstate/internals.test.ts pins each fact.
 */
import {
  Actor,
  StateMachine,
  __unsafe_getAllOwnEventDescriptors as getAllOwnEventDescriptors,
  type AnyMachineSnapshot,
  type AnyActorLogic,
  type EventObject,
  type InspectionEvent as XStateInspectionEvent,
  type Snapshot,
} from 'xstate';
import type { Lineage } from '../envelope.ts';
import { UnsupportedXState } from '../errors.ts';
import type { XStateBehavior } from './behavior.ts';

/** An XState actor as the adapter sees it. */
export interface InnerActor {
  readonly id: string;
  readonly sessionId: string;
  logic: AnyActorLogic;
  readonly systemId: string | undefined;
  /** The name of its logic in its parent's machine, or the logic itself. */
  readonly src: unknown;
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

export interface InnerSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly value?: unknown;
  readonly children?: Readonly<Record<string, unknown>>;
  readonly _nodes?: readonly { readonly meta?: { readonly postpone?: unknown } }[];
}

/** The types of the events that a machine would take in its state. */
export function eventDescriptors(snapshot: InnerSnapshot): string[] {
  return getAllOwnEventDescriptors(snapshot as unknown as AnyMachineSnapshot);
}

export interface InnerSystem {
  /** Somebody looks at XState's own protocol; a field of ours. */
  observed?: boolean;
  readonly _logger: unknown;
  readonly _clock: { setTimeout(run: () => void, delayMs: number): unknown };
  _bookId(): string;
  _register(sessionId: string, actor: InnerActor): string;
  _unregister(actor: InnerActor): void;
  _set(systemId: string, actor: InnerActor): void;
  get(systemId: string): unknown;
  getAll(): Record<string, unknown>;
  _relay(source: object | undefined, target: unknown, event: EventObject): void;
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
export interface InnerMailbox {
  start(): void;
  clear(): void;
  enqueue(event: EventObject): void;
}

export const OWNER = Symbol('troupe.owner');
export const WAITING = Symbol('troupe.waiting');
export const LINEAGE = Symbol('troupe.lineage');
export const LET_GO = Symbol('troupe.letGo');
const SUPPORTED = '^5.33';
export const STOP = 'xstate.stop';

/** Refuses an XState whose inside is not the one that this file knows. */
export function checkInternals(actor: object, system: object): void {
  const parts: [object, string, string][] = [
    [actor, '_process', 'function'],
    [actor, '_send', 'function'],
    [actor, 'mailbox', 'object'],
    [actor, '_snapshot', 'object'],
    [actor, '_processingStatus', 'number'],
    [actor, '_actorScope', 'object'],
    [system, '_clock', 'object'],
    [system, '_logger', 'function'],
    [system, '_bookId', 'function'],
    [system, '_register', 'function'],
    [system, '_unregister', 'function'],
    [system, '_set', 'function'],
    [system, '_relay', 'function'],
    [system, '_sendInspectionEvent', 'function'],
    [system, 'scheduler', 'object'],
    [Actor.prototype, '_initState', 'function'],
    [Actor.prototype, 'update', 'function'],
    [Actor.prototype, '_stopProcedure', 'function'],
    [StateMachine.prototype, 'getTransitionData', 'function'],
    [StateMachine.prototype, 'getInitialSnapshot', 'function'],
    [StateMachine.prototype, '_getPreInitialState', 'function'],
  ];
  for (const [holder, name, type] of parts) {
    if (typeof (holder as Record<string, unknown>)[name] !== type) {
      throw new UnsupportedXState({ missing: name, supported: SUPPORTED });
    }
  }
}

// ── Machines ────────────────────────────────────────────────────────────────────────────────────

/** A state node of a machine. */
export interface MachineNode {
  readonly id: string;
  readonly key: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly order: number;
  readonly parent: MachineNode | undefined;
  readonly states: Readonly<Record<string, MachineNode>>;
  readonly initial: {
    readonly target: readonly MachineNode[];
    readonly actions: readonly unknown[];
  };
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly invoke: readonly Invoke[];
  readonly output?: unknown;
  readonly tags: readonly string[];
  readonly meta?: { readonly postpone?: unknown };
}

/** An actor that a state invokes. */
interface Invoke {
  readonly src: string;
  readonly id: string;
  readonly systemId?: string;
  readonly input?: unknown;
  readonly onSnapshot?: unknown;
}

/** What XState remembers of the states that were active, by the id of the history state. */
export type History = Readonly<Record<string, readonly MachineNode[]>>;

/** A transition as XState has it. */
export interface Transition {
  readonly source: MachineNode;
  readonly target: readonly MachineNode[] | undefined;
  readonly reenter: boolean;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

export interface Machine {
  readonly config: { readonly context?: unknown };
  readonly options: { readonly maxIterations?: number };
  readonly root: MachineNode;
  readonly implementations: {
    readonly actions: Readonly<Record<string, unknown>>;
    readonly guards: Readonly<Record<string, unknown>>;
    readonly actors: Readonly<Record<string, unknown>>;
  };
  getTransitionData(snapshot: MachineSnapshot, event: EventObject): readonly Transition[];
  transition: Transit;
  getInitialSnapshot: Begin;
  _getPreInitialState(scope: Scope, event: EventObject, queue: EventObject[]): MachineSnapshot;
}

export interface MachineSnapshot {
  readonly status: string;
  readonly output: unknown;
  readonly error: unknown;
  readonly machine: Machine;
  readonly context: object;
  readonly _nodes: readonly MachineNode[];
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
  readonly children: Readonly<Record<string, unknown>>;
  readonly historyValue: History;
  readonly matches: unknown;
  readonly hasTag: unknown;
  readonly can: unknown;
  readonly getMeta: unknown;
  readonly toJSON: unknown;
}

export interface Scope {
  readonly self: object & { readonly _processingStatus?: number };
  readonly system: Pick<InnerSystem, '_relay' | '_sendInspectionEvent'>;
  defer(run: () => void): void;
  actionExecutor(action: { type: string; info: unknown; params: unknown; exec: unknown }): void;
}

/** XState's own transition function of the machine. */
export type Transit = (
  snapshot: MachineSnapshot,
  event: EventObject,
  scope: Scope,
) => MachineSnapshot;

/** XState's own function of the machine that makes its first snapshot. */
export type Begin = (scope: Scope, input: unknown) => MachineSnapshot;

/** An action that XState resolves: `assign`, `raise`, `sendTo` and so on. */
export interface Builtin {
  readonly type: string;
  readonly assignment?: unknown;
  readonly delay?: unknown;
  readonly to?: unknown;
  readonly event?: unknown;
  resolve(
    scope: Scope,
    snapshot: MachineSnapshot,
    args: ActionArgs,
    params: unknown,
    action: Builtin,
    extra: Extra,
  ): readonly [MachineSnapshot, unknown, readonly unknown[] | undefined];
  /** Told again what it has resolved, once the actors exist that the entered state invokes. */
  retryResolve?(scope: Scope, snapshot: MachineSnapshot, resolved: unknown): void;
  execute?(scope: Scope, resolved: unknown): void;
}

export interface ActionArgs {
  readonly context: object;
  readonly event: EventObject;
  readonly self: object;
  readonly system: object;
}

export interface Extra {
  /** What the macrostep has raised and not yet processed. */
  readonly internalQueue: EventObject[];
  /** Actors that the state is about to invoke that is entered now. */
  readonly deferredActorIds: readonly string[] | undefined;
}

/** A guard that XState checks: `and`, `not`, `stateIn` and so on. */
export interface BuiltinGuard {
  check(snapshot: unknown, args: object, guard: unknown): boolean;
}
