/** The number of a state must not depend on which agents' numbers were kept from before. */
import { expect, it } from 'vitest';
import type { Scenario } from 'troupe/simulation';
import { Dice } from '../../simulation/dice.ts';
import { Run } from '../../simulation/run.ts';
import { chooserOf, movesOf, take } from '../../simulation/schedule.ts';
import { corpus } from './index.ts';
import { machines } from './machines/index.ts';
import { VARIANTS } from './pair.ts';

const STEPS_MAX = 60;

/** A walk at random, faults among it, that looks at the state after every step. */
function watchedWalk(scenario: Scenario, seed: number): Run<undefined> {
  const dice = new Dice(seed);
  const run = new Run(scenario, undefined, (_id, count) => dice.below(count));
  for (let left = STEPS_MAX; left > 0 && run.violation === undefined; left -= 1) {
    void run.state;
    const enabled = run.enabled();
    const all = [...enabled, ...run.faults(enabled)];
    const event = all[dice.below(all.length)];
    if (event === undefined) break;
    run.step(event);
  }
  return run;
}

/** The same run, in which nobody has looked at the state. */
function blindWalk(scenario: Scenario, watched: Run<undefined>): Run<undefined> {
  const [setup, ...moves] = movesOf(watched);
  const run = new Run(scenario, undefined, setup && chooserOf(setup));
  for (const move of moves) take(run, move);
  return run;
}

const programs = [
  ...corpus.map((pair) => ({ kind: 'handlers', pair })),
  ...machines.map((pair) => ({ kind: 'machines', pair })),
].flatMap(({ kind, pair }) =>
  VARIANTS.map((variant) => ({ name: `${pair.id} ${variant}, ${kind}`, scenario: pair[variant] })),
);

it.each(programs)(
  '$name: a state has one number, looked at before or not',
  { timeout: 30_000 },
  ({ scenario }) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const watched = watchedWalk(scenario, seed);
      const blind = blindWalk(scenario, watched);
      expect(blind.steps.map(({ id }) => id)).toEqual(watched.steps.map(({ id }) => id));
      expect(blind.state).toBe(watched.state);
    }
  },
);
