/** The tables of a run: one for each workload, and one of the targets. */
import type { Entry } from './race.ts';
import { median, spread } from './statistics.ts';
import { digits, percent, table, time } from './table.ts';
import { judge } from './targets.ts';
import { resultsOf } from './results.ts';

/** The table of one workload. */
export function workloadTable(entries: readonly Entry[]): string {
  const { name, unit, operation } = entries[0]!.workload;
  const of = (entry: Entry): number => median(entry.rounds.map(({ value }) => value));
  const ours = entries.find(({ contender }) => contender === 'troupe');
  const head = {
    'ops/s': ['contender', 'CPU each', 'wall each', 'ops/s', 'spread', 'troupe is'],
    bytes: ['contender', 'bytes each', 'spread'],
    ms: ['contender', 'ms', 'spread'],
  }[unit];
  const rows = entries.map((entry) => {
    const { contender, rounds, absent } = entry;
    if (absent !== undefined) return [contender, absent];
    const values = rounds.map(({ value }) => value);
    const range = percent(spread(values));
    if (unit !== 'ops/s') return [contender, digits(median(values)), range];
    const cpu = median(rounds.map(({ cpuNs, operations }) => cpuNs / operations));
    const wall = median(rounds.map(({ wallNs, operations }) => wallNs / operations));
    const ratio = ours === undefined ? Number.NaN : of(ours) / of(entry);
    const times = entry === ours || Number.isNaN(ratio) ? '' : `${digits(ratio)} ×`;
    return [contender, time(cpu), time(wall), Math.round(of(entry)).toString(), range, times];
  });
  return `${name} (${operation})\n\n${table(head, rows)}\n`;
}

/** The table of the targets that these entries can judge; empty when they can judge none. */
export function targetTable(entries: readonly Entry[]): string {
  const verdicts = judge(resultsOf(entries));
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ workload, what, measured, target, goal, outcome }) => [
    workload,
    what,
    measured,
    target,
    goal,
    outcome,
  ]);
  const head = ['workload', 'what', 'measured', 'target', 'goal', ''];
  return `targets\n\n${table(head, rows)}\n`;
}
