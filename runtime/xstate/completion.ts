/**
 * Completion: what follows when a final state is entered. Its parent is done, and so are the parallel
 * states around it whose regions are all done; at the root the machine ends with its output.
 */
import type { EventObject } from 'xstate';
import type { ActionArgs, Builtin, MachineNode } from './internals.ts';

/** The completions of one microstep, in the order in which its states are entered. */
export class Completions {
  readonly #root: MachineNode;
  readonly #active: Set<MachineNode>;
  readonly #completed = new Set<MachineNode>();
  /** The root has completed: the machine ends. */
  done = false;

  constructor(root: MachineNode, active: readonly MachineNode[]) {
    this.#root = root;
    this.#active = new Set(active);
  }

  exit(node: MachineNode): void {
    this.#active.delete(node);
  }

  /** What happens after the entry actions of the state. */
  enter(node: MachineNode): Builtin[] {
    this.#active.add(node);
    if (node.type !== 'final') return [];
    const { parent, output } = node;
    const follow: Builtin[] = [];
    if (parent?.type === 'compound')
      follow.push(raises((args) => doneState(parent, outputOf(output, args))));
    let around = parent?.type === 'parallel' ? parent : parent?.parent;
    let last = around ?? node;
    while (around?.type === 'parallel' && !this.#completed.has(around) && this.#isDone(around)) {
      const complete = around;
      this.#completed.add(complete);
      follow.push(raises(() => doneState(complete, undefined)));
      last = complete;
      around = around.parent;
    }
    if (around === undefined) {
      this.done = true;
      follow.push(ends(this.#root, last));
    }
    return follow;
  }

  #isDone(node: MachineNode): boolean {
    const children = Object.values(node.states).filter(({ type }) => type !== 'history');
    if (node.type === 'compound')
      return children.some((child) => child.type === 'final' && this.#active.has(child));
    if (node.type === 'parallel') return children.every((child) => this.#isDone(child));
    return node.type === 'final';
  }
}

function doneState({ id }: MachineNode, output: unknown): EventObject {
  return { type: `xstate.done.state.${id}`, output } as EventObject;
}

function outputOf(output: unknown, { context, event, self }: Omit<ActionArgs, 'system'>): unknown {
  return typeof output === 'function'
    ? (output as (args: object) => unknown)({ context, event, self })
    : output;
}

function raises(make: (args: ActionArgs) => EventObject): Builtin {
  return {
    type: 'troupe.completion',
    resolve: (_scope, snapshot, args, _params, _action, { internalQueue }) => {
      internalQueue.push(make(args));
      return [snapshot, undefined, undefined];
    },
  };
}

/** The machine's output is made of the event that its last state would have raised. */
function ends(root: MachineNode, last: MachineNode): Builtin {
  return {
    type: 'troupe.end',
    resolve: (_scope, snapshot, args) => {
      let output: unknown;
      if (root.output !== undefined) {
        const { context, event, self } = args;
        const inner = last.parent && outputOf(last.output, { context, event, self });
        output = outputOf(root.output, { context, event: doneState(last, inner), self });
      }
      return [{ ...snapshot, status: 'done', output }, undefined, undefined];
    },
  };
}
