/**
 * The kernel: a fresh system under the seams of a simulation, so that nothing happens in it unless a
 * run lets it happen, and all that is known of it.
 */
import { createSystem, type System } from '../runtime/index.ts';
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
  readonly system: System;
  readonly core: Core;
  readonly obligations: Obligations;
  /** The agents that stand for code outside. */
  readonly clients = new Set<Cell>();
  readonly world: World;
  /** Why the run makes no sense. */
  refused: Error | undefined;

  constructor(scenario: Rules, beside: readonly string[]) {
    const { effects = {}, faults = {}, ordering = [], linearizable, allow } = scenario;
    this.scenario = scenario;
    this.record = new RunRecord(beside);
    this.faults = new Faulting(faults);
    this.order = new OrderWatch(ordering);
    this.history = linearizable && new History(linearizable.of, linearizable.model);
    this.effects = new EffectBoard(effects, faults.late !== undefined, {
      numbered: (label) => this.numbering.numbered(label),
      nextOrder: () => this.core.nextId(),
      stepNumber: () => this.record.moment,
      refuse: (error) => void (this.refused ??= error),
    });
    const { record, numbering, history } = this;
    const core = (): Core => this.core;
    this.links = new Links({ core, record, numbering, faults: this.faults, history });
    this.system = createSystem({
      log: false,
      freeze: true,
      // The default deadline of an ask is a safety net. Here it would hide that the net was needed.
      askTimeoutMs: Infinity,
      clock: this.clock,
      scheduler: this.stepper,
      random: this.random,
      network: this.links,
      effects: this.effects,
    });
    this.core = coreOf(this.system);
    this.obligations = new Obligations(this.core, allow?.waiting);
    const { tasks, rootAsks } = this.obligations;
    this.world = new World(this.core, tasks, rootAsks);
  }
}
