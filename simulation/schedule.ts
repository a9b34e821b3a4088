/**
 * A schedule: one run to its end. First a strategy chooses, fair or not, and faults may come; then
 * the faults are over and round robin chooses, and only there it is judged whether all comes to an
 * end.
 */
import type { Dice } from './dice.ts';
import type { SimEvent } from './event.ts';
import { lapIn, type Moment } from './lasso.ts';
import { Run } from './run.ts';
import type { Choice, Chooser, Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { FAIR_ORDERS, roundRobin } from './strategies/round-robin.ts';
import type { Strategy } from './strategies/strategy.ts';

/** How long a run may be. */
export interface Lengths {
  /** Steps that the strategy chooses; then the fair end begins. */
  readonly stepsMax: number;
  /** Steps of the fair end: what is open after them is suspected to stay open for ever. */
  readonly fairStepsMax: number;
}

export const LENGTHS: Lengths = { stepsMax: 200, fairStepsMax: 2_000 };

/** How many runs come to their fair end early, and how early at most. */
const SHORT = 0.25;
const SHORT_STEPS_MAX = 40;

/** How often a state may come again in the fair end while nothing is open: then it goes round, and may. */
const LAPS_MAX = 3;

/** One step of an exact way through a run: which event, and which options of the program's choices. The first is the setup. */
export interface Move {
  readonly id: string;
  readonly choices: readonly number[];
}

/** The move that a run begins with. */
export const SETUP = 'setup';

/** The exact way that a run took. */
export function movesOf({
  setup,
  steps,
}: {
  readonly setup: { readonly choices: readonly Choice[] };
  readonly steps: readonly Step[];
}): Move[] {
  const moveOf = (id: string, choices: readonly Choice[]): Move => ({
    id,
    choices: choices.map(({ index }) => index),
  });
  return [moveOf(SETUP, setup.choices), ...steps.map(({ id, choices }) => moveOf(id, choices))];
}

/** Makes the choices that a move says, and the first option beyond them. */
export function chooserOf({ choices }: Move): Chooser {
  let next = 0;
  return (_id, count) => Math.min(choices[next++] ?? 0, count - 1);
}

/** Lets a move happen; undefined when its event cannot. */
export function take<W>(run: Run<W>, move: Move): Step | undefined {
  const enabled = run.enabled();
  const isFault = !enabled.some(({ id }) => id === move.id);
  const events: readonly SimEvent[] = isFault ? run.faults(enabled) : enabled;
  const event = events.find(({ id }) => id === move.id);
  if (event === undefined) return undefined;
  run.chooser = chooserOf(move);
  return run.step(event);
}

/** Runs an exact way again, as far as it goes. */
export function replay<W>(
  scenario: Scenario<W>,
  workload: W,
  moves: readonly Move[],
  beside?: readonly string[],
): Run<W> {
  const [setup, ...rest] = moves;
  const run = new Run(scenario, workload, setup && chooserOf(setup), beside);
  for (const move of rest) {
    if (run.violation !== undefined || take(run, move) === undefined) break;
  }
  if (run.violation === undefined && run.enabled().length === 0) run.checkEnd();
  return run;
}

/** Makes a run and lets a strategy drive it to its end. */
export function runSchedule<W>(
  scenario: Scenario<W>,
  workload: W,
  strategy: Strategy,
  dice: Dice | undefined,
  lengths: Lengths = LENGTHS,
  beside?: readonly string[],
): Run<W> {
  const run = new Run(scenario, workload, dice && drawing(dice), beside);
  // Whatever comes to an end by chance at last must be judged before it does.
  const isShort = dice !== undefined && dice.float() < SHORT;
  const stepsMax = isShort
    ? dice.below(Math.min(lengths.stepsMax, SHORT_STEPS_MAX))
    : lengths.stepsMax;
  for (let left = stepsMax; left > 0; left -= 1) {
    if (run.violation !== undefined) return run;
    const enabled: SimEvent[] = run.enabled();
    const all = dice === undefined ? enabled : withFaults(run, enabled, dice);
    if (all.length === 0) {
      run.checkEnd();
      return run;
    }
    const step = run.step(all[strategy.pick(all)] as SimEvent);
    strategy.happened?.(step);
  }
  // What is judged early may need any fair order to go round; the others mostly go round as they are.
  const isWalk = dice !== undefined && dice.float() < (isShort ? 0.75 : 0.25);
  const order = isWalk ? 1 + dice.below(FAIR_ORDERS - 1) : 0;
  endFairly(run, lengths.fairStepsMax, run.chooser, roundRobin(order));
  return run;
}

/**
 * Draws the choices of one run. In every other run the same label chooses the same each time: who
 * decides afresh each time is no adversary, for by chance it will do well at last.
 */
function drawing(dice: Dice): Chooser {
  if (dice.float() < 0.5) return (_id, count) => dice.below(count);
  const fixed = new Map<string, number>();
  return (id, count, fair) => {
    const label = id.slice(0, id.lastIndexOf('#'));
    const index = (fair ? undefined : fixed.get(label)) ?? dice.below(count);
    fixed.set(label, index);
    return index % count;
  };
}

/** A fault is offered once in a while only: each step could have one, and most runs should get far. */
function withFaults<W>(run: Run<W>, enabled: SimEvent[], dice: Dice): SimEvent[] {
  const faults = run.faults(enabled);
  if (faults.length === 0 || dice.float() < 0.7) return enabled;
  return [...enabled, faults[dice.below(faults.length)] as SimEvent];
}

/** The text of a state costs as much as many steps: the first ones of the fair end go without. */
const UNWATCHED_STEPS = 20;

/**
 * The fair end: no more faults, every link and timer gets its turn, and each choice is made as the
 * chooser makes it the first time.
 */
export function endFairly<W>(
  run: Run<W>,
  stepsMax: number,
  first: Chooser = () => 0,
  strategy = roundRobin(),
): void {
  run.endFaults();
  const fixed = new Map<string, number>();
  // A model that always decides the same way in the same place is the adversary that loops are made of.
  run.chooser = (id, count, fair) => {
    const label = id.slice(0, id.lastIndexOf('#'));
    const index = fixed.get(label) ?? first(id, count, fair);
    // What is chosen fairly takes each option in its turn.
    fixed.set(label, fair ? index + 1 : index);
    return index % count;
  };
  const moments: Moment[] = [];
  /** By state: when it was there first, and when last. A lap since the first is long, and so more often fair. */
  const seen = new Map<number, { readonly first: number; readonly last: number }>();
  let laps = 0;
  for (let left = stepsMax; left > 0; left -= 1) {
    if (run.violation !== undefined) return;
    const enabled = run.enabled();
    if (enabled.length === 0) {
      run.checkEnd();
      return;
    }
    if (stepsMax - left >= UNWATCHED_STEPS) {
      const open = run.pending;
      const { state } = run;
      const from = seen.get(state);
      moments.push({ enabled: enabled.map(({ key }) => key), open });
      const lap =
        from && (lapIn(run.steps, moments, from.last) ?? lapIn(run.steps, moments, from.first));
      if (lap !== undefined) run.accuse(run.judged(lap));
      if (run.violation !== undefined) return;
      // It goes round, and either may or is known to.
      const isKnown = open.length === 0 || lap !== undefined;
      if (from !== undefined && isKnown && (laps += 1) === LAPS_MAX) return;
      const at = moments.length - 1;
      seen.set(state, { first: from?.first ?? at, last: at });
    }
    const step = run.step(enabled[strategy.pick(enabled)] as SimEvent);
    strategy.happened?.(step);
  }
  const open = run.pending;
  // What is known to stay open says nothing of anything else.
  if (run.violation === undefined && open.length > 0 && !run.looksPast)
    run.violate('LIVELOCK', `after ${stepsMax} fair steps this is still open: ${open.join(', ')}`, {
      obligations: open,
      certainty: 'suspected',
    });
}
