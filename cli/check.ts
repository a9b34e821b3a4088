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
  const { verdict, states, schedules, steps, tookMs, failure, coverage } = report;
  const violation = failure?.minimal?.violation ?? failure?.violation;
  return {
    file,
    name,
    verdict,
    pass: failure === undefined,
    states,
    schedules,
    steps,
    tookMs: Math.round(tookMs),
    seed: options.seed ?? 1,
    violation: violation && plain(violation),
    warnings: report.warnings.map(plain),
    coverage,
    explanation: explain(report, { replay: (token) => `npx troupe replay ${token} ${file}` }),
    token: failure?.minimal?.token,
    mermaid: sequenceDiagram(report),
    svg: svgOf(report),
  };
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
  const found = parts.find(({ pass }) => !pass) ?? first;
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
