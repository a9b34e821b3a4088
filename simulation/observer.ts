/**
 * The observer of a run: what the runtime tells while it works, as notes of the step that is made, or
 * as what went wrong.
 */
import type { EventObject } from 'xstate';
import {
  ActorEnded,
  DeadlockError,
  HopLimit,
  RequestLost,
  type InspectionEvent,
} from '../runtime/index.ts';
import { coreOf, type Cell } from '../runtime/internal.ts';
import { AssertionFailed } from './ambient.ts';
import { InjectedCrash } from './faults.ts';
import type { Kernel } from './kernel.ts';
import { nameOf, obligationName } from './names.ts';
import { matches } from './scenario.ts';
import { errorText } from './violation.ts';
import { deadlockOf } from './waits.ts';

/** The inspection events of a step that touches more than its own agent. */
const LIFE = new Set(['spawned', 'started', 'crashed', 'ended', 'restarted', 'dropped', 'report']);

export class Observer {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    // Each delivery is seen on its way, at the network seam.
    for (const system of kernel.systems.values())
      coreOf(system).inspection.observe((event) => this.#observe(event), false);
  }

  #observe(event: InspectionEvent): void {
    const { record, core } = this.#kernel;
    // What comes of a deadlock that is broken is no part of how it came about.
    if (record.violation?.verdict === 'DEADLOCK') return;
    const { notes: noted } = record;
    const { notes } = noted;
    if (LIFE.has(event.type)) noted.isLocal = false;
    switch (event.type) {
      case 'crashed': {
        notes.push(`${event.path.slice(1)} crashed: ${errorText(event.error)}`);
        const cell = core.cells.get(event.path);
        if (cell !== undefined) this.#crashed(cell, event.error);
        return;
      }
      case 'settled':
        return this.#settled(event);
      case 'deadlock': {
        // The circle is still there; from now on its youngest request has failed.
        const found = deadlockOf(core);
        if (found !== undefined) record.violate(found.verdict, found.message, found);
        return;
      }
      case 'dropped':
        return this.#dropped(event);
      case 'restarted':
        notes.push(`${event.path.slice(1)} restarted (life ${event.incarnation})`);
        noted.restarts += 1;
        noted.restarted.push(event.path.slice(1));
        return;
      case 'ended':
        if (event.reason.type !== 'crash')
          notes.push(`${event.path.slice(1)} ended (${event.reason.type})`);
        return;
      case 'unhandled':
        notes.push(`${event.path.slice(1)} does not handle ${(event.message as EventObject).type}`);
        return;
      default:
    }
  }

  #settled({ by, to, request, outcome, error }: Told<'settled'>): void {
    const { record } = this.#kernel;
    const obligation = obligationName(by, to, request);
    record.notes.discharged.push(obligation);
    const part = { agents: [nameOf(to)], obligations: [obligation], cause: error };
    if (error instanceof RequestLost) record.violate('LOST', errorText(error), part);
    else if (error instanceof HopLimit) record.violate('HANDOFF_LOOP', errorText(error), part);
    if (outcome !== 'answered')
      record.notes.notes.push(`"${request}" of ${nameOf(by)} to ${nameOf(to)} ${outcome}`);
  }

  #dropped({ letter: { message, to, reason } }: Told<'dropped'>): void {
    const { record, scenario } = this.#kernel;
    const { type } = message as EventObject;
    const agent = nameOf(to);
    record.losers.add(agent);
    record.notes.notes.push(`dead letter: ${type} to ${agent} (${reason})`);
    if (reason !== 'mailbox full' || matches(scenario.allow?.deadLetters, type)) return;
    const text = `the mailbox of ${agent} is full: ${type} was dropped`;
    record.violate('OVERLOAD', text, { agents: [agent] });
  }

  #crashed(cell: Cell, error: unknown): void {
    const { record, scenario, clients } = this.#kernel;
    if (error instanceof InjectedCrash || error instanceof AssertionFailed) return;
    const agent = cell.path.slice(1);
    // The deadlock is looked past, and so is what comes of its being broken.
    if (record.looksPast && comesOfDeadlock(error)) return;
    const isTold = cell.options.held || cell.life.watched || clients.has(cell);
    if (isTold || matches(scenario.allow?.crashes, agent)) return;
    const text = `${agent} crashed and nobody was told: ${errorText(error)}`;
    record.violate('CRASH', text, { agents: [agent], cause: error });
  }
}

type Told<K extends InspectionEvent['type']> = Extract<InspectionEvent, { readonly type: K }>;

function comesOfDeadlock(error: unknown): boolean {
  if (error instanceof DeadlockError) return true;
  if (error instanceof ActorEnded && error.reason.type === 'crash')
    return comesOfDeadlock(error.reason.error);
  return error instanceof Error && error.cause !== undefined && comesOfDeadlock(error.cause);
}
