/**
 * A pair of the corpus: a program with a bug of coordination, and one that looks much like it and
 * has none. A tool must find the one and keep quiet about the other.
 */
import type { Scenario, Verdict } from 'troupe/simulation';

export interface Pair {
  /** Such as `D01`; the file is named after it. */
  readonly id: string;
  readonly title: string;
  /** The verdicts that count as right. */
  readonly expected: readonly Verdict[];
  /** The size of the least explanation: constraints, faults and choices that set it apart from FIFO. */
  readonly e: number;
  /** The agents of the bug: a report must name one of them. */
  readonly culprits: readonly string[];
  readonly buggy: Scenario;
  readonly correct: Scenario;
}

export type Variant = 'buggy' | 'correct';

export const VARIANTS: readonly Variant[] = ['buggy', 'correct'];
