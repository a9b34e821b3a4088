/**
 * The check of one scenario, as plain data: so it can come from another thread, and be written as JSON.
 */
import {
  explain,
  explore,
  sequenceDiagram,
  svgOf,
  type CheckOptions,
  type Coverage,
  type Report,
  type Violation,
} from '../simulation/index.ts';
import type { Found } from './load.ts';
import { Misuse, inShort } from './misuse.ts';

/** One bug, and the token that replays it. */
export interface Bug {
  readonly violation: Omit<Violation, 'cause'>;
  readonly token: string | undefined;
}

/** What one check came to. */
export interface Checked {
  readonly file: string;
  readonly name: string;
  readonly verdict: Report['verdict'];
  readonly pass: boolean;
  readonly states: number;
  readonly schedules: number;
  readonly steps: number;
  readonly tookMs: number;
  readonly seed: number;
  readonly violation: Omit<Violation, 'cause'> | undefined;
  readonly warnings: readonly Omit<Violation, 'cause'>[];
  readonly coverage: Coverage;
  /** Each bug that was found; the first is `violation`. */
  readonly failures: readonly Bug[];
  readonly explanation: string;
  readonly token: string | undefined;
  readonly mermaid: string;
  readonly svg: string;
}

/** Explores a scenario. A scenario that makes no sense, or throws, is misuse. */
export function check({ file, name, scenario }: Found, options: CheckOptions): Checked {
  let report: Report<undefined>;
  try {
    report = explore(scenario, options);
  } catch (error) {
    throw new Misuse(`the scenario "${name}" in ${file} cannot be run: ${inShort(error)}`);
  }
  const { verdict, states, schedules, steps, tookMs, coverage } = report;
  const failures = report.failures.map(({ violation, minimal }) => ({
    violation: plain(minimal?.violation ?? violation),
    token: minimal?.token,
  }));
  const [first] = failures;
  return {
    file,
    name,
    verdict,
    pass: first === undefined,
    states,
    schedules,
    steps,
    tookMs: Math.round(tookMs),
    seed: options.seed ?? 1,
    violation: first?.violation,
    warnings: report.warnings.map(plain),
    coverage,
    failures,
    explanation: explanationOf(report, file),
    token: first?.token,
    mermaid: sequenceDiagram(report),
    svg: svgOf(report),
  };
}

/** The text of a report: each bug on its own, and whole. */
function explanationOf(report: Report<undefined>, file: string): string {
  const replay = (token: string): string => `npx troupe replay ${token} ${file}`;
  if (report.failures.length < 2) return explain(report, { replay });
  return report.failures
    .map((failure) => explain({ ...report, failure, failures: [failure] }, { replay }))
    .join('\n\n');
}

/** A violation without the error behind it, which may be anything. */
function plain({ cause: _cause, ...rest }: Violation): Omit<Violation, 'cause'> {
  return rest;
}

/** What several searches of one scenario came to together. */
export function merge(parts: readonly Checked[]): Checked {
  const [first] = parts as [Checked];
  const sum = (of: (part: Checked) => number): number =>
    parts.reduce((all, part) => all + of(part), 0);
  const found = parts.reduce((most, part) =>
    part.failures.length > most.failures.length ? part : most,
  );
  const oneWay = parts.map(({ coverage }) => new Set(coverage.pairsOneWay));
  return {
    ...found,
    states: first.states,
    schedules: sum(({ schedules }) => schedules),
    steps: sum(({ steps }) => steps),
    tookMs: Math.max(...parts.map(({ tookMs }) => tookMs)),
    coverage: {
      pairsFlipped: Math.max(...parts.map(({ coverage }) => coverage.pairsFlipped)),
      pairsOneWay: first.coverage.pairsOneWay.filter((pair) =>
        oneWay.every((set) => set.has(pair)),
      ),
    },
  };
}
