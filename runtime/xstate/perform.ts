/**
 * Performing a plan: its actions in order, as XState runs them, and the snapshot that follows, in the
 * shape of XState's.
 */
import { createActor, type AnyActorLogic, type EventObject } from 'xstate';
import type { ActionArgs, Builtin, Extra, Machine, MachineSnapshot, Scope } from './internals.ts';
import type { States } from './rehearsal.ts';

type Assigner = ((args: object, params: unknown) => object) | undefined;

type Expression = (args: object, params: unknown) => unknown;

interface Send {
  readonly to: Expression;
  readonly event: Expression | EventObject;
}

/** One action, looked up already. */
export interface PlannedAction {
  readonly type: string;
  readonly params: unknown;
  readonly assignment: Assigner | readonly (readonly [string, unknown])[] | undefined;
  readonly builtin: Builtin | undefined;
  /** Its resolving reads no more of the snapshot than the children, and changes nothing. */
  readonly sends: boolean;
  /** Of a `sendTo` that only has to be sent: whom and what. */
  readonly send: Send | undefined;
  /** It can raise an event, or end the machine. */
  readonly raises: boolean;
  readonly custom: unknown;
  /** Of an entry action: the actors that its state invokes, and that are yet to be made. */
  readonly invokes: readonly string[] | undefined;
}

/** What XState resolves without changing the snapshot, or looking at more of it than its children. */
const SENDS = ['raise', 'sendTo', 'cancel', 'emit', 'log'].map((name) => `xstate.${name}`);

/** XState sends it in another form. */
const ERROR = 'xstate.error';

/** What raises nothing, and ends nothing. */
const QUIET = ['assign', 'sendTo', 'cancel', 'emit', 'log', 'spawnChild', 'stopChild'].map(
  (name) => `xstate.${name}`,
);

/** Looks an action up as XState does. */
export function plannedAction(
  machine: Machine,
  action: unknown,
  invokes?: readonly string[],
): PlannedAction {
  const inline = typeof action === 'function';
  const named = typeof action === 'string' ? action : (action as { type: string }).type;
  const resolved = inline ? action : machine.implementations.actions[named];
  const params =
    inline || typeof action === 'string' ? undefined : (action as { params?: unknown }).params;
  if (typeof resolved === 'function' && 'resolve' in resolved)
    return { ...innerAction(resolved as unknown as Builtin), params, invokes };
  const type = inline ? action.name || '(anonymous)' : named;
  const none = {
    assignment: undefined,
    builtin: undefined,
    sends: false,
    send: undefined,
    raises: false,
  };
  return { type, params, ...none, custom: resolved, invokes };
}

/** An action that XState, or the plan, resolves. */
export function innerAction(builtin: Builtin): PlannedAction {
  const { type } = builtin;
  const given = type === 'xstate.assign' ? builtin.assignment : undefined;
  const assignment =
    typeof given === 'object' && given !== null ? Object.entries(given) : (given as Assigner);
  const sends = SENDS.includes(type);
  const later = type === 'xstate.raise' && typeof builtin.delay === 'number';
  const raises = !later && !QUIET.includes(type);
  const none = { params: undefined, custom: undefined, invokes: undefined };
  return { type, ...none, assignment, builtin, sends, send: sendOf(builtin), raises };
}

/**
 * Ends the entry actions of a state that invokes: now its actors exist, and a send to one of them by
 * its id, which came before, gets its target.
 */
export const INVOKED: PlannedAction = innerAction({
  type: 'troupe.invoked',
  resolve: (_scope, snapshot) => [snapshot, undefined, undefined],
});

/** What was resolved before the invoked actors existed. */
type Unaddressed = [Builtin, unknown][];

