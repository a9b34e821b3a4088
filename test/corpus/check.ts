/** Whether the simulator is right about a program of the corpus. */
import { explore, type CheckOptions, type Report } from 'troupe/simulation';
import type { Pair, Variant } from './pair.ts';

/** What came out for one program; the fields of `npm run corpus -- --json`. */
export interface Outcome {
  /** Such as `D01`. */
  readonly program: string;
  readonly variant: Variant;
  readonly expected: readonly string[];
  readonly verdict: string;
  readonly pass: boolean;
  /** Whether every schedule was tried. */
  readonly proved: boolean;
  readonly states: number;
  /** Schedules that were run, up to the first that failed. */
  readonly schedules: number;
  /** Constraints, faults and choices of the least case that fails; null without one. */
  readonly explanation: number | null;
  /** Runs that the shrinking took; null without one. */
  readonly replays: number | null;
}

/** Explores one program of a pair, and judges what comes out. */
export function check(
  pair: Pair,
  variant: Variant,
  options: CheckOptions = {},
): { readonly outcome: Outcome; readonly report: Report } {
  const report = explore(pair[variant], options) as Report;
  const { verdict, failure, states, schedules } = report;
  const minimal = failure?.minimal;
  const outcome: Outcome = {
    program: pair.id,
    variant,
    expected: variant === 'buggy' ? pair.expected : ['PROVED', 'PASS'],
    verdict,
    pass: variant === 'buggy' ? isRight(pair, report) : failure === undefined,
    proved: verdict === 'PROVED',
    states,
    schedules,
    explanation:
      minimal === undefined
        ? null
        : minimal.case.constraints.length +
          minimal.case.faults.length +
          Object.keys(minimal.case.choices).length,
    replays: minimal?.replays ?? null,
  };
  return { outcome, report };
}

/** The right class, and one of those who are to blame. */
function isRight({ expected, culprits }: Pair, { failure }: Report): boolean {
  if (failure === undefined) return false;
  const { verdict, agents } = failure.violation;
  return expected.includes(verdict) && agents.some((agent) => culprits.includes(agent));
}
