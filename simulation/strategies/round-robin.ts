/**
 * Round robin: of all that can happen, what has not happened for longest. It is fair to every link
 * and timer, so that what never comes under it would never have to come.
 *
 * There is more than one way to be fair, and some loops need one of the others: with an order above 0
 * a walk at random is taken, which is fair at last. Whether a loop on it is fair is judged of the loop.
 */
import { Dice } from '../dice.ts';
import type { SimEvent } from '../event.ts';
import type { Strategy } from './strategy.ts';

/** The fair orders that there are: 0 is by age. */
export const FAIR_ORDERS = 40;

export function roundRobin(order = 0): Strategy {
  return order === 0 ? byAge() : byChance(order);
}

function byAge(): Strategy {
  const lastAt = new Map<string, number>();
  let turn = 0;
  return {
    pick: (enabled) => {
      let best = 0;
      let bestAt = Infinity;
      enabled.forEach(({ key }: SimEvent, index) => {
        const at = lastAt.get(key) ?? -1;
        if (at < bestAt) {
          best = index;
          bestAt = at;
        }
      });
      return best;
    },
    happened: ({ key }) => {
      lastAt.set(key, (turn += 1));
    },
  };
}

function byChance(order: number): Strategy {
  const dice = new Dice(order);
  return { pick: (enabled) => dice.below(enabled.length) };
}
