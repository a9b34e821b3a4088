/**
 * A lap of a loop, gone again and again, after the way that leads into it: what comes next in it comes
 * next. Whatever else there is comes where the lap cannot go on, and once after each lap, so that it
 * is fair to that too. So the loop goes on beside agents that have been added since.
 */
import type { Lap } from '../case.ts';
import type { SimEvent } from '../event.ts';
import type { Strategy } from './strategy.ts';

/** Goes round in a lap. */
export function goingRound({ keys, from }: Lap): Strategy {
  const own = new Set(keys);
  /** Of what is not of the lap: what has come since it ended; undefined in the midst of it. */
  let between: Set<string> | undefined;
  let at = 0;
  return {
    pick: (enabled) => {
      const isOther = ({ key }: SimEvent): boolean => !own.has(key);
      if (between !== undefined) {
        const had = between;
        const other = enabled.findIndex((event) => isOther(event) && !had.has(event.key));
        if (other !== -1) return other;
        between = undefined;
      }
      const next = enabled.findIndex(({ key }) => key === keys[at]);
      return next === -1 ? Math.max(enabled.findIndex(isOther), 0) : next;
    },
    happened: ({ key }) => {
      if (between !== undefined) between.add(key);
      else if (own.has(key)) {
        // What comes out of its turn counts as the next of its kind.
        const next = keys.indexOf(key, at);
        at = (next === -1 ? keys.indexOf(key) : next) + 1;
        if (at < keys.length) return;
        at = from;
        between = new Set();
      }
    },
  };
}
