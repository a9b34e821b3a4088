/**
 * PCTCP (Ozkan et al., OOPSLA 2018): chains of events that follow from each other have random
 * priorities, and at a few random points the chain that runs falls behind all others. As in taPCT
 * (OOPSLA 2019), these points are only where the event races with something.
 *
 * A message that crosses many relays is one chain. So it is held back as a whole by one draw, where
 * a random walk would have to hold it back at every hop; and its hops are no points of change.
 */
import type { Dice } from '../dice.ts';
import type { SimEvent } from '../event.ts';
import { highest, type Explorer, type Strategy } from './strategy.ts';
import { Length } from './length.ts';
import { Voices } from './voices.ts';

/** The depths that runs have in turn: how many constraints of order they are good for. */
const DEPTHS = 3;

/** Timers and faults are chains of their own. Mostly they come late, for early ones cut a run short. */
const LATE = 0.7;

export const pctcp: Explorer = () => {
  const length = new Length();
  const voices = new Voices();
  let runs = 0;
  return (dice) => chained(dice, (runs++ % DEPTHS) + 1, length, voices);
};

function chained(dice: Dice, depth: number, length: Length, voices: Voices): Strategy {
  /** By the id of an event: its chain. */
  const chainOf = new Map<string, number>();
  /** By the number of a step: the chain that ends with it. */
  const endsWith = new Map<number, number>();
  const priorities: number[] = [];
  const changes = new Set<number>();
  for (let change = 1; change < depth; change += 1) changes.add(dice.below(length.estimate));
  let taken: number;
  let steps = 0;
  let branches = 0;
  length.begin();

  const chain = (event: SimEvent): number => {
    const known = chainOf.get(event.id);
    if (known !== undefined) return known;
    const isLate = event.kind !== 'deliver' && event.kind !== 'reply';
    let own = isLate ? undefined : endsWith.get(event.bornAt);
    if (own === undefined) {
      own = priorities.length;
      priorities.push(dice.float() * (isLate ? LATE : 1));
    } else endsWith.delete(event.bornAt);
    chainOf.set(event.id, own);
    return own;
  };
  const rank = (event: SimEvent): number => priorities[chain(event)] as number;

  return {
    pick: (enabled) => {
      voices.hear(enabled);
      let index = highest(enabled, rank);
      const first = enabled[index] as SimEvent;
      if (enabled.length > 1 && !voices.isAlone(first)) {
        if (changes.has(branches)) {
          priorities[chain(first)] = -1 - dice.float();
          index = highest(enabled, rank);
        }
        branches += 1;
        length.count();
      }
      taken = chain(enabled[index] as SimEvent);
      return index;
    },
    happened: () => {
      endsWith.set(steps, taken);
      steps += 1;
    },
  };
}
