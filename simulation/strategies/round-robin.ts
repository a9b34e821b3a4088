/**
 * Round robin: of all that can happen, what has not happened for longest. It is fair to every link
 * and timer, so that what never comes under it would never have to come.
 *
 * There is more than one way to be fair, and some loops need one of the others: with an order above 0
 * some links and timers get their turn more often than others.
 */
import { hash } from '../digest.ts';
import type { SimEvent } from '../event.ts';
import { highest, type Strategy } from './strategy.ts';

/** The fair orders that there are: 0 is by age. */
export const FAIR_ORDERS = 40;

/** How long strides are. */
const STRIDES = [1, 2, 3, 4, 5] as const;

export function roundRobin(order = 0): Strategy {
  return order === 0 ? byAge() : byStride(order);
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

/**
 * Strides (after Waldspurger, 1995): what has the longer stride comes more rarely, as often as its
 * stride is long. Once it goes round, it goes round in the same way, and a loop shows soon.
 */
function byStride(order: number): Strategy {
  const strides = new Map<string, number>();
  /** By key: when it is its turn. */
  const due = new Map<string, number>();
  let now = 0;
  const strideOf = (key: string): number => {
    const known = strides.get(key);
    if (known !== undefined) return known;
    const drawn = STRIDES[hash(`${key} ${order}`) % STRIDES.length] as number;
    strides.set(key, drawn);
    return drawn;
  };
  const dueOf = (key: string): number => {
    const at = due.get(key) ?? now + strideOf(key);
    due.set(key, at);
    return at;
  };
  return {
    pick: (enabled) => {
      const index = highest(enabled, ({ key }) => -dueOf(key));
      now = Math.max(now, dueOf((enabled[index] as SimEvent).key));
      return index;
    },
    happened: ({ key }) => {
      due.delete(key);
    },
  };
}
