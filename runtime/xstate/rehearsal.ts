/**
 * Rehearsals: what XState does in a transition, found out by letting XState do it once, on a copy of
 * the machine whose actions do nothing but say that it is their turn.
 *
 * Which states are exited and entered, in which order, and what is active and remembered afterwards
 * depends on the active states, the remembered ones and the selected transitions alone. XState's own
 * algorithm answers, with all its corners, and no second one has to agree with it.
 */
import type { AnyStateMachine } from 'xstate';
import type {
  History,
  Machine,
  MachineNode,
  MachineSnapshot,
  Scope,
  Transition,
} from './internals.ts';

/** The active states, in XState's order, what it remembers of earlier ones, and what follows from both. */
export interface States {
  readonly nodes: readonly MachineNode[];
  readonly history: History;
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
}

/** Whose actions have their turn. */
export type Turn =
  | { readonly of: 'exit' | 'entry' | 'initial'; readonly node: MachineNode }
  | { readonly of: 'transition'; readonly transition: Transition };

export interface Rehearsal {
  readonly turns: readonly Turn[];
  /** Undefined when the active states stay as they are. */
  readonly after: States | undefined;
}

type Marker = (() => void) & { readonly turn: Turn };

/** The copy of one machine, and what has to be told apart on it. */
export class Rehearsals {
  readonly #copy: Machine;
  readonly #copies = new Map<MachineNode, MachineNode>();
  readonly #originals = new Map<MachineNode, MachineNode>();
  #turns: Turn[] = [];
  readonly #scope: Scope = {
    self: {},
    system: { _sendInspectionEvent: () => undefined, _relay: () => undefined },
    defer: () => undefined,
    actionExecutor: ({ exec }) => this.#turns.push((exec as Marker).turn),
  };

  constructor(machine: Machine) {
    const copy = (machine as unknown as AnyStateMachine).provide({}) as unknown as Machine;
    this.#copy = copy;
    // The user's function of the initial context is no business of a rehearsal.
    Object.assign(copy, { config: { ...copy.config, context: {} } });
    this.#mark(machine.root, copy.root);
  }

  /** The state before the first: nothing entered, and the context still to come. */
  before(): MachineSnapshot {
    return this.#copy._getPreInitialState(this.#scope, { type: 'xstate.init' }, []);
  }

  initial(): Rehearsal {
    return this.#rehearse([], () => this.#copy.getInitialSnapshot(this.#scope, undefined));
  }

  transition({ nodes, history }: States, transitions: readonly Transition[]): Rehearsal {
    const active = nodes.map((node) => this.#copies.get(node) as MachineNode);
    const snapshot = {
      ...this.before(),
      _nodes: active,
      historyValue: translate(history, this.#copies),
    };
    const marked = transitions.map((transition) => ({
      ...transition,
      source: this.#copies.get(transition.source) as MachineNode,
      target: transition.target?.map((node) => this.#copies.get(node) as MachineNode),
      actions: [marker({ of: 'transition', transition })],
    }));
    const event = { type: 'troupe.rehearsal' };
    return this.#rehearse(active, () => {
      // What the states raise as they complete is selected for, too, and is no part of this.
      this.#copy.getTransitionData = (_, given) => (given === event ? marked : []);
      return this.#copy.transition(snapshot, event, this.#scope);
    });
  }

  #rehearse(active: readonly MachineNode[], run: () => MachineSnapshot): Rehearsal {
    this.#turns = [];
    this.#copy.getTransitionData = () => [];
    const { status, error, _nodes, historyValue, value, tags } = run();
    if (status === 'error') throw error;
    if (_nodes === active) return { turns: this.#turns, after: undefined };
    const nodes = _nodes.map((node) => this.#originals.get(node) as MachineNode);
    const history = translate(historyValue, this.#originals);
    return { turns: this.#turns, after: { nodes, history, value, tags } };
  }

  #mark(original: MachineNode, copy: MachineNode): void {
    this.#copies.set(original, copy);
    this.#originals.set(copy, original);
    const turn = (of: 'exit' | 'entry' | 'initial'): Marker[] => [marker({ of, node: original })];
    const nested = original.type === 'compound' || original.type === 'parallel';
    // Outputs, invoked actors and eventless transitions have their place in the plan.
    Object.assign(copy, { entry: turn('entry'), exit: turn('exit'), output: undefined });
    Object.assign(copy, { always: undefined });
    Object.defineProperty(copy, 'invoke', { value: [] });
    if (nested) Object.assign(copy.initial, { actions: turn('initial') });
    for (const [key, child] of Object.entries(original.states))
      this.#mark(child, copy.states[key] as MachineNode);
  }
}

function marker(turn: Turn): Marker {
  return Object.assign(() => undefined, { turn });
}

function translate(history: History, nodes: ReadonlyMap<MachineNode, MachineNode>): History {
  const translated: Record<string, readonly MachineNode[]> = {};
  for (const [id, kept] of Object.entries(history))
    translated[id] = kept.map((node) => nodes.get(node) as MachineNode);
  return translated;
}
