/**
 * Planned transitions: the microsteps of a user's machine, worked out once per set of active states
 * and selected transitions, and then replayed.
 *
 * XState finds the states to exit and to enter anew for each event, which is nearly all of what a
 * step costs. They depend on the active states and the selected transitions alone, so a plan keeps
 * them: as the list of actions that they amount to. A plan runs the same guards and the same actions,
 * in the same order, and gives a snapshot of the same shape. What the plan consists of, XState itself
 * has said in a rehearsal. test/xstate/planned.test.ts proves the two equal.
 */
import { assign, spawnChild, stopChild, type AnyActorLogic, type EventObject } from 'xstate';
import { Completions } from './completion.ts';
import {
  STOP,
  type Begin,
  type Builtin,
  type History,
  type Machine,
  type MachineNode,
  type MachineSnapshot,
  type Scope,
  type Transit,
  type Transition,
} from './internals.ts';
import { INVOKED, innerAction, perform, plannedAction, type PlannedAction } from './perform.ts';
import { Rehearsals, type Rehearsal, type States } from './rehearsal.ts';
import {
  Choice,
  eventlessOf,
  select,
  selectEventless,
  selectorOf,
  type Selector,
} from './select.ts';

/** What one microstep does in one configuration. */
export interface Plan {
  readonly actions: readonly PlannedAction[];
  /** Undefined when the active states stay as they are. */
  readonly next: Configuration | undefined;
  /** Nothing can follow in the same step: no raised event, no eventless transition, and no end. */
  readonly isLast: boolean;
}

/** States, with what is known of them by now. */
interface Configuration extends States {
  /** One of many too many is known to the snapshots that are in it, and to nobody else. */
  readonly kept: boolean;
  readonly selectors: Map<string, Selector>;
  readonly eventless: readonly (readonly Choice[])[];
  readonly choiceOf: (transition: Transition) => Choice;
}

/** Who wants to know what the plans do. */
export interface Witness {
  /** Which transitions take an event, one that was raised included. */
  selected(event: EventObject, transitions: readonly Transition[]): void;
  /** A microstep has changed the active states, or entered again what was active. */
  moved(): void;
}

/** Plans of machines with very many states or event types would only fill the memory. */
const CONFIGURATIONS_MAX = 10_000;
const EVENT_TYPES_MAX = 1_000;

const INIT = 'xstate.init';
const NONE: readonly Transition[] = [];
const NOTHING_RAISED: EventObject[] = [];

/** The configuration of a snapshot, at its list of nodes: a look-up in a map costs 30 ns more. */
const CONFIGURATION = Symbol('troupe.configuration');

interface Planned {
  readonly transition: Transit;
  readonly getInitialSnapshot: Begin;
}

