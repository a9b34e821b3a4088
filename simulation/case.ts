/**
 * A case: a schedule as what sets it apart from FIFO. Where nothing is said, the oldest event comes
 * first, timers come when nothing else can happen, nothing breaks, and every choice is the first
 * option. So a case stays short, says why it fails, and survives edits of the program.
 */

/** One event must come before another; the ids are structural (simulation/event.ts). */
export interface Constraint {
  readonly before: string;
  readonly after: string;
}

/** A way into a loop, and the loop: the keys of its events, of which those `from` a certain one come again and again. */
export interface Lap {
  readonly keys: readonly string[];
  readonly from: number;
}

/** A schedule, as its differences from FIFO. */
export interface Case<W = unknown> {
  readonly workload: W;
  readonly constraints: readonly Constraint[];
  /** The ids of the faults that come, such as `crash A>B:go#1`. */
  readonly faults: readonly string[];
  /** Choices that are not the first option, by the id of the choice; `label#*` says it of all of a label. */
  readonly choices: Readonly<Record<string, number>>;
  /** Whether the fair end begins as soon as the constraints are met. FIFO goes on for a while otherwise. */
  readonly fairSoon?: boolean;
  /** Which fair order the end has (strategies/round-robin.ts); default 0, by age. */
  readonly fairOrder?: number;
  /** Or else the loop that the end goes round in, event by event (strategies/lap.ts). */
  readonly lap?: Lap;
  /** The signatures of other bugs that its run looks past. */
  readonly beside?: readonly string[];
}

/** How much must be said to make the schedule: constraints, faults and choices. */
export function sizeOf({ constraints, faults, choices }: Case): number {
  return constraints.length + faults.length + Object.keys(choices).length;
}
