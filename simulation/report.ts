/**
 * The report of an exploration: what was tried, and what came out.
 */
import type { Case } from './case.ts';
import type { Choice, Step } from './step.ts';
import type { Move } from './schedule.ts';
import type { Verdict, Violation } from './violation.ts';

/** What an exploration came to. */
export interface Report<W = unknown> {
  readonly name: string;
  /** `PROVED`: every schedule was tried. `PASS`: none of those that were tried failed. */
  readonly verdict: 'PROVED' | 'PASS' | Verdict;
  /** Distinct states that the exhaustive search has seen. */
  readonly states: number;
  /** Schedules that were run. */
  readonly schedules: number;
  /** Steps of all of them. */
  readonly steps: number;
  readonly tookMs: number;
  readonly failure: Failure<W> | undefined;
  /** All failures that were looked for, each of another bug; the first is `failure`. */
  readonly failures: readonly Failure<W>[];
  /** What ended the exhaustive search before it had seen all states, if it was begun. */
  readonly stoppedBy: SearchBound | undefined;
  /** What is likely but not proved, such as a loop without a repeated state. */
  readonly warnings: readonly Violation[];
  readonly coverage: Coverage;
}

/** A bound of the exhaustive search: `statesMax`, `stepsMax`, or the time that it may take. */
export type SearchBound = 'states' | 'steps' | 'time';

/** A schedule that fails. */
export interface Failure<W = unknown> {
  readonly violation: Violation;
  readonly workload: W;
  /** Which strategy found it, in which schedule. */
  readonly strategy: string;
  readonly schedule: number;
  readonly moves: readonly Move[];
  /** The signatures of the bugs that were found before, and looked past. */
  readonly beside?: readonly string[];
  readonly steps: readonly Step[];
  /** The failure, shrunk: the least that makes it happen. */
  readonly minimal?: Minimal<W>;
  readonly setup: { readonly choices: readonly Choice[]; readonly sent: readonly string[] };
}

/** A failure, shrunk. */
export interface Minimal<W = unknown> {
  readonly case: Case<W>;
  /** What happens in it. */
  readonly steps: readonly Step[];
  readonly setup: Failure['setup'];
  readonly violation: Violation;
  /** How many runs the shrinking took. */
  readonly replays: number;
  /** Replays it: `npx troupe replay TOKEN`. */
  readonly token: string;
}

/** What has been seen of the orders in which messages can come. */
export interface Coverage {
  /** Pairs of types of messages at one agent that came in both orders, and in one only. */
  readonly pairsFlipped: number;
  readonly pairsOneWay: readonly string[];
}