/** The machine's own functions with plans in front of XState's. */
export function planTransitions(
  logic: AnyActorLogic,
  witness: Witness,
  configurationsMax: number = CONFIGURATIONS_MAX,
): Planned {
  const machine = logic as unknown as Machine;
  const { transition: transit } = machine;
  const planner = new Planner(machine, configurationsMax);

  const step = (
    configuration: Configuration,
    choice: Choice,
    snapshot: MachineSnapshot,
    event: EventObject,
    scope: Scope,
    queue: EventObject[],
  ): MachineSnapshot => {
    const { actions, next } = choice.plan ?? planner.plan(configuration, choice);
    if (next !== undefined || choice.reenters) witness.moved();
    return perform(actions, next, snapshot, event, scope, queue);
  };

  /** Takes eventless transitions and processes what was raised, until nothing is left to do. */
  const settle = (
    snapshot: MachineSnapshot,
    event: EventObject,
    scope: Scope,
    queue: EventObject[],
  ): MachineSnapshot => {
    const { maxIterations = Infinity } = machine.options;
    let current = snapshot;
    let cause = event;
    let asksEventless = true;
    for (let steps = 1; current.status === 'active'; steps += 1) {
      if (steps > maxIterations) throw endless(maxIterations);
      const configuration = planner.configurationOf(current);
      const { eventless } = configuration;
      let choice =
        asksEventless && eventless.length > 0
          ? selectEventless(eventless, current, cause)
          : undefined;
      asksEventless = true;
      if (choice === undefined) {
        if (queue.length === 0) return current;
        cause = queue.shift() as EventObject;
        choice = select(planner.selectorOf(configuration, cause.type), current, cause);
        witness.selected(cause, choice?.transitions ?? NONE);
        if (choice !== undefined)
          current = step(configuration, choice, current, cause, scope, queue);
      } else {
        const before = current;
        current = step(configuration, choice, current, cause, scope, queue);
        // An eventless transition that changes nothing would be taken for ever.
        asksEventless = current !== before;
      }
    }
    stopChildren(current, cause, scope);
    return current;
  };

  const transition: Transit = (snapshot, event, scope) => {
    if (snapshot.status !== 'active') return transit(snapshot, event, scope);
    const configuration = planner.configurationOf(snapshot);
    if (!configuration.kept) return transit(snapshot, event, scope);
    const { type } = event;
    if (type === STOP) return { ...stopChildren(snapshot, event, scope), status: 'stopped' };
    // No transition takes it, not even one for all events.
    if (type === INIT) return settle(snapshot, event, scope, []);
    const choice = select(planner.selectorOf(configuration, type), snapshot, event);
    witness.selected(event, choice?.transitions ?? NONE);
    if (choice?.plan?.isLast === true)
      return step(configuration, choice, snapshot, event, scope, NOTHING_RAISED);
    const queue: EventObject[] = [];
    if (choice !== undefined)
      return settle(
        step(configuration, choice, snapshot, event, scope, queue),
        event,
        scope,
        queue,
      );
    if (type.startsWith('xstate.error.actor')) {
      const { error } = event as EventObject & { error: unknown };
      return { ...stopChildren(snapshot, event, scope), status: 'error', error };
    }
    return settle(snapshot, event, scope, queue);
  };

  const getInitialSnapshot: Begin = (scope, input) => {
    const event = { type: INIT, input };
    const queue: EventObject[] = [];
    let snapshot = planner.before();
    try {
      snapshot = perform(planner.context, undefined, snapshot, event, scope, queue);
      const { actions, next } = planner.initial();
      return settle(perform(actions, next, snapshot, event, scope, queue), event, scope, queue);
    } catch (error) {
      return { ...snapshot, status: 'error', error };
    }
  };

  return { transition, getInitialSnapshot };
}

