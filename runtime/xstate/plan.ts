/**
 * Planned transitions: the transitions of a user's machine, worked out once per state and event
 * type and then replayed.
 *
 * XState finds the states to exit and to enter anew for each event, which is nearly all of what a
 * step costs. They depend on the state and on the selected transition alone, so this keeps them. A
 * plan runs the same guards and the same actions, in the same order, through the same executor, and
 * gives a snapshot of the same shape. What is unusual (history, `always`, invoke, final states,
 * `enqueueActions`, more than one `raise`) is left to XState, which is decided when the plan is
 * made and never after an action has run. test/xstate/planned.test.ts proves the two equal.
 */
import { createActor, type AnyActorLogic, type EventObject } from 'xstate';

// ── What is used of XState's inside ───────────────────────────────────────────────────────────

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
  readonly invoke: readonly unknown[];
  readonly tags: readonly string[];
  readonly meta?: { readonly postpone?: unknown };
}

/** A transition as XState has it. */
export interface Transition {
  readonly source: MachineNode;
  readonly target: readonly MachineNode[] | undefined;
  readonly reenter: boolean;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

interface Machine {
  readonly options: { readonly maxIterations?: number };
  readonly root: MachineNode;
  readonly implementations: {
    readonly actions: Readonly<Record<string, unknown>>;
    readonly guards: Readonly<Record<string, unknown>>;
    readonly actors: Readonly<Record<string, unknown>>;
  };
  getStateNodeById(id: string): { readonly config: { readonly invoke?: unknown } };
}

interface MachineSnapshot {
  readonly status: string;
  readonly output: unknown;
  readonly error: unknown;
  readonly machine: Machine;
  readonly context: object;
  readonly _nodes: readonly MachineNode[];
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
  readonly children: Readonly<Record<string, unknown>>;
  readonly historyValue: object;
  readonly matches: unknown;
  readonly hasTag: unknown;
  readonly can: unknown;
  readonly getMeta: unknown;
  readonly toJSON: unknown;
}

interface Scope {
  readonly self: object;
  readonly system: object;
  defer(run: () => void): void;
  actionExecutor(action: { type: string; info: unknown; params: unknown; exec: unknown }): void;
}

/** XState's own transition function of the machine. */
type Transit = (snapshot: MachineSnapshot, event: EventObject, scope: Scope) => MachineSnapshot;

/** An action that XState resolves: `assign`, `raise`, `sendTo` and so on. */
interface Builtin {
  (): void;
  readonly type: string;
  readonly assignment?: unknown;
  readonly delay?: unknown;
  resolve(
    scope: Scope,
    snapshot: MachineSnapshot,
    args: object,
    params: unknown,
    action: Builtin,
    extra: { internalQueue: EventObject[]; deferredActorIds: undefined },
  ): [MachineSnapshot, unknown, readonly unknown[] | undefined];
  execute?(scope: Scope, params: unknown): void;
}

/** A guard that XState checks: `and`, `not`, `stateIn` and so on. */
interface BuiltinGuard {
  check(snapshot: unknown, args: object, guard: unknown): boolean;
}

// ── Plans ─────────────────────────────────────────────────────────────────────────────────────

/** The active states, in XState's order, with what follows from them alone. */
interface Configuration {
  readonly nodes: readonly MachineNode[];
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
  /** Per event type: who may take it, or undefined when XState has to. */
  readonly selectors: Map<string, Selector | undefined>;
  readonly plans: Map<Transition, Plan>;
}

/** The candidates of one atomic state and its ancestors, innermost first. */
type Selector = readonly Transition[];

/** One action, looked up already. */
interface PlannedAction {
  readonly type: string;
  readonly params: unknown;
  readonly assignment: unknown;
  readonly builtin: Builtin | undefined;
  readonly custom: unknown;
}

/** What one transition does in one configuration. */
interface Plan {
  readonly actions: readonly PlannedAction[];
  readonly next: Configuration;
}

/** Plans of machines with very many states or event types would only fill the memory. */
const CONFIGURATIONS_MAX = 10_000;
const EVENT_TYPES_MAX = 1_000;

/** Actions that may be part of a plan; `enqueueActions` can do anything, so XState does it. */
const PLANNABLE = [
  'assign',
  'raise',
  'sendTo',
  'cancel',
  'emit',
  'log',
  'stopChild',
  'spawnChild',
].map((name) => `xstate.${name}`);

/**
 * The machine's transition function with plans in front of XState's. `selected` is told which
 * transitions the event took, as XState's selection tells it.
 */
export function planTransitions(
  logic: AnyActorLogic,
  transit: Transit,
  selected: (event: EventObject, transitions: readonly Transition[]) => void,
): Transit {
  const machine = logic as unknown as Machine;
  const planner = new Planner(machine);

  const run: Transit = (snapshot, event, scope) => {
    let current = snapshot;
    let next: EventObject | undefined = event;
    for (let steps = 1; next !== undefined; steps += 1) {
      const selector = planner.selectorFor(current, next);
      if (selector === undefined) return transit(current, next, scope);
      const { maxIterations = Infinity } = machine.options;
      if (steps > maxIterations + 1) throw endless(maxIterations);
      const transition = select(selector, current, next);
      if (current === snapshot && next === event)
        selected(event, transition === undefined ? NONE : [transition]);
      if (transition === undefined) return current;
      const queue: EventObject[] = [];
      current = perform(planner.planFor(current, transition), current, next, scope, queue);
      // A plan raises at most one event, so that what XState is left with is the whole queue.
      next = queue[0];
    }
    return current;
  };
  return run;
}

const NONE: readonly Transition[] = [];

/** XState's error for a macrostep that does not end. */
function endless(maxIterations: number): Error {
  return new Error(
    `Infinite loop detected: the machine has processed more than ${maxIterations} microsteps without reaching a stable state. ` +
      `This usually happens when there's a cycle of transitions (e.g., eventless transitions or raised events causing state A -> B -> C -> A).`,
  );
}

/** Makes and keeps the plans of one machine. */
class Planner {
  readonly #machine: Machine;
  readonly #byNodes = new WeakMap<readonly MachineNode[], Configuration>();
  readonly #byKey = new Map<string, Configuration>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Who may take the event, or undefined when XState has to handle it. */
  selectorFor(snapshot: MachineSnapshot, event: EventObject): Selector | undefined {
    const { type } = event;
    if (snapshot.status !== 'active') return undefined;
    const configuration = this.#configurationOf(snapshot._nodes);
    if (configuration === undefined) return undefined;
    const { selectors } = configuration;
    const known = selectors.get(type);
    if (known !== undefined || selectors.has(type)) return known;
    const selector = this.#selector(configuration, type);
    if (selectors.size < EVENT_TYPES_MAX) selectors.set(type, selector);
    return selector;
  }

