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
import type { AnyActorLogic, EventObject } from 'xstate';
import type {
  Builtin,
  Machine,
  MachineNode,
  MachineSnapshot,
  Transit,
  Transition,
} from './internals.ts';
import { perform, type PlannedAction, type States } from './perform.ts';
import { candidatesOf, select } from './select.ts';
import { ancestorsOf, exitAndEntry, hasAlways, valueOf } from './states.ts';

/** The active states, in XState's order, with what follows from them alone. */
interface Configuration extends States {
  /** Per event type: who may take it, or undefined when XState has to. */
  readonly selectors: Map<string, Selector | undefined>;
  readonly plans: Map<Transition, Plan>;
}

/** The candidates of one atomic state and its ancestors, innermost first. */
type Selector = readonly Transition[];

/** What one transition does in one configuration. */
interface Plan {
  readonly actions: readonly PlannedAction[];
  /** Undefined when the active states stay as they are. */
  readonly next: Configuration | undefined;
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
 * transition each event takes, raised ones included.
 */
export function planTransitions(
  logic: AnyActorLogic,
  transit: Transit,
  selected: (event: EventObject, transition: Transition | undefined) => void,
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
      selected(next, transition);
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
    if (same) return { actions: planned, next: undefined };
    const next = this.#configurationOf(after);
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
