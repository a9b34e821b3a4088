/**
 * Race flip (after procrastination, Arts, Hughes et al.): of two messages to one agent whose sends
 * knew nothing of each other, another run is made to take them the other way round. The first flips
 * are those of the plainest order: most bugs are one or two away from it.
 *
 * A run that has shown an order of two kinds of messages for the first time is worth going on from:
 * its flips are kept, and one more is tried on top of them.
 */
import type { Constraint } from '../case.ts';
import type { SimEvent } from '../event.ts';
import { Hold } from '../hold.ts';
import { concurrentPairs, type Race } from '../races.ts';
import type { Step } from '../step.ts';
import type { Explorer } from './strategy.ts';
import { placeOf } from './voices.ts';

/** Races of one run that are worth a try each. */
const RACES_MAX = 64;

/** How many flips are made in one run at most. */
const DEPTH_MAX = 4;
/** How many runs are walks at random, from which new races are learnt. */
const FRESH = 0.15;

/** One way to go on: the flips that led to a run, and one of its races turned round. */
type Flips = readonly Constraint[];

/** A run that is over, or under way. */
interface Tried {
  readonly flips: Flips;
  readonly steps: readonly Step[];
  /** What happened at an agent while a timer of it was due, which the steps do not show. */
  readonly timers: readonly Race[];
}

export const flip: Explorer = (plain) => {
  const seen = new Set<string>();
  const tried = new Set<string>();
  const todo: Flips[] = [];
  let last: Tried | undefined = plain && { flips: [], steps: plain, timers: [] };

  /** Learns from the run before. */
  const learn = (): void => {
    if (last === undefined) return;
    const { flips, steps, timers } = last;
    if (flips.length >= DEPTH_MAX) return;
    for (const { first, second } of [
      ...concurrentPairs(steps, RACES_MAX),
      ...timers.slice(0, RACES_MAX),
    ]) {
      const shown = `${kindOf(first)} ${kindOf(second)}`;
      const isNew = !seen.has(shown);
      seen.add(shown);
      const key = `${second} ${first}`;
      if (tried.has(key) && !isNew) continue;
      tried.add(key);
      // What nobody has seen the other way round goes first.
      const flipped = [...flips, { before: second, after: first }];
      if (seen.has(`${kindOf(second)} ${kindOf(first)}`)) todo.push(flipped);
      else todo.unshift(flipped);
    }
  };

  return (dice) => {
    // A flip may have come to nothing, since its run was cut short or went another way: try it again.
    if (todo.length === 0) tried.clear();
    learn();
    // Now and then a fresh walk: flips on top of flips may lead away from the race that matters.
    const isFresh = dice.float() < FRESH;
    // Mostly one of the first, and now and then another, so that no race waits for ever.
    const at = dice.float() < 0.7 ? 0 : dice.below(todo.length);
    const [flips = []] = isFresh ? [] : todo.splice(at, 1);
    const hold = new Hold(flips);
    // Where the plainest order has not been run before, it is now.
    const isWalk = flips.length === 0 && last !== undefined;
    const steps: Step[] = [];
    const timers: Race[] = [];
    last = { flips, steps, timers };
    return {
      pick: (enabled) => {
        const index = isWalk ? dice.below(enabled.length) : hold.pick(enabled);
        timers.push(...timersBehind(enabled[index] as SimEvent, enabled));
        return index;
      },
      happened: (step) => {
        steps.push(step);
        hold.happened(step.id);
      },
    };
  };
};

/** The timers of an agent that might have come before what it does. */
function timersBehind(first: SimEvent, enabled: readonly SimEvent[]): Race[] {
  const place = placeOf(first);
  return enabled
    .filter((event) => event.kind === 'timer' && event !== first && placeOf(event) === place)
    .map(({ id }) => ({ first: first.id, second: id }));
}

function kindOf(id: string): string {
  return id.slice(0, id.lastIndexOf('#'));
}
