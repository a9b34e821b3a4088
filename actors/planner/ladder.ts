/**
 * The ladder of a plan: what is tried when a step fails, before anybody is asked for another plan.
 * Plain data, and pure: as with an overseer's ladder, rungs that cannot help are left out.
 */
import type { Failure } from '../failure.ts';
import { canHelp } from '../overseer/ladder.ts';

/** One thing to try. */
export type PlanRung =
  /** The same again, by the same worker. */
  | { readonly type: 'retry'; readonly times?: number }
  /** Another way, which the worker finds in `task.context.strategy`. */
  | { readonly type: 'strategy'; readonly name: string }
  /** A worker of the capability that has not tried yet. */
  | { readonly type: 'reassign'; readonly times?: number }
  /** The `fallback` of the step in place of its output. */
  | { readonly type: 'degrade' };

/** What a plan that says nothing tries. */
export const DEFAULT_LADDER: readonly PlanRung[] = [
  { type: 'retry' },
  { type: 'reassign' },
  { type: 'degrade' },
];

/** One attempt at a step: the rung that it stands on (0 is the ground), and how it failed. */
export interface Attempted {
  readonly rung: number;
  readonly worker: string;
  readonly strategy?: string;
  readonly failure: Failure;
}

/** What to do next. */
export type Move =
  | { readonly type: 'attempt'; readonly next: Omit<Attempted, 'failure'> }
  | { readonly type: 'degrade' }
  /** The ladder has ended. */
  | { readonly type: 'end' };

/** The rungs one by one. */
export function rungsOf(ladder: readonly PlanRung[]): readonly PlanRung[] {
  return ladder.flatMap((rung) =>
    'times' in rung ? Array.from({ length: rung.times ?? 1 }, () => rung) : [rung],
  );
}

/** The first move that can help after these attempts, of which there is at least one. */
export function nextMove(
  rungs: readonly PlanRung[],
  workers: readonly string[],
  attempts: readonly Attempted[],
): Move {
  const last = attempts.at(-1)!;
  for (let index = last.rung; index < rungs.length; index += 1) {
    const rung = rungs[index]!;
    if (rung.type === 'degrade') return { type: 'degrade' };
    if (!canHelp(rung.type, last.failure)) continue;
    const next = { rung: index + 1, worker: last.worker };
    if (rung.type === 'strategy')
      return { type: 'attempt', next: { ...next, strategy: rung.name } };
    if (rung.type === 'reassign') {
      const worker = workers.find((each) => attempts.every((tried) => tried.worker !== each));
      if (worker !== undefined) return { type: 'attempt', next: { ...next, worker } };
    } else {
      const { strategy } = last;
      return { type: 'attempt', next: { ...next, ...(strategy !== undefined && { strategy }) } };
    }
  }
  return { type: 'end' };
}