  planFor(snapshot: MachineSnapshot, transition: Transition): Plan {
    const configuration = this.#configurationOf(snapshot._nodes) as Configuration;
    return configuration.plans.get(transition) as Plan;
  }

  #configurationOf(nodes: readonly MachineNode[]): Configuration | undefined {
    const known = this.#byNodes.get(nodes);
    if (known !== undefined) return known;
    const key = nodes.map((node) => node.order).join();
    let configuration = this.#byKey.get(key);
    if (configuration === undefined) {
      if (this.#byKey.size >= CONFIGURATIONS_MAX) return undefined;
      configuration = {
        nodes,
        value: valueOf(this.#machine.root, new Set(nodes)),
        tags: new Set(nodes.flatMap((node) => node.tags)),
        selectors: new Map(),
        plans: new Map(),
      };
      this.#byKey.set(key, configuration);
    }
    this.#byNodes.set(nodes, configuration);
    return configuration;
  }

  /** The candidates in the order in which XState asks them, each with its plan; undefined for what is unusual. */
  #selector(configuration: Configuration, type: string): Selector | undefined {
    if (/^xstate\.(error|stop|init)/.test(type)) return undefined;
    const { nodes } = configuration;
    // `always` follows every event.
    if (nodes.some(hasAlways)) return undefined;
    const atomic = nodes.find((node) => node.type === 'atomic');
    if (atomic === undefined) return undefined;
    const line = ancestorsOf(atomic, undefined, [atomic]);
    // Several regions select independently of each other. XState can also leave a region's parent
    // out of its active states, when it enters a history state from within.
    if (line.length !== nodes.length || line.some((node) => !nodes.includes(node)))
      return undefined;
    const candidates = line.flatMap((node) => candidatesOf(node, type));
    for (const transition of candidates) {
      if (configuration.plans.has(transition)) continue;
      const plan = this.#plan(configuration, transition);
      if (plan === undefined) return undefined;
      configuration.plans.set(transition, plan);
    }
    return candidates;
  }

