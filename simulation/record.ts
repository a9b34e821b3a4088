/**
 * The record of a run: its steps, what is noted of the one that is made, and what went wrong first.
 */
import type { Cell } from '../runtime/internal.ts';
import type { Choice, Notes, Step } from './step.ts';
import { signatureOf, type Verdict, type Violation } from './violation.ts';

/** The mutable side of {@link Notes}. */
interface OpenNotes extends Notes {
  readonly choices: Choice[];
  readonly sent: string[];
  readonly notes: string[];
  readonly discharged: string[];
  progress: boolean;
  restarts: number;
  readonly restarted: string[];
  isLocal: boolean;
}

export class RunRecord {
  /** All steps so far. */
  readonly steps: Step[] = [];
  /** What has gone wrong first. */
  violation: Violation | undefined;
  /** Of the step that is made; before the first one, of the setup. */
  notes: OpenNotes = noNotes();
  /** The number of the step that is made; -1 in the setup. */
  moment = -1;
  /** Whose step it is. */
  acting: Cell | undefined;
  /** Who has lost a message: by a crash, by its end, or on a broken link. */
  readonly losers = new Set<string>();
  /** The signatures of what is known to be wrong, and looked past. */
  readonly #beside: readonly string[];

  constructor(beside: readonly string[]) {
    this.#beside = beside;
  }

  /** A step begins. */
  begin(acting: Cell | undefined): void {
    this.notes = noNotes();
    this.moment = this.steps.length;
    this.acting = acting;
  }

  /** Whether some bugs are known: what stays open may be of them. */
  get looksPast(): boolean {
    return this.#beside.length > 0;
  }

  /** Notes the first violation. */
  violate(verdict: Verdict, message: string, more: Partial<Violation>): void {
    this.accuse({ verdict, message, agents: [], obligations: [], certainty: 'proved', ...more });
  }

  /** The same of a violation that is there; what is looked past is none. */
  accuse(violation: Violation): void {
    if (!this.isKnown(violation)) this.violation ??= violation;
  }

  isKnown(violation: Violation): boolean {
    return this.looksPast && this.#beside.includes(signatureOf(violation));
  }
}

function noNotes(): OpenNotes {
  return {
    choices: [],
    sent: [],
    notes: [],
    discharged: [],
    progress: false,
    restarts: 0,
    restarted: [],
    isLocal: true,
  };
}
