/**
 * The obligations of a run: the requests and tasks that must be settled at last.
 */
import type { Ask } from '../runtime/internal.ts';
import type { Systems } from './systems.ts';
import { nameOf, obligationName } from './names.ts';
import { matches } from './scenario.ts';
import type { RootAsk } from './world.ts';

export class Obligations {
  /** The tasks that the program has opened, by name. */
  readonly tasks = new Map<string, 'open' | 'done'>();
  /** What code outside agents has asked. */
  readonly rootAsks: RootAsk[] = [];
  readonly #core: Systems;
  /** The agents whose requests may stay open for ever. */
  readonly #allowed: readonly string[] | undefined;
  /** Whose step opened a task. */
  readonly #openers = new Map<string, string>();

  constructor(core: Systems, allowed: readonly string[] | undefined) {
    this.#core = core;
    this.#allowed = allowed;
  }

  /** Opens a task, in the step of an agent or outside of any. */
  open(task: string, opener: string | undefined): void {
    this.tasks.set(task, 'open');
    if (opener !== undefined) this.#openers.set(task, opener);
  }

  /** Settles a task; whether it was open. */
  close(task: string): boolean {
    const wasOpen = this.tasks.get(task) === 'open';
    this.tasks.set(task, 'done');
    return wasOpen;
  }

  /** Who opened a task; undefined when it is no task, or of no agent. */
  openerOf(task: string): string | undefined {
    return this.#openers.get(task);
  }

  /** The requests that are open and may not stay so. */
  get asks(): Ask[] {
    if (this.#core.ledger.size === 0) return [];
    return this.#core.ledger.open().filter((ask) => !matches(this.#allowed, nameOf(ask.by)));
  }

  get openTasks(): string[] {
    if (this.tasks.size === 0) return [];
    return [...this.tasks].filter(([, state]) => state === 'open').map(([name]) => name);
  }

  /** The requests and tasks that are open, by name. */
  get names(): string[] {
    const asks = this.asks.map((ask) => obligationName(ask.by, ask.target, ask.request));
    return [...asks, ...this.openTasks];
  }
}
