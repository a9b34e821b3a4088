// The corpus: each bug is found, under its right name, and no correct program is accused.
//
// `TROUPE_RUNS` takes more seeds and more schedules.
import { describe, expect, it } from 'vitest';
import { check } from './check.ts';
import { corpus } from './index.ts';

const SOAK = process.env['TROUPE_RUNS'] !== undefined;
const SEEDS = SOAK ? Array.from({ length: 11 }, (_, index) => index + 1) : [1];
const SCHEDULES = SOAK ? 2_000 : 500;
/** Programs with endlessly many states: their timers may outrun their messages again and again. */
const ENDLESS = ['H05', 'O07'];
/** A soak takes minutes, and a busy machine several times as long as a quiet one. */
const LIMIT_MS = SOAK ? 600_000 : 60_000;

describe.each(corpus)('$id, $title', { timeout: LIMIT_MS }, (pair) => {
  it.each(SEEDS)('is found where it is buggy, and its culprit named (seed %i)', (seed) => {
    const { report } = check(pair, 'buggy', { seed });
    expect(pair.expected, report.failure?.violation.message).toContain(report.verdict);
    const agents = report.failure?.violation.agents ?? [];
    expect(pair.culprits.some((culprit) => agents.includes(culprit))).toBe(true);
  });

  // A proof leaves nothing to sample; without the search of all states, the samples must be quiet too.
  it.runIf(SOAK).each(SEEDS)('is not accused of anything by samples (seed %i)', (seed) => {
    const { report } = check(pair, 'correct', { seed, schedules: SCHEDULES, exhaustiveMs: 0 });
    expect(report.failure?.violation).toBeUndefined();
    expect(report.warnings.map(({ message }) => message)).toEqual([]);
  });

  it.each(SEEDS)('is not accused where it is correct (seed %i)', (seed) => {
    const isEndless = ENDLESS.includes(pair.id);
    // Time enough for the search of all states to end on a busy machine.
    const more = isEndless ? { schedules: SCHEDULES } : { exhaustiveMs: 20_000 };
    const { report } = check(pair, 'correct', { seed, ...more });
    expect(report.failure?.violation).toBeUndefined();
    expect(report.verdict).toBe(isEndless ? 'PASS' : 'PROVED');
  });
});
