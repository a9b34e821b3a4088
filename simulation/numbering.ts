/**
 * The numbering of a run: what comes to be in it gets a structural id, such as `A>B:go#2`, and keeps
 * the number of the step in which it came to be.
 */
import { Ask, type Cell, type Envelope, type Timer } from '../runtime/internal.ts';
import type { Delivery } from './event.ts';
import type { Systems } from './systems.ts';
import { cellAt, nameOf } from './names.ts';

/** When something came to be, and what it is called since. */
interface Born {
  readonly id: string;
  /** The number of the step; -1 for the setup. */
  readonly bornAt: number;
}

/** The same of a message, and the event that it is once it can be handled. */
interface BornMessage extends Born {
  delivery: Delivery | undefined;
}

export class Numbering {
  readonly #counts = new Map<string, number>();
  readonly #envelopes = new Map<Envelope, BornMessage>();
  readonly #timers = new Map<Timer, Born>();

  /** An id that nothing else of the run has. */
  numbered(label: string): string {
    const count = (this.#counts.get(label) ?? 0) + 1;
    this.#counts.set(label, count);
    return `${label}#${count}`;
  }

  /** A message or an answer is sent: its id. */
  sent(envelope: Envelope, moment: number): string {
    const id = this.numbered(linkOf(envelope));
    this.#envelopes.set(envelope, { id, bornAt: moment, delivery: undefined });
    return id;
  }

  of(envelope: Envelope): BornMessage {
    const known = this.#envelopes.get(envelope);
    if (known !== undefined) return known;
    const { to, type } = envelope;
    return { id: `?>${to.address}:${type}`, bornAt: -1, delivery: undefined };
  }

  ofTimer(timer: Timer): Born {
    return this.#timers.get(timer) ?? { id: 'timer', bornAt: -1 };
  }

  /** New timers are named after the agent in whose step they were set, in order. */
  numberTimers(core: Systems, setter: Cell | undefined, moment: number): void {
    for (const timer of core.timers.all()) {
      if (this.#timers.has(timer)) continue;
      const own = setter ?? setterOf(core, timer);
      const label = `timer ${own === undefined ? 'env' : own.path.slice(1)}`;
      this.#timers.set(timer, { id: this.numbered(label), bornAt: moment });
    }
  }
}

function linkOf({ to, from, type, timer, inner }: Envelope): string {
  if (to instanceof Ask) return `${nameOf(from)}>${nameOf(to.by)}:reply ${to.request}`;
  const sender = timer !== undefined ? 'timer' : inner !== undefined ? 'inner' : nameOf(from);
  return `${sender}>${nameOf(to.address)}:${type}`;
}

/** Whose life has set a timer, or waits for an answer until then. */
function setterOf(core: Systems, timer: Timer): Cell | undefined {
  const ask = core.ledger.open().find((open) => open.timer === timer);
  if (ask !== undefined) return cellAt(core, ask.by);
  for (const cell of core.cells.values())
    for (const { handle } of cell.life.timers.list()) if (handle === timer) return cell;
  return undefined;
}
