/**
 * The executor: lets an event happen, and all commands that follow from it.
 */
import type { EventObject } from 'xstate';
import { Cell, type Envelope, type Timer } from '../runtime/internal.ts';
import type { Pending } from './effects.ts';
import type { EnabledSet } from './enabled.ts';
import type { Delivery, Fault, SimEvent } from './event.ts';
import { InjectedCrash } from './faults.ts';
import type { Kernel } from './kernel.ts';
import { laneOf } from './names.ts';

/** Chooses one of the outcomes of an effect. */
type ChooseOutcome = (label: string, outcomes: readonly unknown[], fair: boolean) => number;

export class Executor {
  readonly #kernel: Kernel;
  readonly #enabled: EnabledSet;
  readonly #choose: ChooseOutcome;

  constructor(kernel: Kernel, enabled: EnabledSet, choose: ChooseOutcome) {
    this.#kernel = kernel;
    this.#enabled = enabled;
    this.#choose = choose;
  }

  perform(event: SimEvent): void {
    this.#perform(event);
    this.#kernel.stepper.settle();
  }

  #perform(event: SimEvent): void {
    const { links, history, record, faults } = this.#kernel;
    switch (event.kind) {
      case 'deliver':
        return this.#handle(event.cell, event.envelope);
      case 'reply':
        links.replies.delete(event.envelope);
        event.ask.accept(event.envelope);
        history?.answered(event.ask, event.envelope.message, record.moment);
        return undefined;
      case 'timer':
        return this.#fire(event.timer);
      case 'effect':
        return this.#goOn(event.effect);
      case 'wire':
        return event.perform();
      case 'heal':
        faults.isParted = false;
        return undefined;
      default:
        faults.spend(event);
        return this.#spoil(event);
    }
  }

  #handle(cell: Cell, envelope: Envelope): void {
    const { stepper, scenario, record, order } = this.#kernel;
    if (!cell.mailbox.advance(envelope)) return;
    const agent = cell.path.slice(1);
    const before = record.violation;
    stepper.step(cell);
    // What is put aside is not handled: it comes again.
    if (isPostponed(cell, envelope)) {
      this.#enabled.retried.add(envelope);
      return;
    }
    if (scenario.progress?.(envelope.message as EventObject, agent) === true)
      record.notes.progress = true;
    order.handled(agent, envelope.type, (text) => {
      // Whatever else went wrong in the step came of it.
      record.violation = before;
      record.violate('ORDER', text, { agents: [agent] });
    });
  }

  #fire(timer: Timer): void {
    const { clock, links, core } = this.#kernel;
    clock.advanceTo(timer.dueMs);
    links.fired = undefined;
    core.timers.fire(timer);
    this.#handleFired();
  }

  #goOn(effect: Pending): void {
    const { id, label, fair } = effect;
    const { links, effects, record } = this.#kernel;
    links.fired = undefined;
    links.isCompleting = true;
    const came = effects.complete(effect, (outcomes) => this.#choose(label, outcomes, fair));
    links.isCompleting = false;
    record.notes.notes.push(`${id} ${came}`);
    this.#handleFired();
  }

  #handleFired(): void {
    const { stepper, links, record } = this.#kernel;
    stepper.settle();
    // Its event is handled now, as if it had just come in; others that wait may come before in another schedule.
    const { fired } = links;
    if (!(fired?.to instanceof Cell) || !fired.to.takesMessages) return;
    if (isBehind(fired.to, fired)) return;
    record.acting = fired.to;
    this.#handle(fired.to, fired);
  }

  #drop({ cell, envelope }: Delivery): void {
    cell.mailbox.removeWhere((entry) => entry === envelope);
    this.#kernel.changed.add(cell);
  }

  #spoil(fault: Fault): void {
    const { links, wires, record, stepper, faults } = this.#kernel;
    const { kind, of, cell, effect, cut } = fault;
    switch (kind) {
      case 'late':
        if (effect !== undefined) this.#goOn(effect);
        return undefined;
      case 'cut':
        return cut?.();
      case 'reorder':
        return of?.kind === 'wire' ? of.spoil?.reorder?.() : undefined;
      case 'drop':
        if (of?.kind === 'wire') return of.spoil?.drop?.();
        if (cell !== undefined) record.losers.add(cell.path.slice(1));
        if (of?.kind === 'reply') links.replies.delete(of.envelope);
        else if (of !== undefined) this.#drop(of);
        return undefined;
      case 'duplicate':
        if (of?.kind === 'wire') return of.spoil?.duplicate?.();
        if (of?.kind === 'deliver') {
          this.#handle(of.cell, of.envelope);
          stepper.settle();
          if (!of.cell.takesMessages) return undefined;
          of.cell.mailbox.force(of.envelope);
          this.#handle(of.cell, of.envelope);
        }
        return undefined;
      case 'partition':
        faults.isParted = true;
        if (!faults.loses) return undefined;
        links.loseCut();
        wires?.loseCut();
        return undefined;
      case 'crash waiting':
        cell?.fail(new InjectedCrash());
        return undefined;
      case 'crash after':
        if (of?.kind === 'deliver') this.#handle(of.cell, of.envelope);
        stepper.settle();
        if (cell?.status === 'running') cell.fail(new InjectedCrash());
        return undefined;
      case 'crash': {
        const behavior = cell?.life.behavior;
        if (behavior === undefined || of?.kind !== 'deliver') return undefined;
        behavior.receive = () => {
          throw new InjectedCrash();
        };
        return this.#handle(of.cell, of.envelope);
      }
    }
  }
}

/** Whether an agent's own events are before it, which keep their order. */
function isBehind({ mailbox }: Cell, fired: Envelope): boolean {
  if (fired.timer !== undefined) return false;
  for (const envelope of mailbox) {
    if (envelope === fired) return false;
    if (laneOf(envelope) === laneOf(fired)) return true;
  }
  return false;
}

function isPostponed({ mailbox }: Cell, envelope: Envelope): boolean {
  let left = mailbox.postponed;
  if (left === 0) return false;
  for (const waiting of mailbox) {
    if (waiting === envelope) return true;
    if ((left -= 1) === 0) return false;
  }
  return false;
}
