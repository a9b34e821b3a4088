// Programs of the corpus as XState machines: the verdicts are those of the same programs as functions.
import { describe, expect, it } from 'vitest';
import { explore } from 'troupe/simulation';
import type { Pair } from '../pair.ts';
import { pair as l01 } from './l01.ts';
import { pair as l06 } from './l06.ts';
import { pair as o01 } from './o01.ts';
import { pair as o04 } from './o04.ts';
import { pair as o11 } from './o11.ts';
import { pair as o13 } from './o13.ts';
import { pair as r04 } from './r04.ts';

const pairs: Pair[] = [l01, l06, o01, o04, o11, o13, r04];

describe.each(pairs)('$id as machines, $title', (pair) => {
  it('is found where it is buggy, and its culprit named', () => {
    const report = explore(pair.buggy);
    expect(pair.expected, report.failure?.violation.message).toContain(report.verdict);
    const agents = report.failure?.violation.agents ?? [];
    expect(agents.filter((agent) => pair.culprits.includes(agent))).not.toEqual([]);
  });

  it('is proved where it is correct', () => {
    const report = explore(pair.correct, { strategy: 'exhaustive', timeMs: 30_000 });
    expect(report.failure?.violation).toBeUndefined();
    expect(report.verdict).toBe('PROVED');
  });
});
