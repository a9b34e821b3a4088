/**
 * The state of a simulated system as a number: what every agent is in, what waits for it, what is
 * under way. Two moments with the same number have the same future.
 *
 * It is put together from a number for each agent, and those of agents that nothing has happened to
 * since are kept. A handler that waits is in the midst of its code, which no text shows. It counts as
 * the state that it began with, and all that it has been told since.
 */
import type { Ask, Cell, Envelope, Lineage } from '../runtime/internal.ts';
import { isSupervisor } from '../supervision/child-spec.ts';
import { digest, hash } from './digest.ts';
import type { Kernel } from './kernel.ts';
import { laneOf } from './names.ts';
import type { Choice } from './step.ts';

/** The numbers of one run's states. */
export class StateHash {
  readonly #kernel: Kernel;
  /** Of agents whose handler waits: what it has been told. */
  readonly #trails = new Map<Cell, string>();
  /** The numbers of lives to which nothing has happened since. */
  readonly #known = new Map<Cell['life'], number>();
  readonly #ranks = new Map<Ask, string>();
  /** Whether the text that is written holds for this moment alone: it names a request, or a time that is left. */
  #isFleeting = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** After a step in which an agent ran: what its handler has been told, should it wait now. */
  after(cell: Cell, event: string, told: Envelope | undefined, choices: readonly Choice[]): void {
    this.#kernel.changed.add(cell);
    if (cell.life.behavior?.wait === undefined) {
      this.#trails.delete(cell);
      return;
    }
    this.#rankAsks();
    const message = told === undefined ? '' : this.#text(told.message);
    const chosen = choices.map(({ index }) => index).join();
    const before = this.#trails.get(cell) ?? '';
    // One number, however long it waits: a handler may ask and ask again for ever.
    this.#trails.set(cell, `${hash(`${before} ${unnumbered(event)} ${message} ${chosen}`)}`);
  }

  /** The number of everything. */
  get hash(): number {
    const { core, changed } = this.#kernel;
    this.#rankAsks();
    for (const { life } of changed) this.#known.delete(life);
    changed.clear();
    // In whatever order agents were spawned, the state is the same.
    let high = 0;
    let low = 0;
    for (const path of core.cells.keys()) {
      const own = this.#hashOf(core.cells.get(path) as Cell);
      high ^= own / 2 ** 32;
      low ^= own;
    }
    return hash(`${high} ${low}\n${this.#rest()}`);
  }

  #hashOf(cell: Cell): number {
    const { life } = cell;
    // A supervisor starts and ends an agent, and anybody may suspend it, while it does nothing.
    const isSteady = cell.status === 'running' && !cell.suspended;
    const known = isSteady ? this.#known.get(life) : undefined;
    if (known !== undefined) return known;
    this.#isFleeting = false;
    const own = hash(this.#cell(cell));
    if (isSteady && !this.#isFleeting) this.#known.set(life, own);
    return own;
  }

  /** What else decides on what will come; mostly there is little of it. */
  #rest(): string {
    const { core, wires, links, effects, obligations, order, faults, random, clock, history } =
      this.#kernel;
    const nowMs = core.clock.now();
    let text = `${effects.text((value) => this.#text(value))}\n${order.text}${faults.text}`;
    const add = (label: string, parts: string[]): void => {
      if (parts.length > 0) text += `\n${label} ${parts.sort().join()}`;
    };
    if (links.replies.size > 0)
      add(
        'replies',
        Array.from(
          links.replies,
          ({ to, message }) => `${this.#nameOf(to as unknown as Ask)}=${this.#text(message)}`,
        ),
      );
    if (core.timers.size > 0)
      add(
        'timers',
        core.timers
          .all()
          .filter(({ dueMs }) => dueMs < Infinity)
          .map(({ dueMs }) => String(dueMs - nowMs)),
      );
    if (obligations.tasks.size > 0)
      add(
        'tasks',
        Array.from(obligations.tasks, ([name, state]) => `${name} ${state}`),
      );
    if (this.#ranks.size > 0)
      add(
        'asks',
        Array.from(
          this.#ranks,
          ([ask, name]) => `${name}@${ask.holder?.address ?? ''}${this.#heritage(ask.lineage)}`,
        ),
      );
    if (wires !== undefined) text += `\nwires ${wires.text}`;
    if (obligations.rootAsks.length > 0) text += `\nasked ${this.#text(obligations.rootAsks)}`;
    // What will be drawn depends on how much has been.
    if (random.draws > 0) text += `\ndraws ${random.draws}`;
    // Who looks at the time may do something else in the same state later on.
    if (clock.wasReadByOthers) text += `\nat ${nowMs}`;
    return history === undefined ? text : `${text}\n${history.text}`;
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
    // Time goes on, a sender that waits may end, and a child, without anything happening to this agent.
    if (timers.length > 0 || outside.length > 0 || isSupervisor(cell.options.logic))
      this.#isFleeting = true;
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
    if (time !== '' || budget !== undefined) this.#isFleeting = true;
    return budget === undefined ? time : `${time}~${this.#text(budget)}`;
  }

  #text(value: unknown): string {
    return digest(value, (ask) => this.#nameOf(ask));
  }

  #nameOf(ask: Ask): string {
    this.#isFleeting = true;
    return this.#ranks.get(ask) ?? `(${ask.state})`;
  }

  /** A request is named after who asked whom for what, and counted where there are several. */
  #rankAsks(): void {
    this.#ranks.clear();
    if (this.#kernel.core.ledger.size === 0) return;
    const counts = new Map<string, number>();
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
