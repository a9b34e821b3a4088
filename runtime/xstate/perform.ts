/**
 * Performing a plan: its actions in order, through XState's own executor, and the snapshot that
 * follows, in the shape of XState's.
 */
import { createActor, type AnyActorLogic, type EventObject } from 'xstate';
import type { Builtin, MachineNode, MachineSnapshot, Scope } from './internals.ts';

/** One action, looked up already. */
export interface PlannedAction {
  readonly type: string;
  readonly params: unknown;
  readonly assignment: unknown;
  readonly builtin: Builtin | undefined;
  readonly custom: unknown;
}

/** A set of active states, with what follows from it alone. */
export interface States {
  readonly nodes: readonly MachineNode[];
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
}

/** Runs the plan's actions in order and gives the snapshot that follows. */
export function perform(
  plan: { readonly actions: readonly PlannedAction[]; readonly next: States | undefined },
  snapshot: MachineSnapshot,
  event: EventObject,
  scope: Scope,
  internalQueue: EventObject[],
): MachineSnapshot {
  let current = snapshot;
  for (const action of plan.actions) {
    const { builtin, assignment } = action;
    const { context } = current;
    const info = { context, event, self: scope.self, system: scope.system };
    const params: unknown =
      typeof action.params === 'function'
        ? (action.params as (args: object) => unknown)({ context, event })
        : action.params;
    if (builtin === undefined) {
      scope.actionExecutor({ type: action.type, info, params, exec: action.custom });
    } else if (assignment !== undefined)
      current = assignTo(current, assignment, info, params, scope);
    else {
      const [next, resolved] = builtin.resolve(scope, current, info, params, builtin, {
        internalQueue,
        deferredActorIds: undefined,
      });
      current = next;
      if (builtin.execute !== undefined) {
        const exec = builtin.execute.bind(null, scope, resolved);
        scope.actionExecutor({ type: builtin.type, info, params: resolved, exec });
      }
    }
  }
  const { next } = plan;
  return next === undefined ? current : withStates(current, next);
}

function withStates(snapshot: MachineSnapshot, { nodes, value, tags }: States): MachineSnapshot {
  const { context, children } = snapshot;
  return snapshotOf(snapshot, nodes, value, tags, context, children);
}

/** A snapshot with the fields of XState's, in their order, so that both have one hidden class. */
function snapshotOf(
  from: MachineSnapshot,
  nodes: readonly MachineNode[],
  value: unknown,
  tags: ReadonlySet<string>,
  context: object,
  children: Readonly<Record<string, unknown>>,
): MachineSnapshot {
  return {
    status: from.status,
    output: from.output,
    error: from.error,
    machine: from.machine,
    context,
    _nodes: nodes,
    value,
    tags,
    children,
    historyValue: from.historyValue,
    matches: from.matches,
    hasTag: from.hasTag,
    can: from.can,
    getMeta: from.getMeta,
    toJSON: from.toJSON,
  };
}

/** `assign`, without XState's rebuilding of all that it does not change. */
function assignTo(
  snapshot: MachineSnapshot,
  assignment: unknown,
  info: { context: object; event: EventObject; self: object; system: object },
  params: unknown,
  scope: Scope,
): MachineSnapshot {
  const spawned: Record<string, unknown> = {};
  const { context, event, self, system } = info;
  const spawn = (source: unknown, options?: SpawnOptions): unknown => {
    const child = spawnIn(snapshot, scope, event, source, options);
    spawned[child.id] = child;
    return child;
  };
  const args = { context, event, spawn, self, system };
  let update: object;
  if (typeof assignment === 'function') {
    update = (assignment as (args: object, params: unknown) => object)(args, params);
  } else {
    const partial: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(assignment as object)) {
      partial[key] =
        typeof value === 'function'
          ? (value as (a: object, p: unknown) => unknown)(args, params)
          : value;
    }
    update = partial;
  }
  const children =
    Object.keys(spawned).length === 0 ? snapshot.children : { ...snapshot.children, ...spawned };
  const { _nodes, value, tags } = snapshot;
  return snapshotOf(snapshot, _nodes, value, tags, Object.assign({}, context, update), children);
}

interface SpawnOptions {
  readonly id?: string;
  readonly systemId?: string;
  readonly syncSnapshot?: boolean;
  readonly input?: unknown;
}

/** `spawn` within an assigner. */
function spawnIn(
  { machine, context }: MachineSnapshot,
  scope: Scope,
  event: EventObject,
  source: unknown,
  options: SpawnOptions = {},
): { readonly id: string } {
  const named = typeof source === 'string';
  const logic = (named ? machine.implementations.actors[source] : source) as
    AnyActorLogic | undefined;
  if (logic === undefined)
    throw new Error(
      `Actor logic '${String(source)}' not implemented in machine '${machine.root.id}'`,
    );
  const { id, systemId, syncSnapshot } = options;
  const input: unknown =
    named && typeof options.input === 'function'
      ? (options.input as (args: object) => unknown)({ context, event, self: scope.self })
      : options.input;
  const given = { id, systemId, syncSnapshot, input, parent: scope.self, src: source };
  const child = createActor(logic, given as never) as unknown as {
    readonly id: string;
    readonly _processingStatus: number;
    start(): void;
  };
  scope.defer(() => {
    if (child._processingStatus !== 2) child.start();
  });
  return child;
}
