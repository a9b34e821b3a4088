/**
 * What a report says in a few words.
 */
import type { Case } from './case.ts';
import type { Report } from './report.ts';

/** The verdict of a report, what is wrong, and what makes it happen. */
export function describe(report: Report): string {
  const { name, verdict, schedules, states, failure } = report;
  if (failure === undefined)
    return verdict === 'PROVED'
      ? `${name}: PROVED, ${states} states`
      : `${name}: ${verdict}, ${schedules} schedules`;
  const { minimal, violation } = failure;
  const lines = [`${name}: ${verdict}: ${minimal?.violation.message ?? violation.message}`];
  if (minimal !== undefined) {
    lines.push(...reasons(minimal.case));
    lines.push(`token ${minimal.token}`);
  }
  return lines.join('\n');
}

/** What sets a case apart from FIFO, a line for each. */
export function reasons({ constraints, faults, choices }: Case): string[] {
  const lines = [
    ...constraints.map(({ before, after }) => `${before} comes before ${after}`),
    ...faults,
    ...Object.entries(choices).map(([id, index]) => `${id} is option ${index + 1}`),
  ];
  if (lines.length === 0) return ['first in, first out fails'];
  return lines.map((line, index) => `${index === 0 ? 'it fails when' : '  and when'} ${line}`);
}
