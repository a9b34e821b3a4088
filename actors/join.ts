/**
 * Joins: when a team that works side by side has enough, and what becomes of each of its members.
 *
 * Each branch has exactly one slot, in the order of the branches, however it went.
 */
import { InvalidOption, type Budget, type Wait } from '../runtime/index.ts';
import type { Call } from './call.ts';
import type { Failure } from './failure.ts';
import { ACTORS_LIMITS, marginOf } from './limits.ts';
import type { TaskRun } from './run.ts';
import type { Outcome, Performer } from './task.ts';

/** When there is enough. Make one with {@link join}. */
export interface Join {
  readonly type: 'all' | 'quorum' | 'first' | 'bestEffort';
  /** How many results are enough; all of them when it is `Infinity`. */
  readonly count: number;
  /** Milliseconds after which whatever is there is enough. */
  readonly deadlineMs: number;
}

/**
 * The join policies. `all` waits for every branch. `quorum(n)` ends when n are ok, and fails as soon
 * as they cannot be. `first(n)` ends when n are ok, and takes fewer when there are no more.
 * `bestEffort(ms)` takes what is there by then. Whoever is not needed any more is cancelled.
 */
export const join = {
  all: (): Join => ({ type: 'all', count: Infinity, deadlineMs: Infinity }),
  quorum: (count: number): Join => ({
    type: 'quorum',
    count: atLeastOne('quorum', count),
    deadlineMs: Infinity,
  }),
  first: (count = 1): Join => ({
    type: 'first',
    count: atLeastOne('first', count),
    deadlineMs: Infinity,
  }),
  bestEffort: (deadlineMs: number): Join => ({
    type: 'bestEffort',
    count: Infinity,
    deadlineMs: atLeastOne('bestEffort', deadlineMs),
  }),
};

/** One of several tasks that are done side by side. */
export interface Branch<TInput, TOutput> {
  readonly name: string;
  readonly performer: Performer<TInput, TOutput>;
  readonly input: TInput;
  /** Milliseconds that it may take; default what the own task has left. */
  readonly timeoutMs?: number;
  /** What it may spend; default an equal part of what there is. */
  readonly budget?: Budget;
}

/** What became of one branch. */
export type Slot<TOutput> = { readonly name: string } & (
  | { readonly status: 'ok'; readonly output: TOutput; readonly missing: readonly string[] }
  | { readonly status: 'failed'; readonly failure: Failure }
  | { readonly status: 'timedOut'; readonly failure?: Failure }
  /** It was not needed any more. */
  | { readonly status: 'cancelled'; readonly reason: string }
  /** It never began. */
  | { readonly status: 'skipped'; readonly reason: string }
);

/** How branches are joined. */
export interface GatherOptions {
  /** Default `join.all()`. */
  readonly join?: Join;
  /** Branches that run at a time; default 8. */
  readonly concurrency?: number;
}

/** Does all branches side by side and gives their slots, once, as soon as the join has enough. */
export function* gather<TInput, TOutput>(
  run: TaskRun,
  branches: readonly Branch<TInput, TOutput>[],
  { join: policy = join.all(), concurrency = ACTORS_LIMITS.concurrency }: GatherOptions = {},
): Generator<Wait<unknown>, readonly Slot<TOutput>[], unknown> {
  const slots = branches.map(({ name }): Slot<TOutput> => ({
    name,
    status: 'skipped',
    reason: 'the join had enough before it began',
  }));
  const share = run.share(branches.length);
  const open = new Map<number, Call<TOutput>>();
  const bell = bellOf(run, policy);
  let next = 0;
  let ok = 0;
  const isEnough = (): boolean => {
    const possible = ok + open.size + branches.length - next;
    return ok >= policy.count || (policy.type === 'quorum' && possible < policy.count);
  };
  while (!isEnough() && bell?.settled !== true) {
    for (; open.size < concurrency && next < branches.length; next += 1) {
      const { performer, input, budget = share, timeoutMs } = branches[next]!;
      const options = timeoutMs === undefined ? { budget } : { budget, timeoutMs };
      open.set(next, run.start(performer, { input }, options));
    }
    if (open.size === 0) break;
    const calls = [...open.values()];
    if (!calls.some(({ settled }) => settled)) {
      const waits = calls.map(({ wait }) => wait!);
      yield* run.ctx.any(bell === undefined ? waits : [...waits, bell]);
    }
    for (const [index, call] of open) {
      if (!call.settled || isEnough()) continue;
      const slot = slotOf(branches[index]!.name, yield* call.outcome());
      slots[index] = slot;
      open.delete(index);
      if (slot.status === 'ok') ok += 1;
    }
  }
  const isLate = bell?.settled === true && !isEnough();
  for (const [index, call] of open) {
    const { name } = branches[index]!;
    const reason = isLate ? 'it was too late for the join' : 'the join had enough';
    call.cancel(reason);
    slots[index] = isLate ? { name, status: 'timedOut' } : { name, status: 'cancelled', reason };
  }
  for (; isLate && next < branches.length; next += 1)
    slots[next] = { name: branches[next]!.name, status: 'skipped', reason: 'time was up' };
  return slots;
}

/** Whether what the slots say is what the join wanted: all of it, a part, or nothing. */
export function verdictOf(
  slots: readonly Slot<unknown>[],
  policy: Join,
): 'done' | 'partial' | 'failed' {
  const ok = slots.filter(({ status }) => status === 'ok').length;
  const wanted = Math.min(policy.count, slots.length);
  const isWhole = slots.every((slot) => slot.status !== 'ok' || slot.missing.length === 0);
  if (policy.type === 'quorum') return ok >= policy.count ? 'done' : 'failed';
  if (ok >= wanted) return isWhole ? 'done' : 'partial';
  return ok === 0 ? 'failed' : 'partial';
}

/** Rings when time is up: that of the join, or just before that of the task, so that what is there is not lost. */
function bellOf(run: TaskRun, { deadlineMs }: Join): Wait<void> | undefined {
  const { remainingMs } = run;
  const inTimeMs = remainingMs - marginOf(remainingMs);
  const ringMs = Math.min(deadlineMs, inTimeMs);
  return ringMs < Infinity ? run.sleep(Math.max(0, ringMs)) : undefined;
}

function slotOf<TOutput>(name: string, outcome: Outcome<TOutput>): Slot<TOutput> {
  switch (outcome.status) {
    case 'done':
      return { name, status: 'ok', output: outcome.output, missing: [] };
    case 'partial':
      return { name, status: 'ok', output: outcome.output, missing: outcome.missing };
    case 'cancelled':
      return { name, status: 'cancelled', reason: outcome.reason };
    case 'failed': {
      const { failure } = outcome;
      return { name, status: failure.kind === 'timeout' ? 'timedOut' : 'failed', failure };
    }
  }
}

function atLeastOne(policy: string, given: number): number {
  if (given >= 1) return given;
  throw new InvalidOption({ field: `join.${policy}`, given, allowed: 'a number >= 1' });
}
