/**
 * Round robin: of all that can happen, what has not happened for longest. It is fair to every link
 * and timer, so that what never comes under it would never have to come.
 */
import type { SimEvent } from '../event.ts';
import type { Strategy } from './strategy.ts';

export function roundRobin(): Strategy {
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
