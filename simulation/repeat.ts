/**
 * Whether a run repeats: its way is gone again, step by step, and must lead to the same. A failure
 * that does not repeat is no finding about the program's order but about its hidden inputs: the time,
 * chance, or what one run leaves behind for the next.
 */
import { hash } from './digest.ts';
import type { Choice, Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { replay, type Move } from './schedule.ts';
import type { Violation } from './violation.ts';

/** How often a failure is replayed before it is believed. */
const REPLAYS = 3;

/** What a run is compared by. */
export interface Trace {
  readonly steps: readonly Step[];
  readonly setup: { readonly choices: readonly Choice[]; readonly sent: readonly string[] };
  readonly violation?: Violation | undefined;
}

/** The first step that another run of the same moves made otherwise, as a violation. */
export function divergence<W>(
  scenario: Scenario<W>,
  workload: W,
  moves: readonly Move[],
  expected: Trace,
  beside?: readonly string[],
): Violation | undefined {
  for (let left = REPLAYS; left > 0; left -= 1) {
    const again = replay(scenario, workload, moves, beside);
    const found = firstDifference(expected, again);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstDifference(expected: Trace, again: Trace): Violation | undefined {
  if (expected.setup.sent.join() !== again.setup.sent.join())
    return unlike('the setup', expected.setup.sent.join(', '), again.setup.sent.join(', '), []);
  for (let at = 0; at < expected.steps.length; at += 1) {
    const step = expected.steps[at] as Step;
    const other = again.steps[at];
    const agents = step.agent === undefined ? [] : [step.agent];
    if (other === undefined)
      return unlike(`step ${at + 1}`, step.id, again.violation?.message ?? 'it could not', agents);
    if (stepText(step) !== stepText(other))
      return unlike(`step ${at + 1}, ${step.id},`, effectText(step), effectText(other), agents);
  }
  const { violation } = expected;
  // A loop is judged by the states that came before, which a replay does not look at.
  if (violation === undefined || violation.loopFrom !== undefined) return undefined;
  if (again.violation?.verdict === violation.verdict) return undefined;
  return unlike(
    'the end',
    violation.message,
    again.violation?.message ?? 'nothing wrong',
    violation.agents,
  );
}

function unlike(
  where: string,
  expected: string,
  given: string,
  agents: readonly string[],
): Violation {
  return {
    verdict: 'NONDETERMINISTIC',
    message: `the run does not repeat: at ${where} came first [${expected}] and then [${given}]`,
    agents,
    obligations: [],
    certainty: 'proved',
  };
}

/** What of a step must come again. Texts of errors and notes may carry values; the ids do not. */
function stepText(step: Step): string {
  const { id, discharged, restarts, progress, atMs } = step;
  return `${id} ${effectText(step)} ${discharged.join()} ${restarts} ${String(progress)} ${atMs}`;
}

function effectText({ sent, choices, notes }: Step): string {
  const chosen = choices.map(({ id, count, index }) => `${id} ${index}/${count}`);
  return [...sent, ...chosen, ...notes].join(', ');
}

/** The digest of the steps of a run: equal for runs that did the same. */
export function digestOf({ steps, setup }: Trace): string {
  return hash(`${setup.sent.join()}\n${steps.map(stepText).join('\n')}`).toString(36);
}
