/**
 * A step: one event of a run, and all that followed from it at once.
 */
import type { SimEvent } from './event.ts';

/** What happened in one step. */
export interface Step extends Readonly<Notes> {
  readonly kind: SimEvent['kind'];
  readonly id: string;
  readonly key: string;
  /** Whose step it was; undefined when it was of no agent. */
  readonly agent: string | undefined;
  /** Whether its message was a request. */
  readonly isRequest: boolean;
  /** The step in which its message was sent or its timer set; -1 for the setup. */
  readonly cause: number;
  readonly atMs: number;
}

/** What is noted while a step is made, and while the setup is. */
export interface Notes {
  /** Which options were chosen in it, and of how many. */
  readonly choices: readonly Choice[];
  /** The ids of what was sent in it. */
  readonly sent: readonly string[];
  /** What else happened, for people: crashes, ends, restarts, dead letters. */
  readonly notes: readonly string[];
  /** The requests and tasks that it settled, and whether it said that it made progress. */
  readonly discharged: readonly string[];
  readonly progress: boolean;
  readonly restarts: number;
  /** Who was restarted in it. */
  readonly restarted: readonly string[];
  /** It touched its own agent alone, and what it sent: no life began or ended, no timer fired. */
  readonly isLocal: boolean;
}

/** A choice of the program, as it was made. */
export interface Choice {
  readonly id: string;
  readonly count: number;
  readonly index: number;
  readonly fair: boolean;
  /** What was chosen. */
  readonly option?: unknown;
}

/** Makes the choices of a program: the index of an option. A fair choice must not avoid one for ever. */
export type Chooser = (id: string, count: number, fair: boolean) => number;
