/**
 * The run of a case: FIFO, except that events wait for what must come before them, that the faults
 * come where they are said to, and that choices are what is said of them.
 */
import type { Case } from './case.ts';
import type { Fault, SimEvent } from './event.ts';
import { Hold } from './hold.ts';
import { Run } from './run.ts';
import type { Chooser } from './step.ts';
import type { Scenario } from './scenario.ts';
import { LENGTHS, endFairly } from './schedule.ts';
import { goingRound } from './strategies/lap.ts';
import { roundRobin } from './strategies/round-robin.ts';

/** Steps in which constraints and faults may still come to be met. */
const STEPS_MAX = 1_000;

/**
 * Runs a case to its end. How long it may be follows from the case alone, and not from the options of
 * whoever found it: a token must mean the same everywhere.
 */
export function follow<W>(
  scenario: Scenario<W>,
  { workload, constraints, faults, choices, fairSoon, fairOrder, lap, beside }: Case<W>,
): Run<W> {
  const chooser = chooserOf(choices);
  const run = new Run(scenario, workload, chooser, beside);
  const hold = new Hold(constraints);
  const due = new Set(faults);
  /** A crash of an agent that waits comes as late as it can, unless others wait for it. */
  const isFaultNext = (
    { id, of, cell }: Fault,
    next: SimEvent | undefined,
    enabled: readonly SimEvent[],
  ): boolean => {
    if (!due.has(id)) return false;
    if (of !== undefined) return of === next;
    if (next === undefined) return true;
    return (
      !hold.holds(id) && (next.cell === cell || enabled.some((other) => hold.isAfter(other.id, id)))
    );
  };
  const stepsMin = fairSoon === true ? 0 : LENGTHS.stepsMax;
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    if (run.violation !== undefined) return run;
    if (steps >= stepsMin && hold.isOver && due.size === 0) break;
    const enabled = run.enabled();
    const next = enabled[hold.pick(enabled)];
    const fault =
      due.size === 0
        ? undefined
        : run.faults(enabled).find((each) => isFaultNext(each, next, enabled));
    const event = fault ?? next;
    if (event === undefined) {
      run.checkEnd();
      return run;
    }
    due.delete(event.id);
    run.step(event);
    hold.happened(event.id);
  }
  const way = lap === undefined ? roundRobin(fairOrder) : goingRound(lap);
  endFairly(run, LENGTHS.fairStepsMax, chooser, way);
  return run;
}

/** Makes the choices of a case: what is said of this one, or of all of its label, or the first option. */
function chooserOf(choices: Case['choices']): Chooser {
  return (id, count) => {
    const index = choices[id] ?? choices[anyOf(id)] ?? 0;
    return Math.min(index, count - 1);
  };
}

/** The name of all choices of a label. */
export function anyOf(id: string): string {
  return `${id.slice(0, id.lastIndexOf('#'))}#*`;
}
