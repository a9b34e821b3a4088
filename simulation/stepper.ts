/**
 * The scheduler of a simulation: nobody runs by itself. Commands (start, stop, wake up …) are run
 * to the end after each event; which message is handled next is for whoever explores to choose.
 */
import type { Runnable, Scheduler } from '../runtime/index.ts';
import { Cell } from '../runtime/internal.ts';

/** How many commands may follow one event: more is a loop that no message explains. */
const COMMANDS_MAX = 100_000;

/** Who has work, in the order in which it came. */
export class Stepper implements Scheduler {
  readonly lagMs = 0;
  readonly burst = NaN;
  readonly #ready = new Set<Cell>();
  /** What else runs: streams between nodes, which send what a step has left for them. */
  readonly #tasks: Runnable[] = [];
  #idle: (() => void)[] = [];
  #ran: Cell[] = [];

  enqueue(runnable: Runnable): void {
    if (runnable instanceof Cell) this.#ready.add(runnable);
    else this.#tasks.push(runnable);
  }

  get idle(): boolean {
    return this.#ready.size === 0;
  }

  onIdle(callback: () => void): void {
    this.#idle.push(callback);
  }

  /** The agents that have something to do. */
  get ready(): Iterable<Cell> {
    return this.#ready;
  }

  /** The agents that have run since this was read last. */
  takeRan(): Iterable<Cell> {
    const ran = this.#ran;
    if (ran.length > 0) this.#ran = [];
    return ran;
  }

  /** Lets an agent handle one message, or one command when it has any. */
  step(cell: Cell): void {
    if (!this.#ran.includes(cell)) this.#ran.push(cell);
    this.#ready.delete(cell);
    if (cell.run(1)) this.#ready.add(cell);
  }

  /** Runs every command that waits, and those that follow from them. */
  settle(): void {
    let left = COMMANDS_MAX;
    for (let again = true; again;) {
      again = false;
      for (const task of this.#tasks.splice(0)) task.run(1);
      for (const cell of this.#ready) {
        if (!cell.commanded) {
          // Nothing that it would do: a stop or a wait has come between.
          if (cell.mailbox.size === 0 || !cell.takesMessages) this.#park(cell);
          continue;
        }
        this.step(cell);
        again = true;
        if ((left -= 1) === 0)
          throw new Error(`${cell.path}: more than ${COMMANDS_MAX} commands follow from one event`);
      }
    }
    if (this.#tasks.length > 0) this.settle();
    const idle = this.#idle;
    if (idle.length === 0) return;
    this.#idle = [];
    for (const callback of idle) callback();
  }

  /** The cell thinks that it is queued, and learns by a turn without work that it is not. */
  #park(cell: Cell): void {
    this.#ready.delete(cell);
    if (cell.run(1)) this.#ready.add(cell);
  }
}
