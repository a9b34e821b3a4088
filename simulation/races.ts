/**
 * The races of a run: two events at one agent of which neither had to come first. One had to when
 * its message was sent by somebody who knew of the other.
 */
import type { Step } from './step.ts';

/** Two events, in the order in which they came. */
export interface Race {
  readonly first: string;
  readonly second: string;
}

/** Pairs of events at one agent that could have come in the other order, the nearest first. */
export function concurrentPairs(steps: readonly Step[], pairsMax: number): Race[] {
  const pasts: Set<number>[] = [];
  /** By agent: the steps that it has made. */
  const made = new Map<string, number[]>();
  const pairs: { race: Race; distance: number }[] = [];
  steps.forEach((step, index) => {
    // What the send of the message knew of, which is what its sender had seen by then.
    const known = step.cause >= 0 ? (pasts[step.cause] ?? new Set<number>()) : new Set<number>();
    const past = new Set(known).add(index);
    const earlier = (step.agent === undefined ? undefined : made.get(step.agent)) ?? [];
    for (const other of earlier) {
      const first = steps[other] as Step;
      if (!known.has(other) && laneOf(first) !== laneOf(step))
        pairs.push({ race: { first: first.id, second: step.id }, distance: index - other });
      for (const before of pasts[other] ?? []) past.add(before);
    }
    if (step.agent !== undefined) made.set(step.agent, [...earlier, index]);
    pasts.push(past);
  });
  pairs.sort((a, b) => a.distance - b.distance);
  return pairs.slice(0, pairsMax).map(({ race }) => race);
}

/** Two messages of one lane keep their order. */
function laneOf({ kind, key }: Step): string {
  return `${kind} ${key}`;
}