function stopChildren(
  snapshot: MachineSnapshot,
  event: EventObject,
  scope: Scope,
): MachineSnapshot {
  const children = Object.values(snapshot.children);
  if (children.length === 0) return snapshot;
  const stops = children.map((child) =>
    innerAction(stopChild(child as never) as unknown as Builtin),
  );
  return perform(stops, undefined, snapshot, event, scope, []);
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
  readonly #configurationsMax: number;
  readonly #configurations = new Map<string, Configuration>();
  #rehearsed: Rehearsals | undefined;
  #before: MachineSnapshot | undefined;
  #initial: Plan | undefined;
  /** What makes the initial context of the input. */
  readonly context: readonly PlannedAction[];

  constructor(machine: Machine, configurationsMax: number) {
    this.#machine = machine;
    this.#configurationsMax = configurationsMax;
    const { context } = machine.config;
    const assignment =
      typeof context === 'function' &&
      (({ spawn, event, self }: { spawn: unknown; event: { input?: unknown }; self: unknown }) =>
        (context as (args: object) => object)({ spawn, input: event.input, self }));
    this.context = assignment
      ? [innerAction(assign(assignment as never) as unknown as Builtin)]
      : [];
  }

  /** The snapshot before anything is entered. */
  before(): MachineSnapshot {
    const { config, root } = this.#machine;
    this.#before ??= {
      ...this.#rehearsals.before(),
      machine: this.#machine,
      _nodes: [root],
    };
    const { context } = config;
    return { ...this.#before, context: typeof context === 'object' && context ? context : {} };
  }

  initial(): Plan {
    const { root } = this.#machine;
    return (this.#initial ??= this.#planOf(this.#rehearsals.initial(), {
      nodes: [root],
      eventless: [],
    }));
  }

  configurationOf({ _nodes: nodes, historyValue, value, tags }: MachineSnapshot): Configuration {
    const known = (nodes as { [CONFIGURATION]?: Configuration })[CONFIGURATION];
    return known ?? this.#configuration({ nodes, history: historyValue, value, tags });
  }

  /** Who may take an event of the type. */
  selectorOf({ selectors, value, choiceOf }: Configuration, type: string): Selector {
    let selector = selectors.get(type);
    if (selector === undefined) {
      selector = selectorOf(this.#machine.root, value, type, choiceOf);
      if (selectors.size < EVENT_TYPES_MAX) selectors.set(type, selector);
    }
    return selector;
  }

  plan(configuration: Configuration, choice: Choice): Plan {
    const { transitions } = choice;
    const rehearsal = this.#rehearsals.transition(configuration, transitions);
    const plan = this.#planOf(rehearsal, configuration);
    if (plan.next?.kept !== false) choice.plan = plan;
    return plan;
  }

  get #rehearsals(): Rehearsals {
    return (this.#rehearsed ??= new Rehearsals(this.#machine));
  }

  #configuration(states: States): Configuration {
    const key = keyOf(states.nodes, states.history);
    let configuration = this.#configurations.get(key);
    if (configuration === undefined) {
      const choices = new Map<Transition, Choice>();
      const choiceOf = (transition: Transition): Choice => {
        let choice = choices.get(transition);
        if (choice === undefined) choices.set(transition, (choice = new Choice([transition])));
        return choice;
      };
      const kept = this.#configurations.size < this.#configurationsMax;
      const eventless = eventlessOf(states.nodes, choiceOf);
      configuration = { ...states, kept, eventless, choiceOf, selectors: new Map() };
      if (kept) this.#configurations.set(key, configuration);
    }
    // Not enumerable: nothing that looks at a snapshot sees it.
    Object.defineProperty(states.nodes, CONFIGURATION, { value: configuration });
    return configuration;
  }

  #planOf({ turns, after }: Rehearsal, from: Pick<Configuration, 'nodes' | 'eventless'>): Plan {
    const completions = new Completions(this.#machine.root, from.nodes);
    const actions: PlannedAction[] = [];
    const add = (given: readonly unknown[], invokes?: readonly string[]): void => {
      for (const action of given) actions.push(plannedAction(this.#machine, action, invokes));
    };
    turns.forEach((turn, index) => {
      if (turn.of === 'transition') {
        add(turn.transition.actions);
        return;
      }
      const { node } = turn;
      if (turn.of === 'exit') {
        add(node.exit);
        // At its end a machine runs its exit actions, and its children are stopped in another way.
        if (completions.done) return;
        add(node.invoke.map(({ id }) => stopChild(id)));
        completions.exit(node);
        return;
      }
      const invoked = node.invoke.map(({ id }) => id);
      const invokes = invoked.length > 0 ? invoked : undefined;
      if (turn.of === 'initial') add(node.initial.actions, invokes);
      else {
        add(node.entry, invokes);
        add(node.invoke.map(spawnOf), invokes);
      }
      // The actions of the initial transition belong to the entry.
      if (turns[index + 1]?.of === 'initial') return;
      if (invokes !== undefined) actions.push(INVOKED);
      actions.push(...completions.enter(node).map(innerAction));
    });
    const next = after && this.#configuration(after);
    const { eventless } = next ?? from;
    const isLast = eventless.length === 0 && actions.every(({ raises }) => !raises);
    return { actions, next, isLast };
  }
}

function spawnOf({ src, id, systemId, input, onSnapshot }: MachineNode['invoke'][number]): unknown {
  return spawnChild(src, { id, systemId, input, syncSnapshot: Boolean(onSnapshot) } as never);
}

function keyOf(nodes: readonly MachineNode[], history: History): string {
  const orders = (of: readonly MachineNode[]): string => of.map(({ order }) => order).join();
  const remembered = Object.entries(history).map(([id, kept]) => `;${id}=${orders(kept)}`);
  return orders(nodes) + remembered.join('');
}
