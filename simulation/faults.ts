/**
 * Faults: what may break in a run, within a budget of each kind.
 */
import type { Pending } from './effects.ts';
import type { Fault, FaultKind, SimEvent } from './event.ts';
import { matches, type Faults } from './scenario.ts';
import type { Systems } from './systems.ts';
import type { Cut } from './wires.ts';

/** The error of a crash that the simulation makes. */
export class InjectedCrash extends Error {
  override readonly name = 'InjectedCrash';

  constructor() {
    super('crashed by the simulation');
  }
}

/** The faults of one run, and what is left of their budgets. */
export class Faulting {
  readonly #faults: Faults;
  readonly #left: Record<FaultKind, number>;
  /** Whether a partition is on. */
  isParted = false;

  constructor(faults: Faults) {
    this.#faults = faults;
    const { crash, drop, duplicate, reorder, cut, partition, late } = faults;
    this.#left = {
      crash: crash?.max ?? 0,
      drop: drop?.max ?? 0,
      duplicate: duplicate?.max ?? 0,
      reorder: reorder?.max ?? 0,
      cut: cut?.max ?? 0,
      partition: partition?.max ?? 0,
      late: late?.max ?? 0,
    };
  }

  /** What is left of the budgets, as a part of the state. */
  get text(): string {
    return `faults ${Object.values(this.#left).join()}${this.isParted ? ' parted' : ''}`;
  }

  spend({ budget }: Fault): void {
    this.#left[budget] -= 1;
  }

  /** Whether the partition that is on stands between the two ends of an event. */
  isCut({ id }: Pick<SimEvent, 'id'>): boolean {
    if (!this.isParted) return false;
    const [from = '', to = ''] = linkOf(id).split('>');
    const groupOf = (agent: string): number =>
      (this.#faults.partition?.groups ?? []).findIndex((group) => matches(group, agent));
    const [sender, receiver] = [groupOf(from), groupOf(to)];
    return sender !== -1 && receiver !== -1 && sender !== receiver;
  }

  /** The id of the event that ends the partition. */
  get healing(): string {
    return `heal #${(this.#faults.partition?.max ?? 0) - this.#left.partition}`;
  }

  /** Whether what is cut is lost, and not only late. */
  get loses(): boolean {
    return this.#faults.partition?.loses === true;
  }

  /** The faults that can come now: instead of an enabled event, or to an agent that waits. */
  possible(
    enabled: readonly SimEvent[],
    core: Systems,
    givenUp: Iterable<Pending>,
    cuts: readonly Cut[],
  ): Fault[] {
    const faults: Fault[] = [];
    const { crash, drop, duplicate, late } = this.#faults;
    const { crash: crashes, drop: drops, duplicate: duplicates } = this.#left;
    const when = crash?.when ?? ['before', 'after', 'waiting'];
    for (const of of enabled) {
      if (of.kind !== 'deliver' && of.kind !== 'reply' && of.kind !== 'wire') continue;
      const { id, cell, order, bornAt } = of;
      const add = (kind: Fault['kind'], budget: FaultKind): void =>
        void faults.push({
          kind,
          budget,
          id: `${kind} ${id}`,
          key: `fault ${budget}`,
          cell,
          order,
          bornAt,
          of,
        });
      if (of.kind === 'wire') {
        for (const kind of ['drop', 'duplicate', 'reorder'] as const)
          if (of.spoil?.[kind] && this.#left[kind] > 0 && isOn(this.#faults[kind]?.on, linkOf(id)))
            add(kind, kind);
        continue;
      }
      if (of.kind === 'deliver' && crashes > 0 && matches(crash?.of, of.cell.path.slice(1))) {
        if (when.includes('before')) add('crash', 'crash');
        if (when.includes('after')) add('crash after', 'crash');
      }
      const link = linkOf(id);
      if (drops > 0 && isOn(drop?.on, link)) add('drop', 'drop');
      if (
        duplicates > 0 &&
        of.kind === 'deliver' &&
        of.envelope.ask === undefined &&
        isOn(duplicate?.on, link)
      )
        add('duplicate', 'duplicate');
    }
    if (this.#left.cut > 0)
      for (const { link, id, cut } of cuts) {
        if (!matches(this.#faults.cut?.on, link)) continue;
        faults.push({
          kind: 'cut',
          budget: 'cut',
          id,
          key: 'fault cut',
          cell: undefined,
          order: 0,
          bornAt: -1,
          of: undefined,
          cut,
        });
      }
    if (this.#left.partition > 0 && !this.isParted)
      faults.push({
        kind: 'partition',
        budget: 'partition',
        id: `partition #${(this.#faults.partition?.max ?? 0) - this.#left.partition + 1}`,
        key: 'fault partition',
        cell: undefined,
        order: 0,
        bornAt: -1,
        of: undefined,
      });
    if (crashes > 0 && when.includes('waiting'))
      for (const cell of core.cells.values()) {
        const agent = cell.path.slice(1);
        if (cell.life.behavior?.wait === undefined || !matches(crash?.of, agent)) continue;
        const id = `crash waiting ${agent}@${cell.life.incarnation}`;
        faults.push({
          kind: 'crash waiting',
          budget: 'crash',
          id,
          key: 'fault crash',
          cell,
          order: 0,
          bornAt: -1,
          of: undefined,
        });
      }
    if (this.#left.late > 0)
      for (const effect of givenUp) {
        const { label, id, agent, order, bornAt } = effect;
        if (!matches(late?.of, label)) continue;
        const cell = core.cells.get(`/${agent}`);
        faults.push({
          kind: 'late',
          budget: 'late',
          id: `late ${id}`,
          key: 'fault late',
          cell,
          order,
          bornAt,
          of: undefined,
          effect,
        });
      }
    return faults;
  }
}

/** The link of an event: `A>B` of `A>B:go#2`. */
function linkOf(id: string): string {
  return id.slice(0, id.indexOf(':'));
}

/** Whether a link is one of the patterns, in which `*` is anybody. */
function isOn(patterns: readonly string[] | undefined, link: string): boolean {
  const [from = '', to = ''] = link.split('>');
  return (patterns ?? []).some((pattern) => {
    const [sender = '', receiver = ''] = pattern.split('>');
    return (sender === '*' || sender === from) && (receiver === '*' || receiver === to);
  });
}
