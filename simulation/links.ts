/**
 * The links between agents, which are the network seam: whatever is sent passes here, gets its id,
 * and is put into the mailbox of its receiver. An answer stays on its way until it is let through.
 */
import type { EventObject } from 'xstate';
import type { Network } from '../runtime/index.ts';
import { Ask, Cell, type Envelope } from '../runtime/internal.ts';
import type { Faulting } from './faults.ts';
import type { History } from './linearizable.ts';
import { nameOf } from './names.ts';
import type { Numbering } from './numbering.ts';
import type { RunRecord } from './record.ts';
import type { Systems } from './systems.ts';

/** What the links of a run need of it. */
interface Ends {
  /** The core of the system; only when something is sent is there one. */
  readonly core: () => Systems;
  readonly record: RunRecord;
  readonly numbering: Numbering;
  readonly faults: Faulting;
  readonly history: History<Ask> | undefined;
  /** The agents whose state has changed. */
  readonly changed: Set<Cell>;
}

export class Links implements Network {
  readonly node = 'local';
  /** The answers that are on their way. */
  readonly replies = new Set<Envelope>();
  /** The event that a timer or an effect has caused in the present step. */
  fired: Envelope | undefined;
  /** Whether an effect is going on: what comes out of it is its event. */
  isCompleting = false;
  /** Whether a sender has ever had to wait for room. */
  hasBlocked = false;
  readonly #ends: Ends;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  send(): boolean {
    return false;
  }

  /** The same for one node of several: what leaves it goes over a wire. */
  at(node: string): Network {
    return {
      node,
      send: () => false,
      carry: (envelope, resume) =>
        leaves(envelope, node)
          ? envelope.to.accept(envelope, resume)
          : this.carry(envelope, resume),
    };
  }

  carry(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined {
    const { record, numbering, faults } = this.#ends;
    const { notes } = record;
    const id = numbering.sent(envelope, record.moment);
    if (faults.loses && faults.isCut({ id })) {
      notes.notes.push(`${id} is lost in the partition`);
      return undefined;
    }
    notes.sent.push(id);
    const { to, ask } = envelope;
    if (envelope.timer !== undefined || (this.isCompleting && envelope.inner !== undefined))
      this.fired = envelope;
    if (to instanceof Ask) return this.#answer(to, envelope);
    if (to instanceof Cell) this.#ends.changed.add(to);
    if (ask !== undefined) this.#noteAsk(ask, nameOf(to.address), envelope);
    const accepted = to.accept(envelope, resume);
    if (accepted === 'blocked') {
      notes.isLocal = false;
      this.hasBlocked = true;
    }
    return accepted;
  }

  /** What is on its way across a partition that loses it. */
  loseCut(): void {
    const { core, numbering, faults, changed } = this.#ends;
    const isCut = (envelope: Envelope): boolean => faults.isCut(numbering.of(envelope));
    for (const cell of core().cells.values())
      if (cell.mailbox.removeWhere(isCut).length > 0) changed.add(cell);
    for (const envelope of this.replies) if (isCut(envelope)) this.replies.delete(envelope);
  }

  #answer(ask: Ask, envelope: Envelope): 'blocked' | undefined {
    if (ask.state !== 'open') return ask.accept(envelope);
    // An answer travels apart from messages, and a deadline may pass before it is there. Whoever gave
    // it owes nothing any more.
    this.#ends.core().ledger.release(ask);
    this.replies.add(envelope);
    return undefined;
  }

  #noteAsk(ask: Ask, to: string, { message }: Envelope): void {
    const { history, record } = this.#ends;
    history?.asked(ask, nameOf(ask.by), to, message as EventObject, record.moment);
  }
}

/** Whether an envelope is for another node; an answer is where another node has asked. */
function leaves({ to }: Envelope, node: string): boolean {
  if (to instanceof Cell) return false;
  const address = to instanceof Ask ? to.by : to.address;
  return address !== undefined && !address.startsWith(`${node}/`) && !address.startsWith('(');
}
