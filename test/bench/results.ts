/** The results as data: what `--json` prints and the file holds. */
import type { Entry } from './race.ts';
import { median } from './statistics.ts';

/** One contender in one workload. Higher is better for `ops/s`, lower for the others. */
export interface Result {
  readonly workload: string;
  readonly contender: string;
  readonly unit: 'ops/s' | 'bytes' | 'ms';
  readonly rounds: readonly number[];
  readonly median: number;
}

export function resultsOf(entries: readonly Entry[]): Result[] {
  return entries
    .filter(({ rounds }) => rounds.length > 0)
    .map(({ workload, contender, rounds }) => {
      const values = rounds.map(({ value }) => value);
      return {
        workload: workload.name,
        contender,
        unit: workload.unit,
        rounds: values,
        median: median(values),
      };
    });
}