/** Runs the actions in order and gives the snapshot that follows, with the active states of `next`. */
export function perform(
  actions: readonly PlannedAction[],
  next: States | undefined,
  snapshot: MachineSnapshot,
  event: EventObject,
  scope: Scope,
  internalQueue: EventObject[],
  open?: Unaddressed,
): MachineSnapshot {
  const { self, system } = scope;
  let unaddressed = open;
  // What the actions have made of context and children is put into a snapshot when it is looked at.
  let current = snapshot;
  let { context, children } = snapshot;
  for (const action of actions) {
    const { builtin, assignment } = action;
    const params: unknown =
      typeof action.params === 'function'
        ? (action.params as (args: object) => unknown)({ context, event })
        : action.params;
    if (assignment !== undefined) {
      const spawning = new Spawning(current.machine, context, event, scope);
      const args = { context, event, spawn: spawning.spawn, self, system };
      context = assign(assignment, args, params);
      if (spawning.children !== undefined) children = { ...children, ...spawning.children };
      continue;
    }
    const info: ActionArgs = { context, event, self, system };
    if (builtin === undefined) {
      scope.actionExecutor({ type: action.type, info, params, exec: action.custom });
      continue;
    }
    let resolving = builtin;
    if (action.send !== undefined) {
      const { to, event: given } = action.send;
      const sent = typeof given === 'function' ? given(info, params) : given;
      const target = to(info, params);
      if (typeof target !== 'string' && isPlain(sent) && self._processingStatus === 1) {
        scope.defer(() => system._relay(self, target || self, sent));
        continue;
      }
      // The id of a child, or what has another meaning for XState: it goes on from here.
      resolving = { ...builtin, to: target, event: sent };
    }
    const { invokes } = action;
    if (action.sends ? children !== current.children : context !== current.context)
      current = snapshotOf(current, undefined, context, children);
    if (action === INVOKED) {
      for (const [send, resolved] of unaddressed ?? [])
        send.retryResolve?.(scope, current, resolved);
      unaddressed = undefined;
      continue;
    }
    const extra: Extra = { internalQueue, deferredActorIds: invokes };
    const [after, resolved, more] = builtin.resolve(scope, current, info, params, resolving, extra);
    if (invokes !== undefined) {
      unaddressed ??= [];
      if (builtin.retryResolve !== undefined) unaddressed.push([builtin, resolved]);
    }
    if (builtin.execute !== undefined) execute(builtin, info, resolved, scope);
    if (action.sends) continue;
    current = after;
    if (more !== undefined) {
      const planned = more.map((each) => plannedAction(current.machine, each, invokes));
      current = perform(planned, undefined, after, event, scope, internalQueue, unaddressed);
    }
    ({ context, children } = current);
  }
  if (next === undefined && context === current.context && children === current.children)
    return current;
  return snapshotOf(current, next, context, children);
}

/** A `sendTo` without a delay to a function's result; what else there is, XState resolves. */
function sendOf({ type, to, event, delay }: Builtin): Send | undefined {
  const plain = type === 'xstate.sendTo' && typeof to === 'function' && delay === undefined;
  return plain && typeof event !== 'string' ? ({ to, event } as Send) : undefined;
}

function isPlain(event: unknown): event is EventObject {
  return typeof event === 'object' && event !== null && 'type' in event && event.type !== ERROR;
}

function execute(builtin: Builtin, info: ActionArgs, resolved: unknown, scope: Scope): void {
  // Before the actor's start XState keeps all actions; afterwards its executor only tells inspectors.
  if (scope.self._processingStatus === 1) builtin.execute?.(scope, resolved);
  else {
    const exec = builtin.execute?.bind(null, scope, resolved);
    scope.actionExecutor({ type: builtin.type, info, params: resolved, exec });
  }
}

/** A snapshot with the fields of XState's, in their order, so that both have one hidden class. */
export function snapshotOf(
  from: MachineSnapshot,
  states: States | undefined,
  context: object,
  children: Readonly<Record<string, unknown>>,
): MachineSnapshot {
  return {
    status: from.status,
    output: from.output,
    error: from.error,
    machine: from.machine,
    context,
    _nodes: states === undefined ? from._nodes : states.nodes,
    value: states === undefined ? from.value : states.value,
    tags: states === undefined ? from.tags : states.tags,
    children,
    historyValue: states === undefined ? from.historyValue : states.history,
    matches: from.matches,
    hasTag: from.hasTag,
    can: from.can,
    getMeta: from.getMeta,
    toJSON: from.toJSON,
  };
}

/** `assign`, without XState's rebuilding of all that it does not change. */
function assign(
  assignment: NonNullable<PlannedAction['assignment']>,
  args: ActionArgs,
  params: unknown,
): object {
  if (typeof assignment === 'function') return { ...args.context, ...assignment(args, params) };
  const updated = { ...args.context } as Record<string, unknown>;
  for (const entry of assignment) {
    const value = entry[1];
    updated[entry[0]] =
      typeof value === 'function'
        ? (value as (args: object, params: unknown) => unknown)(args, params)
        : value;
  }
  return updated;
}

interface SpawnOptions {
  readonly id?: string;
  readonly systemId?: string;
  readonly syncSnapshot?: boolean;
  readonly input?: unknown;
}

/** `spawn` within one assigner, and what it has spawned. */
class Spawning {
  children: Record<string, unknown> | undefined;
  readonly spawn: (source: unknown, options?: SpawnOptions) => unknown;

  constructor(machine: Machine, context: object, event: EventObject, scope: Scope) {
    this.spawn = (source, options) => {
      const child = spawnIn(machine, { context, event, self: scope.self }, scope, source, options);
      (this.children ??= {})[child.id] = child;
      return child;
    };
  }
}

function spawnIn(
  machine: Machine,
  { context, event, self }: Omit<ActionArgs, 'system'>,
  scope: Scope,
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
      ? (options.input as (args: object) => unknown)({ context, event, self })
      : options.input;
  const given = { id, systemId, syncSnapshot, input, parent: self, src: source };
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
