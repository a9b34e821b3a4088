/**
 * Coverage: which two types of messages an agent has handled in which order, over all schedules. A
 * pair that was seen one way only is a race that nobody has tried.
 */
import type { Coverage } from './report.ts';
import type { Step } from './step.ts';

export class PairCoverage {
  readonly #seen = new Set<string>();

  /** Takes the steps of one run into account. */
  add(steps: readonly Step[]): void {
    const before = new Map<string, Set<string>>();
    for (const { kind, agent, id } of steps) {
      if (kind !== 'deliver' || agent === undefined) continue;
      const link = id.slice(0, id.lastIndexOf('#'));
      const earlier = before.get(agent) ?? new Set();
      for (const other of earlier) if (other !== link) this.#seen.add(`${other} before ${link}`);
      earlier.add(link);
      before.set(agent, earlier);
    }
  }

  get result(): Coverage {
    const oneWay: string[] = [];
    let flipped = 0;
    for (const pair of this.#seen) {
      const [first = '', second = ''] = pair.split(' before ');
      if (!this.#seen.has(`${second} before ${first}`)) oneWay.push(pair);
      else if (first < second) flipped += 1;
    }
    return { pairsFlipped: flipped, pairsOneWay: oneWay.sort() };
  }
}
