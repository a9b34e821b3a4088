/**
 * Logics as a system hosts them: what kind each is, and for machines a copy that says which
 * transitions it selects, whose microsteps are bounded, and whose transitions are planned.
 */
import {
  StateMachine,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  type AnyActorLogic,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import type { EffectKind } from '../effects.ts';
import { InvalidOption } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Begin, InnerActor, MachineNode, Transit } from './internals.ts';
import { planTransitions, type Witness } from './plan.ts';

type Kind = 'machine' | 'receiver' | 'deaf' | 'custom';

/** One transition as XState selects it. */
export interface SelectedTransition {
  readonly reenter: boolean;
  readonly target: readonly unknown[] | undefined;
}

/** What a hosted machine selected for the event that it is processing, or processed last. */
export interface Selection {
  actor: InnerActor | undefined;
  event: EventObject | undefined;
  /** Those that it selected first: for the event itself, and not for one that it raised. */
  transitions: readonly SelectedTransition[] | undefined;
  /** Some microstep changed the active states, or entered again what was active. */
  moved: boolean;
}

export const selection: Selection = {
  actor: undefined,
  event: undefined,
  transitions: undefined,
  moved: false,
};

/** A logic as it is hosted. */
export interface Hosted {
  readonly logic: AnyActorLogic;
  readonly kind: Kind;
  /** Some state postpones something: otherwise no event needs to be checked. */
  readonly postpones: boolean;
}

/** How many observers of XState's own protocol there are, over all systems of the process. */
export const observed = { systems: 0 };

const hosted = {
  planned: new WeakMap<AnyActorLogic, Hosted>(),
  plain: new WeakMap<AnyActorLogic, Hosted>(),
};

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

/** Which of XState's actors of the outside world a logic is; undefined for any other. */
export function effectKindOf({ transition }: AnyActorLogic): EffectKind | undefined {
  const source = String(transition);
  if (source === probes.promise) return 'promise';
  if (source === probes.callback) return 'callback';
  if (source === probes.observable) return 'observable';
  return source === probes.eventObservable ? 'event observable' : undefined;
}

/** The logic as a system hosts it; the same for all agents that run it. */
export function hostLogic(logic: AnyActorLogic, planned: boolean): Hosted {
  const known = planned ? hosted.planned : hosted.plain;
  let entry = known.get(logic);
  if (entry === undefined) known.set(logic, (entry = prepare(logic, planned)));
  return entry;
}

function prepare(logic: AnyActorLogic, planned: boolean): Hosted {
  if (!(logic instanceof StateMachine)) {
    const source = String(logic.transition);
    const deaf = [probes.promise, probes.observable, probes.eventObservable].includes(source);
    const receiver = [probes.callback, probes.transition].includes(source);
    return { logic, kind: deaf ? 'deaf' : receiver ? 'receiver' : 'custom', postpones: false };
  }
  const machine = copyOf(logic);
  const select = machine.getTransitionData.bind(machine);
  machine.getTransitionData = (snapshot, event) => {
    const transitions = select(snapshot, event);
    // The first selection of a macrostep is the one for the event that came in.
    if (selection.event === event && selection.transitions === undefined)
      selection.transitions = transitions;
    return transitions;
  };
  if (planned) plan(machine, witness);
  return { logic: machine, kind: 'machine', postpones: postponesAnything(machine.root) };
}

type Machine = AnyActorLogic & {
  options: { maxIterations?: number };
  readonly root: MachineNode;
  getTransitionData(snapshot: unknown, event: EventObject): readonly SelectedTransition[];
  transition: Transit;
  getInitialSnapshot: Begin;
};

/** Tells the selection what the plans of an agent's machine do. */
const witness: Witness = {
  selected: (event, transitions) => {
    if (selection.event === event) selection.transitions ??= transitions;
  },
  moved: () => {
    selection.moved = true;
  },
};

/** Puts plans in front of the machine's own transitions. */
function plan(machine: Machine, told: Witness): void {
  const { transition: transit, getInitialSnapshot: begin } = machine;
  const replay = planTransitions(machine, told);
  // Who observes XState's own protocol is to see XState's own microsteps.
  machine.transition = (snapshot, event, scope) =>
    observed.systems > 0
      ? transit(snapshot, event, scope)
      : replay.transition(snapshot, event, scope);
  machine.getInitialSnapshot = (scope, input) =>
    observed.systems > 0 ? begin(scope, input) : replay.getInitialSnapshot(scope, input);
}

const copies = {
  planned: new WeakMap<object, Machine>(),
  plain: new WeakMap<object, Machine>(),
};

/** Nobody asks what an inner machine selects. */
const nobody: Witness = { selected: () => undefined, moved: () => undefined };

/** The machine that an agent's own machine invokes or spawns, as it is hosted. */
export function innerMachine(logic: AnyStateMachine, planned: boolean): AnyActorLogic {
  const known = planned ? copies.planned : copies.plain;
  let machine = known.get(logic);
  if (machine === undefined) {
    machine = copyOf(logic);
    if (planned) plan(machine, nobody);
    known.set(logic, machine);
    known.set(machine, machine);
  }
  return machine;
}

/**
 * A copy of a machine, since the user's may run elsewhere too: in a plain actor, in React. Its
 * microsteps are bounded; without a bound, a cycle of raised events hangs the process.
 */
function copyOf(logic: AnyStateMachine): Machine {
  const machine = logic.provide({}) as unknown as Machine;
  const { maxIterations = Infinity } = machine.options;
  machine.options = {
    ...machine.options,
    maxIterations: Math.min(maxIterations, LIMITS.microstepsMax),
  };
  return machine;
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
