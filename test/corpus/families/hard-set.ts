/**
 * The hard set: races through many relays, and how many schedules it takes to find them. A search
 * that tosses a coin at each step does not find them at all.
 */
import { explore, type Scenario } from 'troupe/simulation';
import { relayed as d02 } from '../d02-ask-cycle.ts';
import { relayed as d13 } from '../d13-leaked-permit.ts';
import { RELAYED, relay } from './relayed-race.ts';

/** By program: its buggy variant with so many relays. */
export const HARD: Readonly<Record<string, (hops: number) => Scenario>> = {
  D02: (hops) => d02(hops, 'buggy'),
  D13: (hops) => d13(hops, 'buggy'),
  ...Object.fromEntries(
    RELAYED.map((program) => [program, (hops: number) => relay(program, hops, 'buggy')]),
  ),
};

/** What is asked of a sample of a program with relays: the schedules up to the first that fails. */
export const BARS = { schedules: 1_500, seeds: 11, median: 10, worst: 200 } as const;

/** The schedules of the middle seed and of the worst; infinite where nothing was found. */
export interface Found {
  readonly median: number;
  readonly worst: number;
}

/** Samples a program with each seed, without the exhaustive search. */
export function find(scenario: Scenario): Found {
  const { schedules, seeds } = BARS;
  const counts = Array.from({ length: seeds }, (_, index) => {
    const report = explore(scenario, { seed: index + 1, schedules, exhaustiveMs: 0 });
    return report.failure?.schedule ?? Infinity;
  }).sort((a, b) => a - b);
  return { median: counts[seeds >> 1] as number, worst: counts[seeds - 1] as number };
}
