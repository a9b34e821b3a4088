/**
 * The state of a simulated system as a text: what every agent is in, what waits for it, what is
 * under way. Two moments with the same text have the same future.
 *
 * A handler that waits is in the midst of its code, which no text shows. It counts as the state that
 * it began with, and all that it has been told since.
 */
import type { Ask, Cell, Envelope, Lineage } from '../runtime/internal.ts';
import { digest, hash } from './digest.ts';
import type { Kernel } from './kernel.ts';
import { laneOf } from './names.ts';
import type { Choice } from './step.ts';

/** The texts of one run's states. */
export class StateText {
  readonly #kernel: Kernel;
  /** Of agents whose handler waits: what it has been told. */
  readonly #trails = new Map<Cell, string>();
  #ranks = new Map<Ask, string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** After a step in which an agent ran: what its handler has been told, should it wait now. */
  after(cell: Cell, event: string, told: Envelope | undefined, choices: readonly Choice[]): void {
    if (cell.life.behavior?.wait === undefined) {
      this.#trails.delete(cell);
      return;
    }
    const message = told === undefined ? '' : this.#text(told.message);
    const chosen = choices.map(({ index }) => index).join();
    const before = this.#trails.get(cell) ?? '';
    // One number, however long it waits: a handler may ask and ask again for ever.
    this.#trails.set(cell, `${hash(`${before} ${unnumbered(event)} ${message} ${chosen}`)}`);
  }

  /** The text of everything. */
  whole(): string {
    const { core, wires, links, effects, obligations } = this.#kernel;
    this.#rankAsks();
    const paths = [...core.cells.keys()].sort();
    let text = '';
    for (const path of paths) text += `${this.#cell(core.cells.get(path) as Cell)}\n`;
    const answers = [...links.replies].map(
      ({ to, message }) => `${this.#nameOf(to as unknown as Ask)}=${this.#text(message)}`,
    );
    text += `replies ${answers.sort().join()}\n`;
    text += `asked ${this.#text(obligations.rootAsks)}\n`;
    text += `effects ${effects.text((value) => this.#text(value))}\n`;
    const nowMs = core.clock.now();
    const timers = core.timers.all().filter(({ dueMs }) => dueMs < Infinity);
    text += `timers ${timers
      .map(({ dueMs }) => dueMs - nowMs)
      .sort((a, b) => a - b)
      .join()}\n`;
    text += `tasks ${[...obligations.tasks]
      .map(([name, state]) => `${name} ${state}`)
      .sort()
      .join()}\n`;
    text += `asks ${[...this.#ranks]
      .map(([ask, name]) => `${name}@${ask.holder?.address ?? ''}${this.#heritage(ask.lineage)}`)
      .sort()
      .join()}\n`;
    if (wires !== undefined) text += `wires ${wires.text}\n`;
    return text + this.#rest();
  }

  /** What else decides on what will come. */
  #rest(): string {
    const { order, faults, random, clock, history } = this.#kernel;
    // What will be drawn depends on how much has been.
    const chance = random.draws > 0 ? `\ndraws ${random.draws}` : '';
    // Who looks at the time may do something else in the same state later on.
    const time = clock.wasReadByOthers ? `\nat ${clock.now()}` : '';
    return order.text + faults.text + chance + time + (history?.text ?? '');
  }

  #cell(cell: Cell): string {
    const { path, status, mailbox, suspended } = cell;
    const lanes = new Map<string, string>();
    let skip = mailbox.postponed;
    let postponed = '';
    for (const envelope of mailbox) {
      const message =
        this.#text(envelope.message) +
        this.#heritage(envelope.lineage) +
        (envelope.ask === undefined ? '' : this.#nameOf(envelope.ask));
      if (skip > 0) {
        skip -= 1;
        postponed += `${message};`;
        continue;
      }
      const lane = laneOf(envelope);
      lanes.set(lane, `${lanes.get(lane) ?? ''}${message};`);
    }
    const waiting = [...lanes].map(([lane, messages]) => `${lane}:${messages}`).sort();
    const trail = this.#trails.get(cell) ?? '';
    const nowMs = this.#kernel.core.clock.now();
    const timers = [...cell.life.timers.list()].map(
      ({ event, dueMs, lineage }) =>
        `${this.#text(event)}@${dueMs - nowMs}${this.#heritage(lineage)}`,
    );
    const outside = [...cell.outside].map(
      ({ from, message, lineage }) => `${from}:${this.#text(message)}${this.#heritage(lineage)}`,
    );
    // Whoever waits in the midst of its code goes on with what its message has left.
    const left = trail === '' ? '' : this.#heritage(cell.life.current?.lineage);
    return `${path} ${status}${suspended ? ' suspended' : ''} ${this.#inside(cell)} | ${trail}${left} | ${waiting.join(' ')} | ${postponed} | ${timers.sort().join()} | ${outside.join()}`;
  }

  /** What an agent is in: its state or snapshot, and those of the actors inside it. */
  #inside(cell: Cell): string {
    if (cell.status === 'vacant' || cell.status === 'ended' || cell.life.over) return '';
    const snapshot = cell.snapshot();
    const project = this.#kernel.scenario.project?.[cell.path.slice(1)];
    if (project !== undefined)
      return this.#text(project((snapshot as { context?: unknown }).context));
    return this.#snapshot(snapshot);
  }

  #snapshot(snapshot: unknown): string {
    const { value, context, status, children, historyValue } = snapshot as {
      value?: unknown;
      context?: unknown;
      status?: unknown;
      children?: Record<string, { getSnapshot(): unknown }>;
      historyValue?: Record<string, { id: string }[]>;
    };
    if (children === undefined)
      return `${status === 'active' ? '' : String(status)}${this.#text(context)}`;
    const inner = Object.keys(children)
      .sort()
      .map((id) => `${id}=${this.#snapshot(children[id]?.getSnapshot())}`);
    const history = Object.entries(historyValue ?? {}).map(
      ([id, nodes]) => `${id}=${nodes.map((node) => node.id).join('+')}`,
    );
    return `${String(status)} ${this.#text(value)} ${this.#text(context)} [${inner.join()}] ${history.join()}`;
  }

  /** What work inherits and its code may see: the time and the budget that its task has left. */
  #heritage(lineage: Lineage | undefined): string {
    if (lineage === undefined) return '';
    const { deadlineMs, budget } = lineage;
    const leftMs = Math.max(deadlineMs - this.#kernel.core.clock.now(), 0);
    const time = leftMs === Infinity ? '' : `~${leftMs}`;
    return budget === undefined ? time : `${time}~${this.#text(budget)}`;
  }

  #text(value: unknown): string {
    return digest(value, (ask) => this.#nameOf(ask));
  }

  #nameOf(ask: Ask): string {
    return this.#ranks.get(ask) ?? `(${ask.state})`;
  }

  /** A request is named after who asked whom for what, and counted where there are several. */
  #rankAsks(): void {
    const counts = new Map<string, number>();
    this.#ranks = new Map();
    for (const ask of this.#kernel.core.ledger.open()) {
      const label = `#${ask.by ?? ''}>${ask.target}:${ask.request}`;
      const count = counts.get(label) ?? 0;
      counts.set(label, count + 1);
      this.#ranks.set(ask, `${label}${count}`);
    }
  }
}

/** An event without its number: the same state may be reached after many laps. */
function unnumbered(event: string): string {
  const end = event.lastIndexOf('#');
  return end === -1 ? event : event.slice(0, end);
}
