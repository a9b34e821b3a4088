/**
 * The stopping of a cell's children, which comes before its own cleanup: one by one in order, each
 * awaited within its grace; all at once; or, after a kill, by a kill.
 */
import { cellOf } from './agent-ref.ts';
import type { Cell } from './cell.ts';
import { SHUTDOWN } from './exit.ts';
import type { AnyRef } from './ref.ts';
import type { Siblings } from './siblings.ts';

/** How the children are stopped. */
export type StopMode = 'ordered' | 'parallel' | 'kill';

export class ChildrenStop {
  readonly #mode: StopMode;
  /** Those that are stopped one by one, the next one last. */
  readonly #left: Cell[];
  #stopping: Cell | undefined;

  /** `first` are stopped in their order, after those that are not among them, newest first. */
  constructor(children: Siblings, first: readonly AnyRef[] | undefined, mode: StopMode) {
    this.#mode = mode;
    const inOrder = stopOrder(children, first ?? []);
    this.#left = mode === 'ordered' ? inOrder.reverse() : [];
    if (mode === 'ordered') this.#next();
    else for (const child of inOrder) stop(child, mode);
  }

  /** A child has ended: the next one is stopped. */
  ended(child: Cell): void {
    if (this.#mode === 'ordered' && child === this.#stopping) this.#next();
  }

  #next(): void {
    let next = this.#left.pop();
    // One that has ended already is counted when its own signal comes.
    while (next?.status === 'ended') next = this.#left.pop();
    this.#stopping = next;
    if (next !== undefined) stop(next, this.#mode);
  }
}

/** Stops a child as it was spawned to be stopped, or kills it. */
function stop(child: Cell, mode: StopMode): void {
  const { shutdown } = child.options;
  if (mode === 'kill' || shutdown === 'brutal_kill') child.kill();
  else child.stop(SHUTDOWN, shutdown);
}

function stopOrder(siblings: Siblings, first: readonly AnyRef[]): Cell[] {
  const children = new Set(siblings.values());
  const ordered = new Set<Cell>();
  for (const ref of first) {
    const cell = cellOf(ref);
    if (cell !== undefined && children.has(cell)) ordered.add(cell);
  }
  const others = [...children].filter((cell) => !ordered.has(cell)).reverse();
  return [...others, ...ordered];
}
