/**
 * Tables of text, and the one at the end of a check: a line for each scenario.
 */
import type { Checked } from './check.ts';

/** The summary of all checks. */
export function tableOf(checks: readonly Checked[]): string {
  const rows = checks.map((each) => [
    each.pass ? '✓' : '✗',
    each.name,
    verdictOf(each),
    searchedOf(each),
    `${each.tookMs.toLocaleString('en')} ms`,
  ]);
  return [columns(rows, [4]), '', totalOf(checks)].join('\n');
}

/** Rows as lines whose columns stand below each other; those of `toRight` end there. */
export function columns(
  rows: readonly (readonly string[])[],
  toRight: readonly number[] = [],
): string {
  const widthOf = (column: number): number =>
    Math.max(...rows.map((row) => (row[column] ?? '').length));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        toRight.includes(column) ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column)),
      )
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

/** The verdict, and how many other bugs were found beside it. */
function verdictOf({ verdict, failures }: Checked): string {
  return failures.length > 1 ? `${verdict} +${failures.length - 1}` : verdict;
}

/** How far the search went. */
function searchedOf({ verdict, states, schedules }: Checked): string {
  if (verdict === 'PROVED') return plural(states, 'state');
  return plural(schedules, 'schedule');
}

function totalOf(checks: readonly Checked[]): string {
  const failed = checks.filter(({ pass }) => !pass).length;
  const proved = checks.filter(({ verdict }) => verdict === 'PROVED').length;
  const all = plural(checks.length, 'scenario');
  if (failed > 0) return `${failed} of ${all} ${failed === 1 ? 'fails' : 'fail'}`;
  return proved === checks.length ? `${all}, all proved` : `${all}, none fails (${proved} proved)`;
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
