/**
 * The enabled set: the events that can happen next.
 *
 * Messages are put into mailboxes as ever, but which of them an agent handles next is open: the
 * first of each sender may come. So the order per sender and receiver holds, and nothing else does.
 */
import type { Ask, Cell, Envelope, Timer } from '../runtime/internal.ts';
import type { Pending } from './effects.ts';
import type { Completion, Delivery, Fault, Firing, Healing, Reply, SimEvent } from './event.ts';
import type { Kernel } from './kernel.ts';
import { cellAt, laneOf } from './names.ts';

export class EnabledSet {
  /** Messages that were put aside: when they are tried again, they come before all others. */
  readonly retried = new Set<Envelope>();
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The events that can happen next, the oldest first; timers come last, and faults not at all. */
  events(): SimEvent[] {
    const { stepper, links, wires, effects, faults, core } = this.#kernel;
    const all: SimEvent[] = [];
    this.#forgetVoid();
    for (const cell of stepper.ready) this.#addDeliveries(cell, all);
    for (const envelope of links.replies) all.push(this.#reply(envelope));
    for (const effect of effects.ready()) all.push(this.#completion(effect));
    if (wires !== undefined) all.push(...wires.events());
    if (all.length > 1) all.sort((a, b) => a.order - b.order);
    const events = faults.isParted ? all.filter((event) => !faults.isCut(event)) : all;
    if (wires !== undefined) events.push(...wires.silences());
    for (const timer of core.timers.size === 0 ? [] : core.timers.nextDue()) {
      if (timer.dueMs === Infinity) break;
      events.push(this.#firing(timer));
    }
    if (faults.isParted) events.push(this.#healing());
    return events;
  }

  /** The faults that can come instead of the enabled events. */
  faults(enabled: readonly SimEvent[]): Fault[] {
    const { faults, core, effects, wires } = this.#kernel;
    return faults.possible(enabled, core, effects.givenUp, wires?.cuts() ?? []);
  }

  /** What nobody would see: answers to requests that are over. */
  #forgetVoid(): void {
    const { links } = this.#kernel;
    for (const envelope of links.replies) {
      const ask = envelope.to as Ask;
      if (ask.state === 'open') continue;
      links.replies.delete(envelope);
      ask.accept(envelope);
    }
  }

  #addDeliveries(cell: Cell, events: SimEvent[]): void {
    const { mailbox, takesMessages } = cell;
    const seen: string[] = [];
    let skip = mailbox.postponed;
    let retry: Delivery | undefined;
    const first = events.length;
    for (const envelope of mailbox) {
      if (isVoid(envelope)) {
        // Nobody would see these: events of cancelled timers, requests that are over.
        mailbox.removeWhere(isVoid);
        this.#kernel.changed.add(cell);
        events.length = first;
        return this.#addDeliveries(cell, events);
      }
      if (!takesMessages) continue;
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      if (this.retried.has(envelope)) retry ??= this.#delivery(cell, envelope);
      const lane = laneOf(envelope);
      if (seen.includes(lane)) continue;
      seen.push(lane);
      events.push(this.#delivery(cell, envelope));
    }
    // What the state had put aside comes first when the state has changed, as in gen_statem.
    if (retry !== undefined) events.splice(first, events.length, retry);
  }

  #delivery(cell: Cell, envelope: Envelope): Delivery {
    const born = this.#kernel.numbering.of(envelope);
    const { id, bornAt, delivery } = born;
    if (delivery !== undefined) return delivery;
    const key = `${laneOf(envelope)}>${cell.path}`;
    return (born.delivery = {
      kind: 'deliver',
      id,
      key,
      cell,
      order: envelope.id,
      bornAt,
      envelope,
    });
  }

  #reply(envelope: Envelope): Reply {
    const { numbering, core } = this.#kernel;
    const { id, bornAt } = numbering.of(envelope);
    const ask = envelope.to as Ask;
    const cell = cellAt(core, ask.by);
    const key = `reply ${ask.target}>${ask.by ?? ''}`;
    return { kind: 'reply', id, key, cell, order: envelope.id, bornAt, ask, envelope };
  }

  #completion(effect: Pending): Completion {
    const { id, label, agent, order, bornAt } = effect;
    const cell = this.#kernel.core.cells.get(`/${agent}`);
    return { kind: 'effect', id, key: `effect ${label}`, cell, order, bornAt, effect };
  }

  #firing(timer: Timer): Firing {
    const { id, bornAt } = this.#kernel.numbering.ofTimer(timer);
    const key = id.slice(0, id.lastIndexOf('#'));
    return { kind: 'timer', id, key, cell: undefined, order: Infinity, bornAt, timer };
  }

  #healing(): Healing {
    const id = this.#kernel.faults.healing;
    return { kind: 'heal', id, key: 'heal', cell: undefined, order: Infinity, bornAt: -1 };
  }
}

function isVoid({ timer, ask }: Envelope): boolean {
  return timer?.cancelled === true || (ask !== undefined && ask.state !== 'open');
}
