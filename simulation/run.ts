/**
 * One run of a scenario: a fresh system, the events that can happen next in it, and the step that one
 * of them is. Who chooses among the events stands elsewhere.
 *
 *     enabled ─▶ [ choice of a strategy ] ─▶ step: one message, answer or timer,
 *        ▲                                         then every command that follows
 *        └──────────── record, checks ◀──────────────┘
 */
import type { Systems } from './systems.ts';
import { running } from '../runtime/internal.ts';
import { AssertionFailed, within, type Ambient } from './ambient.ts';
import { Checks } from './checks.ts';
import { EnabledSet } from './enabled.ts';
import type { Fault, SimEvent } from './event.ts';
import { Executor } from './executor.ts';
import { Kernel } from './kernel.ts';
import { Liveness } from './liveness.ts';
import { Observer } from './observer.ts';
import type { Scenario } from './scenario.ts';
import { stageOf } from './stage.ts';
import { StateHash } from './state.ts';
import type { Chooser, Notes, Step } from './step.ts';
import type { Verdict, Violation } from './violation.ts';

const FIRST: Chooser = () => 0;

export class Run<W = unknown> implements Ambient {
  /** Makes the choices of the program. */
  chooser: Chooser;
  /** Whether what has been checked before is run again: nothing new can be wrong. */
  isChecked = false;
  /** What the setup did before the first step. */
  readonly setup: Notes;
  readonly #kernel: Kernel;
  readonly #enabled: EnabledSet;
  readonly #executor: Executor;
  readonly #checks: Checks;
  readonly #liveness: Liveness;
  readonly #state: StateHash;
  /** Whether faults may still come: not in the fair end of a run. */
  #isFaulty = true;

  constructor(
    scenario: Scenario<W>,
    workload: W,
    chooser: Chooser = FIRST,
    beside: readonly string[] = [],
  ) {
    this.chooser = chooser;
    const kernel = (this.#kernel = new Kernel(scenario, beside));
    this.#enabled = new EnabledSet(kernel);
    this.#executor = new Executor(kernel, this.#enabled, (label, outcomes, fair) =>
      this.choose(label, outcomes, fair),
    );
    this.#checks = new Checks(kernel, this);
    this.#liveness = new Liveness(kernel);
    this.#state = new StateHash(kernel);
    new Observer(kernel);
    try {
      within(this, () => {
        scenario.setup(stageOf(kernel), workload);
        kernel.stepper.settle();
      });
    } catch (error) {
      if (this.violation === undefined) throw error;
    }
    this.#remember(undefined);
    this.#checks.afterStep();
    this.setup = kernel.record.notes;
  }

  get core(): Systems {
    return this.#kernel.core;
  }

  // ── What can happen, and what does ──────────────────────────────────────────────────────────

  /** The events that can happen next, the oldest first; timers come last, and faults not at all. */
  enabled(): SimEvent[] {
    return this.#enabled.events();
  }

  /** The faults that can come instead of the enabled events. */
  faults(enabled: readonly SimEvent[]): Fault[] {
    return this.#isFaulty ? this.#enabled.faults(enabled) : [];
  }

  /** Nothing breaks any more, and what was cut off can be reached again. */
  endFaults(): void {
    this.#isFaulty = false;
    this.#kernel.faults.isParted = false;
  }

