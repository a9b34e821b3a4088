/**
 * A schedule: one run to its end. First a strategy chooses, fair or not, and faults may come; then
 * the faults are over and round robin chooses, and only there it is judged whether all comes to an
 * end.
 */
import type { Dice } from './dice.ts';
import type { SimEvent } from './event.ts';
import { hash } from './digest.ts';
import { lapIn, type Moment } from './lasso.ts';
import { Run, type Chooser, type Step } from './run.ts';
import type { Scenario } from './scenario.ts';
import { roundRobin } from './strategies/round-robin.ts';
import type { Strategy } from './strategies/strategy.ts';

/** How long a run may be. */
export interface Lengths {
  /** Steps that the strategy chooses; then the fair end begins. */
  readonly stepsMax: number;
  /** Steps of the fair end: what is open after them is suspected to stay open for ever. */
  readonly fairStepsMax: number;
}

export const LENGTHS: Lengths = { stepsMax: 200, fairStepsMax: 2_000 };

/** One step of an exact way through a run: which event, and which options of the program's choices. The first is the setup. */
export interface Move {
  readonly id: string;
  readonly choices: readonly number[];
}

/** The move that a run begins with. */
export const SETUP = 'setup';

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
export function replay<W>(scenario: Scenario<W>, workload: W, moves: readonly Move[]): Run<W> {
  const [setup, ...rest] = moves;
  const run = new Run(scenario, workload, setup && chooserOf(setup));
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
): Run<W> {
  const run = new Run(scenario, workload, dice && ((_id, count) => dice.below(count)));
  for (let left = lengths.stepsMax; left > 0; left -= 1) {
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
  endFairly(run, dice, lengths.fairStepsMax);
  return run;
}

/** A fault is offered once in a while only: each step could have one, and most runs should get far. */
function withFaults<W>(run: Run<W>, enabled: SimEvent[], dice: Dice): SimEvent[] {
  const faults = run.faults(enabled);
  if (faults.length === 0 || dice.float() < 0.7) return enabled;
  return [...enabled, faults[dice.below(faults.length)] as SimEvent];
}

/** The text of a state costs as much as many steps: the first ones of the fair end go without. */
const UNWATCHED_STEPS = 20;

/** The fair end: no more faults, every link and timer gets its turn, and each choice is made the same way. */
export function endFairly<W>(run: Run<W>, dice: Dice | undefined, stepsMax: number): void {
  run.endFaults();
  const strategy = roundRobin();
  const fixed = new Map<string, number>();
  // A model that always decides the same way in the same place is the adversary that loops are made of.
  run.chooser = (id, count) => {
    const label = id.slice(0, id.lastIndexOf('#'));
    const index = fixed.get(label) ?? dice?.below(count) ?? 0;
    fixed.set(label, index);
    return index % count;
  };
  const moments: Moment[] = [];
  const seen = new Map<number, number>();
  for (let left = stepsMax; left > 0; left -= 1) {
    if (run.violation !== undefined) return;
    const enabled = run.enabled();
    if (enabled.length === 0) {
      run.checkEnd();
      return;
    }
    const open = run.pending;
    // Where nothing is open, no loop keeps anything open; and most runs end soon without one.
    if (open.length === 0) {
      moments.length = 0;
      seen.clear();
    } else if (stepsMax - left >= UNWATCHED_STEPS) {
      const text = hash(run.text);
      const from = seen.get(text);
      moments.push({ enabled: enabled.map(({ key }) => key), open });
      const lap = from === undefined ? undefined : lapIn(run.steps, moments, from);
      if (lap !== undefined) {
        run.violation = run.judged(lap);
        return;
      }
      seen.set(text, moments.length - 1);
    }
    const step = run.step(enabled[strategy.pick(enabled)] as SimEvent);
    strategy.happened?.(step);
  }
  const open = run.pending;
  if (run.violation === undefined && open.length > 0)
    run.violate('LIVELOCK', `after ${stepsMax} fair steps this is still open: ${open.join(', ')}`, {
      obligations: open,
      certainty: 'suspected',
    });
}