  #plan(configuration: Configuration, transition: Transition): Plan | undefined {
    const sets = exitAndEntry(configuration.nodes, transition);
    if (sets === undefined) return undefined;
    const { exited, entered, defaults } = sets;
    const actions = [
      ...exited.flatMap((node) => node.exit),
      ...transition.actions,
      ...entered.flatMap((node) => [
        ...node.entry,
        ...(defaults.has(node) ? node.initial.actions : []),
      ]),
    ].map((action) => this.#action(action));
    if (actions.includes(undefined)) return undefined;
    const planned = actions as PlannedAction[];
    const raises = planned.filter(
      ({ builtin }) => builtin?.type === 'xstate.raise' && builtin.delay === undefined,
    );
    if (raises.length > 1) return undefined;
    const kept = configuration.nodes.filter((node) => !exited.includes(node));
    const after = [...new Set([...kept, ...entered])];
    if (after.some(hasAlways)) return undefined;
    const same =
      after.length === configuration.nodes.length &&
      after.every((node) => configuration.nodes.includes(node));
    const next = same ? configuration : this.#configurationOf(after);
    return next && { actions: planned, next };
  }

  /** Looks an action up as XState does; undefined when it cannot be part of a plan. */
  #action(action: unknown): PlannedAction | undefined {
    const inline = typeof action === 'function';
    const named = typeof action === 'string' ? action : (action as { type: string }).type;
    const resolved = inline ? action : this.#machine.implementations.actions[named];
    const params =
      inline || typeof action === 'string' ? undefined : (action as { params?: unknown }).params;
    if (typeof resolved !== 'function' || !('resolve' in resolved)) {
      const type = inline ? action.name || '(anonymous)' : named;
      return { type, params, assignment: undefined, builtin: undefined, custom: resolved };
    }
    const builtin = resolved as unknown as Builtin;
    if (!PLANNABLE.includes(builtin.type)) return undefined;
    // A delay that is worked out per event may turn out to be none: then it is one more raise.
    if (
      builtin.type === 'xstate.raise' &&
      builtin.delay !== undefined &&
      typeof builtin.delay !== 'number'
    ) {
      return undefined;
    }
    return {
      type: builtin.type,
      params,
      assignment: builtin.assignment,
      builtin,
      custom: undefined,
    };
  }
}

function hasAlways(node: MachineNode): boolean {
  return node.always !== undefined && node.always.length > 0;
}

/** The state value, as XState writes it. */
function valueOf(node: MachineNode, active: ReadonlySet<MachineNode>): unknown {
  const children = Object.values(node.states).filter((child) => active.has(child));
  if (node.type === 'compound') {
    const [child] = children;
    if (child === undefined) return {};
    if (child.type === 'atomic' || child.type === 'final') return child.key;
  }
  return Object.fromEntries(children.map((child) => [child.key, valueOf(child, active)]));
}

// ── Selection ─────────────────────────────────────────────────────────────────────────────────

/** A node's transitions for an event type: the exact ones, then wildcards, the longest first. */
function candidatesOf(node: MachineNode, type: string): Transition[] {
  const wildcards = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && matches(type, descriptor))
    .sort((a, b) => b.length - a.length);
  return [type, ...wildcards].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