  /** Lets an event happen, and all commands that follow from it. */
  step(event: SimEvent): Step {
    const { record, core, clock } = this.#kernel;
    const { cell } = event;
    const { size: names } = core.names;
    record.begin(cell);
    const { notes } = record;
    const { kind } = event;
    if (kind !== 'deliver' && kind !== 'reply' && kind !== 'effect') notes.isLocal = false;
    within(this, () => this.#executor.perform(event));
    this.#remember(event);
    if (core.names.size !== names) notes.isLocal = false;
    const step: Step = {
      kind,
      id: event.id,
      key: event.key,
      agent: (cell ?? record.acting)?.path.slice(1),
      isRequest: kind === 'deliver' && event.envelope.ask !== undefined,
      cause: event.bornAt,
      ...notes,
      atMs: clock.now(),
    };
    record.steps.push(step);
    if (!this.isChecked) this.#checks.afterStep();
    return step;
  }

  /** Nothing can happen any more: whether that is well. */
  checkEnd(): void {
    this.#checks.atEnd();
  }

  /**
   * Whoever ran may wait now in the midst of its code: by an event of its own, or as a timer or
   * another agent let it go on. And new timers may be there.
   */
  #remember(event: SimEvent | undefined): void {
    const { refused, record, links, stepper, numbering, core } = this.#kernel;
    if (refused !== undefined) throw refused;
    const told =
      event === undefined || event.kind === 'timer'
        ? links.fired
        : 'envelope' in event
          ? event.envelope
          : undefined;
    for (const cell of stepper.takeRan())
      this.#state.after(cell, event?.id ?? 'setup', told, record.notes.choices);
    numbering.numberTimers(core, record.acting ?? event?.cell, record.moment);
  }

  // ── What is known of it ─────────────────────────────────────────────────────────────────────

  /** All steps so far. */
  get steps(): readonly Step[] {
    return this.#kernel.record.steps;
  }

  /** What has gone wrong first. */
  get violation(): Violation | undefined {
    return this.#kernel.record.violation;
  }

  /** Notes the first violation. */
  violate(verdict: Verdict, message: string, more: Partial<Violation>): void {
    this.#kernel.record.violate(verdict, message, more);
  }

  /** The same of a violation that is there; what is looked past is none. */
  accuse(violation: Violation): void {
    this.#kernel.record.accuse(violation);
  }

  /** Whether some bugs are known: what stays open may be of them. */
  get looksPast(): boolean {
    return this.#kernel.record.looksPast;
  }

  /** What must not stay so for ever: the open requests and tasks, and the conditions of the end that do not hold. */
  get pending(): string[] {
    return this.#liveness.pending;
  }

  /** What a loop is, seen from here, where it begins: it need not be what keeps things open. */
  judged(loop: Violation): Violation {
    return this.#liveness.judged(loop);
  }

  /** Whether chance decided something: another seed may lead elsewhere. */
  get drew(): boolean {
    return this.#kernel.random.draws > 0 || this.#kernel.effects.drew;
  }

  /** Whether an agent has looked at the clock. */
  get readClock(): boolean {
    return this.#kernel.clock.wasRead;
  }

  /** The whole state as a number: equal numbers are equal states. The time is a part of it only where agents look at it. */
  get state(): number {
    return this.#state.hash;
  }

  // ── What the program may call ───────────────────────────────────────────────────────────────

  choose(label: string, options: readonly unknown[], fair: boolean): number {
    const { numbering, record } = this.#kernel;
    const count = options.length;
    const id = numbering.numbered(`choose ${label}`);
    const index = count === 1 ? 0 : this.chooser(id, count, fair);
    record.notes.choices.push({ id, count, index, fair, option: options[index] });
    return index;
  }

  open(task: string): void {
    const { obligations, record } = this.#kernel;
    obligations.open(task, record.acting?.path.slice(1));
  }

  close(task: string): void {
    const { obligations, record } = this.#kernel;
    if (obligations.close(task)) record.notes.discharged.push(task);
  }

  progress(): void {
    this.#kernel.record.notes.progress = true;
  }

  fail(text: string): never {
    const { record } = this.#kernel;
    const agent = record.acting?.path.slice(1);
    record.violate('SAFETY', text, { agents: agent === undefined ? [] : [agent] });
    throw new AssertionFailed(text);
  }

  nondeterministic(error: Error): void {
    const agent = running.cell?.path.slice(1);
    const agents = agent === undefined ? [] : [agent];
    this.violate('NONDETERMINISTIC', error.message, { agents, cause: error });
  }
}
