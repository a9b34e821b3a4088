/**
 * The kernel: a fresh system under the seams of a simulation, so that nothing happens in it unless a
 * run lets it happen, and all that is known of it.
 */
import { createSystem, type Network, type System } from '../runtime/index.ts';
import { coreOf, type Ask, type Cell, type Core } from '../runtime/internal.ts';
import { ShownClock } from './clock.ts';
import { EffectBoard } from './effects.ts';
import { Faulting } from './faults.ts';
import { History } from './linearizable.ts';
import { Links } from './links.ts';
import { Numbering } from './numbering.ts';
import { Obligations } from './obligations.ts';
import { OrderWatch } from './order.ts';
import { CountedRandom } from './random.ts';
import { RunRecord } from './record.ts';
import type { Rules } from './scenario.ts';
import { Stepper } from './stepper.ts';
import { NodeSystems, type Systems } from './systems.ts';
import { Wires } from './wires.ts';
import { World } from './world.ts';

/** What all chance of a program follows from. */
const SEED = 1;

export class Kernel {
  readonly scenario: Rules;
  readonly record: RunRecord;
  readonly numbering = new Numbering();
  readonly clock = new ShownClock();
  readonly stepper = new Stepper();
  readonly random = new CountedRandom(SEED);
  readonly faults: Faulting;
  readonly effects: EffectBoard;
  readonly links: Links;
  readonly order: OrderWatch;
  readonly history: History<Ask> | undefined;
  /** The systems by node; one that is alone is the node `local`. */
  readonly systems = new Map<string, System>();
  /** All of them as one. */
  readonly core: Systems;
  /** The links between nodes; undefined when there is one alone. */
  readonly wires: Wires | undefined;
  readonly obligations: Obligations;
  /** The agents whose state may be another one than when it was hashed last. */
  readonly changed = new Set<Cell>();
  /** The agents that stand for code outside. */
  readonly clients = new Set<Cell>();
  readonly world: World;
  /** Why the run makes no sense. */
  refused: Error | undefined;
  #order = 0;

  constructor(scenario: Rules, beside: readonly string[]) {
    const { effects = {}, faults = {}, ordering = [], linearizable, allow } = scenario;
    this.scenario = scenario;
    this.record = new RunRecord(beside);
    this.faults = new Faulting(faults);
    this.order = new OrderWatch(ordering);
    this.history = linearizable && new History(linearizable.of, linearizable.model);
    this.effects = new EffectBoard(effects, faults.late !== undefined, {
      numbered: (label) => this.numbering.numbered(label),
      nextOrder: () => this.#nextOrder(),
      stepNumber: () => this.record.moment,
      refuse: (error) => void (this.refused ??= error),
    });
    const { record, numbering, history, changed } = this;
    const core = (): Systems => this.core;
    this.links = new Links({ core, record, numbering, faults: this.faults, history, changed });
    const nodes = [...new Set((scenario.links ?? []).flatMap((link) => link.split('<->')))];
    for (const node of nodes) this.systems.set(node, this.#systemAt(this.links.at(node)));
    if (nodes.length === 0) this.systems.set(this.links.node, this.#systemAt(this.links));
    const cores = [...this.systems.values()].map(coreOf);
    const [first] = cores as [Core];
    // One order for all: FIFO looks at it.
    for (const each of cores) each.nextId = () => (this.#order += 1);
    this.core = cores.length === 1 ? first : new NodeSystems(cores, this.clock);
    this.wires = nodes.length === 0 ? undefined : this.#wire(scenario.links ?? []);
    this.obligations = new Obligations(this.core, allow?.waiting);
    const { tasks, rootAsks } = this.obligations;
    this.world = new World(this.core, tasks, rootAsks, this.wires?.nodes);
  }

  #nextOrder(): number {
    return (this.#order += 1);
  }

  #systemAt(network: Network): System {
    return createSystem({
      name: network.node,
      log: false,
      freeze: true,
      // The default deadline of an ask is a safety net. Here it would hide that the net was needed.
      askTimeoutMs: Infinity,
      clock: this.clock,
      scheduler: this.stepper,
      random: this.random,
      network,
      effects: this.effects,
    });
  }

  #wire(links: readonly string[]): Wires {
    const { numbering, record, faults } = this;
    const wires = new Wires(links, this.systems, {
      numbered: (label) => numbering.numbered(label),
      nextOrder: () => this.#nextOrder(),
      stepNumber: () => record.moment,
      isLost: (id) => faults.loses && faults.isCut({ id }),
    });
    wires.open(() => this.stepper.settle());
    return wires;
  }
}
