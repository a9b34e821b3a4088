/**
 * The systems of a run, seen as one: all agents, timers and open requests. A system that is alone is
 * that by itself. Agents are named by path, so that no two nodes may have one at the same path.
 */
import type { Clock } from '../runtime/index.ts';
import { InvalidOption } from '../runtime/index.ts';
import type { Ask, Cell, Core, Timer } from '../runtime/internal.ts';

/** What a simulation reads of one system, or of several. */
export interface Systems {
  readonly cells: {
    get(path: string): Cell | undefined;
    values(): Iterable<Cell>;
    keys(): Iterable<string>;
  };
  readonly timers: {
    all(): readonly Timer[];
    /** Those that are due next, together. */
    nextDue(): Timer[];
    fire(timer: Timer): boolean;
  };
  readonly ledger: { open(): Ask[]; release(ask: Ask): void };
  cellAt(address: string | undefined): Cell | undefined;
  readonly names: { readonly size: number };
  readonly clock: Clock;
}

/** The systems of several nodes. */
export class NodeSystems implements Systems {
  readonly #cores: readonly Core[];
  readonly clock: Clock;

  constructor(cores: readonly Core[], clock: Clock) {
    this.#cores = cores;
    this.clock = clock;
  }

  readonly cells = {
    get: (path: string): Cell | undefined => {
      const found = this.#cores.flatMap(({ cells }) => cells.get(path) ?? []);
      if (found.length < 2) return found[0];
      const given = found.map(({ address }) => address).join(' and ');
      throw new InvalidOption({ field: 'setup', given, allowed: 'agents at paths of their own' });
    },
    values: (): Cell[] => this.#cores.flatMap(({ cells }) => [...cells.values()]),
    keys: (): string[] => this.#cores.flatMap(({ cells }) => [...cells.keys()]),
  };

  readonly timers = {
    all: (): Timer[] => this.#cores.flatMap(({ timers }) => timers.all()),
    nextDue: (): Timer[] => {
      const due = this.#cores.flatMap(({ timers }) => timers.nextDue());
      const nextMs = Math.min(...due.map(({ dueMs }) => dueMs));
      return due.filter(({ dueMs }) => dueMs === nextMs);
    },
    fire: (timer: Timer): boolean => this.#cores.some(({ timers }) => timers.fire(timer)),
  };

  readonly ledger = {
    /** The requests by whoever asked; where they are answered, another node has them as its own. */
    open: (): Ask[] =>
      this.#cores.flatMap(({ node, ledger }) =>
        ledger.open().filter(({ by }) => by === undefined || by.startsWith(`${node}/`)),
      ),
    release: (ask: Ask): void => this.#cores[0]?.ledger.release(ask),
  };

  cellAt(address: string | undefined): Cell | undefined {
    return this.#cores.find(({ node }) => address?.startsWith(`${node}/`))?.cellAt(address);
  }

  get names(): { readonly size: number } {
    return { size: this.#cores.reduce((sum, { names }) => sum + names.size, 0) };
  }
}
