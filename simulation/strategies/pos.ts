/**
 * Partial order sampling (Yuan, Yang, Gu, CAV 2018): each event has a random priority, and those that
 * race with the one that has happened get new ones. Orders that no agent can tell apart cost nothing.
 *
 * In most runs, what comes to an agent that has only ever heard one voice goes first (conflict
 * analysis, as in Morpheus, ASPLOS 2020): so the hops of a relay are no draws against whoever waits.
 */
import type { SimEvent } from '../event.ts';
import { highest, type Explorer } from './strategy.ts';

/** How many runs take what races with nothing first. The others might see that it does race. */
const RACY_ONLY = 0.7;

export const pos: Explorer = () => {
  /** By agent: the links and timers that it has heard of, in all runs. */
  const voices = new Map<string, Set<string>>();
  const isQuiet = ({ cell }: SimEvent): boolean =>
    cell !== undefined && (voices.get(cell.path.slice(1))?.size ?? 2) < 2;
  return (dice) => {
    const quietFirst = dice.float() < RACY_ONLY;
    const priorities = new Map<string, number>();
    let others: SimEvent[] = [];
    let taken: SimEvent | undefined;
    const rank = (event: SimEvent): number => {
      if (quietFirst && isQuiet(event)) return 1;
      const known = priorities.get(event.id);
      if (known !== undefined) return known;
      const drawn = dice.float();
      priorities.set(event.id, drawn);
      return drawn;
    };
    return {
      pick: (enabled) => {
        const index = highest(enabled, rank);
        taken = enabled[index] as SimEvent;
        others = enabled.filter((event) => event !== taken);
        return index;
      },
      happened: ({ agent, key }) => {
        if (agent !== undefined) {
          const heard = voices.get(agent) ?? new Set();
          voices.set(agent, heard.add(key));
        }
        // A timer has no receiver before it fires; it races with what its own agent might do.
        for (const { id, cell, key: lane } of others)
          if (cell === undefined ? lane === `timer ${agent}` : cell === taken?.cell)
            priorities.delete(id);
      },
    };
  };
};
