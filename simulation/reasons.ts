/**
 * What sets a case apart from FIFO, in a few words.
 */
import type { Case } from './case.ts';

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
