/**
 * A fair lasso: a way into a loop that can go on for ever, although every link and timer that could
 * act again and again does act. What is open all along the loop will never be settled.
 */
import type { Step } from './step.ts';
import type { Verdict, Violation } from './violation.ts';

/** Begins the name of a condition of the end that does not hold, among what is open. */
export const AT_THE_END = 'at the end: ';

/** What is known of the moment before a step. */
export interface Moment {
  /** The fairness keys of what could happen. */
  readonly enabled: readonly string[];
  /** The requests and tasks that were open, and the conditions of the end that did not hold. */
  readonly open: readonly string[];
}

/**
 * Whether the steps since the moment `from` are a lap of a fair loop that leaves something open.
 * The last moment is the one that equals it.
 */
export function lapIn(
  steps: readonly Step[],
  moments: readonly Moment[],
  from: number,
): Violation | undefined {
  const lap = moments.slice(from);
  const taken = steps.slice(steps.length - (lap.length - 1));
  if (taken.length === 0) return undefined;
  const done = new Set(taken.map(({ key }) => key));
  const isFair = lap.every(({ enabled }) => enabled.every((key) => done.has(key)));
  const choosesFairly = taken.some(({ choices }) =>
    choices.some(({ fair, count }) => fair && count > 1),
  );
  if (!isFair || choosesFairly) return undefined;
  const settled = new Set(taken.flatMap(({ discharged }) => discharged));
  const open = (lap[0]?.open ?? []).filter(
    (name) => !settled.has(name) && lap.every((moment) => moment.open.includes(name)),
  );
  if (open.length === 0) return undefined;
  return loopOf(taken, open, steps.length - taken.length);
}

/** The violation that a fair loop is, by what happens in it. */
export function loopOf(lap: readonly Step[], open: readonly string[], loopFrom: number): Violation {
  const advances = lap.some(({ progress, discharged }) => progress || discharged.length > 0);
  const restarts = lap.some((step) => step.restarts > 0);
  const agents = [
    ...new Set(lap.flatMap(({ agent, restarted }) => [agent ?? [], restarted].flat())),
  ];
  const verdict: Verdict = restarts
    ? 'RESTART_STORM'
    : advances
      ? 'STARVATION'
      : isHandoff(lap)
        ? 'HANDOFF_LOOP'
        : 'LIVELOCK';
  const what = `${open.join(', ')} ${open.length === 1 ? 'stays' : 'stay'} open`;
  const lapText = lap
    .map(({ id }) => id.slice(0, Math.max(id.lastIndexOf('#'), 0) || undefined))
    .join(', ');
  return {
    verdict,
    message: `${what} while this goes on for ever: ${lapText}`,
    agents,
    obligations: open,
    certainty: 'proved',
    loopFrom,
  };
}

/**
 * Something that is handed round: nothing but messages and the effects that say where to, and some of
 * the messages from one agent of the loop to another. A request in the loop was forwarded: new ones would pile up without an answer, and no
 * state would come again.
 */
function isHandoff(lap: readonly Step[]): boolean {
  const agents = new Set(lap.map(({ agent }) => agent));
  const isHanded = ({ id, agent }: Step): boolean => {
    const from = id.slice(0, id.indexOf('>'));
    return from !== agent && agents.has(from);
  };
  return lap.every(({ kind }) => kind === 'deliver' || kind === 'effect') && lap.some(isHanded);
}
