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
    readonly size: number;
    all(): readonly Timer[];
    /** Those that are due next, together. */
    nextDue(): Timer[];
    fire(timer: Timer): boolean;
  };
  readonly ledger: { readonly size: number; open(): Ask[]; release(ask: Ask): void };
  cellAt(address: string | undefined): Cell | undefined;
  readonly names: { readonly size: number };
  readonly clock: Clock;
}

/** The systems of several nodes. */
export class NodeSystems implements Systems {
  readonly #cores: readonly Core[];
  readonly clock: Clock;
  readonly timers: Systems['timers'];
  readonly ledger: Systems['ledger'];

  constructor(cores: readonly Core[], clock: Clock) {
    this.#cores = cores;
    this.clock = clock;
    this.timers = timersOf(cores);
    this.ledger = ledgerOf(cores);
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

  cellAt(address: string | undefined): Cell | undefined {
    return this.#cores.find(({ node }) => address?.startsWith(`${node}/`))?.cellAt(address);
  }

  get names(): { readonly size: number } {
    return { size: this.#cores.reduce((sum, { names }) => sum + names.size, 0) };
  }
}

function timersOf(cores: readonly Core[]): Systems['timers'] {
  return {
    get size() {
      return cores.reduce((sum, { timers }) => sum + timers.size, 0);
    },
    all: () => cores.flatMap(({ timers }) => timers.all()),
    nextDue: () => {
      const due = cores.flatMap(({ timers }) => timers.nextDue());
      const nextMs = Math.min(...due.map(({ dueMs }) => dueMs));
      return due.filter(({ dueMs }) => dueMs === nextMs);
    },
    fire: (timer) => cores.some(({ timers }) => timers.fire(timer)),
  };
}

function ledgerOf(cores: readonly Core[]): Systems['ledger'] {
  return {
    get size() {
      return cores.reduce((sum, { ledger }) => sum + ledger.size, 0);
    },
    // The requests by whoever asked; where they are answered, another node has them as its own.
    open: () =>
      cores.flatMap(({ node, ledger }) =>
        ledger.open().filter(({ by }) => by === undefined || by.startsWith(`${node}/`)),
      ),
    release: (ask) => cores[0]?.ledger.release(ask),
  };
}