function matches(type: string, descriptor: string): boolean {
  if (descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const prefix = descriptor.slice(0, -2).split('.');
  const tokens = type.split('.');
  return prefix.every((token, index) => token === '*' || token === tokens[index]);
}

/** The first candidate whose guard passes. */
function select(
  selector: Selector,
  snapshot: MachineSnapshot,
  event: EventObject,
): Transition | undefined {
  for (const transition of selector) {
    const { guard } = transition;
    if (guard === undefined || passes(guard, snapshot, event, transition)) return transition;
  }
  return undefined;
}

function passes(
  guard: unknown,
  snapshot: MachineSnapshot,
  event: EventObject,
  transition: Transition,
): boolean {
  try {
    return evaluate(guard, snapshot, event);
  } catch (error) {
    const type = typeof guard === 'string' ? guard : (guard as { type?: string }).type;
    const named = typeof guard !== 'function' && type !== undefined ? `'${type}' ` : '';
    const where = `in transition for event '${event.type}' in state node '${transition.source.id}'`;
    throw new Error(`Unable to evaluate guard ${named}${where}:\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

function evaluate(guard: unknown, snapshot: MachineSnapshot, event: EventObject): boolean {
  const { context, machine } = snapshot;
  const inline = typeof guard === 'function';
  const type = typeof guard === 'string' ? guard : (guard as { type: string }).type;
  const resolved: unknown = inline ? guard : machine.implementations.guards[type];
  if (resolved === undefined) throw new Error(`Guard '${type}' is not implemented.'.`);
  if (typeof resolved !== 'function') return evaluate(resolved, snapshot, event);
  const args = { context, event };
  if ('check' in resolved) {
    const builtin = resolved as unknown as BuiltinGuard;
    return builtin.check(snapshot, args, resolved);
  }
  const given =
    inline || typeof guard === 'string' ? undefined : (guard as { params?: unknown }).params;
  const params: unknown =
    typeof given === 'function' ? (given as (args: object) => unknown)(args) : given;
  return (resolved as (args: object, params: unknown) => boolean)(args, params);
}

// ── States to exit and to enter ───────────────────────────────────────────────────────────────

interface ExitAndEntry {
  /** Innermost first. */
  readonly exited: readonly MachineNode[];
  /** Outermost first. */
  readonly entered: readonly MachineNode[];
  /** Those that are entered by default, whose initial actions run. */
  readonly defaults: ReadonlySet<MachineNode>;
}

/** As SCXML's exit and entry sets, for one transition without history; undefined where something is unusual. */
function exitAndEntry(
  nodes: readonly MachineNode[],
  transition: Transition,
): ExitAndEntry | undefined {
  const { source, target, reenter } = transition;
  if (target === undefined || target.length === 0)
    return { exited: [], entered: [], defaults: new Set() };
  const [to] = target;
  if (to === undefined || target.length > 1 || isUnusual(to)) return undefined;
  const domain = domainOf(source, to, reenter);
  // A re-entry of the root has no domain; XState treats it in a way of its own.
  if (domain === undefined) return undefined;
  const exited = nodes
    .filter(
      (node) => isDescendant(node, domain) || (reenter && source === domain && node === domain),
    )
    .sort((a, b) => b.order - a.order);
  const entered = new Set<MachineNode>();
  const defaults = new Set<MachineNode>();
  if (source !== to || reenter) {
    entered.add(to);
    defaults.add(to);
  }
  for (let node = to; node.type === 'compound';) {
    const child = node.initial.target[0];
    if (child === undefined || child.parent !== node) return undefined;
    entered.add(child);
    defaults.add(child);
    node = child;
  }
  for (const ancestor of ancestorsOf(to, domain, [])) entered.add(ancestor);
  if (reenter && source === domain) entered.add(domain);
  const touched = [...exited, ...entered];
  if (touched.some(isUnusual)) return undefined;
  const inOrder = [...entered].sort((a, b) => a.order - b.order);
  const withInitial = new Set([...defaults].filter((node) => node.type === 'compound'));
  return { exited, entered: inOrder, defaults: withInitial };
}

/** What makes a node's entry or exit more than its actions. */
function isUnusual(node: MachineNode): boolean {
  return (
    node.type === 'history' ||
    node.type === 'final' ||
    node.type === 'parallel' ||
    node.invoke.length > 0 ||
    Object.values(node.states).some((child) => child.type === 'history')
  );
}

/** The innermost state that stays active while the transition is taken. */
function domainOf(
  source: MachineNode,
  target: MachineNode,
  reenter: boolean,
): MachineNode | undefined {
  if (!reenter && (target === source || isDescendant(target, source))) return source;
  const common = ancestorsOf(target, undefined, []).find((ancestor) =>
    isDescendant(source, ancestor),
  );
  if (common !== undefined) return common;
  return reenter ? undefined : rootOf(source);
}

function rootOf(node: MachineNode): MachineNode {
  let root = node;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

function isDescendant(node: MachineNode, ancestor: MachineNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** Proper ancestors up to, but without, `end`, innermost first, behind what is in `into`. */
function ancestorsOf(
  node: MachineNode,
  end: MachineNode | undefined,
  into: MachineNode[],
): MachineNode[] {
  if (node === end) return into;
  for (let at = node.parent; at !== undefined && at !== end; at = at.parent) into.push(at);
  return into;
}

// ── Execution ─────────────────────────────────────────────────────────────────────────────────

/** Runs the plan's actions in order and gives the snapshot that follows. */
function perform(
  plan: Plan,
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
  return next.nodes === current._nodes ? current : withStates(current, next);
}

function withStates(
  snapshot: MachineSnapshot,
  { nodes, value, tags }: Configuration,
): MachineSnapshot {
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
