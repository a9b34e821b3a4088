/**
 * Partial order sampling (Yuan, Yang, Gu, CAV 2018): each event has a random priority, and those that
 * race with the one that has happened get new ones. Orders that no agent can tell apart cost nothing.
 *
 * In most runs, what races with nothing goes first: so the hops of a relay are no draws against
 * whoever waits.
 */
import type { SimEvent } from '../event.ts';
import { highest, type Explorer } from './strategy.ts';
import { Voices, placeOf } from './voices.ts';

/** How many runs take what races with nothing first. The others might see that it does race. */
const RACY_ONLY = 0.8;

export const pos: Explorer = () => {
  const voices = new Voices();
  return (dice) => {
    const aloneFirst = dice.float() < RACY_ONLY;
    const priorities = new Map<string, number>();
    let others: SimEvent[] = [];
    let place: string | undefined;
    const rank = (event: SimEvent): number => {
      if (aloneFirst && event.kind !== 'timer' && voices.isAlone(event)) return 1;
      const known = priorities.get(event.id);
      if (known !== undefined) return known;
      const drawn = dice.float();
      priorities.set(event.id, drawn);
      return drawn;
    };
    return {
      pick: (enabled) => {
        voices.hear(enabled);
        const index = highest(enabled, rank);
        const taken = enabled[index] as SimEvent;
        place = placeOf(taken);
        others = enabled.filter((event) => event !== taken);
        return index;
      },
      happened: () => {
        for (const event of others)
          if (place !== undefined && placeOf(event) === place) priorities.delete(event.id);
      },
    };
  };
};
