/**
 * FIFO with a few delays (after Emmi et al., POPL 2011): at up to three random points the event whose
 * turn it is, and which races with something, waits until nothing else can happen. It stays close to what a quiet machine does, where
 * most bugs of one delay are.
 */
import type { SimEvent } from '../event.ts';
import { Length } from './length.ts';
import { highest, type Explorer } from './strategy.ts';
import { Voices } from './voices.ts';

const DELAYS_MAX = 3;

export const delays: Explorer = () => {
  const length = new Length();
  const voices = new Voices();
  return (dice) => {
    const points = new Set<number>();
    for (let left = 1 + dice.below(DELAYS_MAX); left > 0; left -= 1)
      points.add(dice.below(length.estimate));
    /** Events that wait, the first that was delayed first. */
    const delayed = new Map<string, number>();
    let branches = 0;
    length.begin();
    const rank = ({ id }: SimEvent): number => -(delayed.get(id) ?? 0);
    return {
      pick: (enabled) => {
        voices.hear(enabled);
        const index = highest(enabled, rank);
        const first = enabled[index] as SimEvent;
        if (enabled.length === 1 || voices.isAlone(first)) return index;
        const isPoint = points.has(branches);
        branches += 1;
        length.count();
        if (!isPoint) return index;
        delayed.set(first.id, delayed.size + 1);
        return highest(enabled, rank);
      },
    };
  };
};
