/**
 * Aggregations: collectors for a fan-in. All of them look at the slots in their order, so that the
 * same slots give the same output.
 */
import type { Wait } from '../runtime/index.ts';
import { digestOf } from './digest.ts';
import { TaskFailed } from './failure.ts';
import type { Collect } from './fan-in.ts';
import type { Slot } from './join.ts';
import type { TaskRun } from './run.ts';
import type { Performer } from './task.ts';

/** What becomes of a key that several results have with different values. */
export type ConflictRule<TValue> =
  'first' | 'last' | 'fail' | ((key: string, values: readonly TValue[]) => TValue);

/** One result, and what it scored. */
export interface Ranked<TOutput> {
  readonly name: string;
  readonly output: TOutput;
  readonly score: number;
}

function results<TOutput>(slots: readonly Slot<TOutput>[]): { name: string; output: TOutput }[] {
  return slots.flatMap((slot) =>
    slot.status === 'ok' ? [{ name: slot.name, output: slot.output }] : [],
  );
}

/** All items of the lists that came, one list after the other. */
export function concatenate<TItem>(): Collect<readonly TItem[], readonly TItem[]> {
  return (slots) => results(slots).flatMap(({ output }) => output);
}

/** One object of all that came. `fail` fails the task, and names the key and who disagrees. */
export function merge<TValue>(
  onConflict: ConflictRule<TValue> = 'fail',
): Collect<Readonly<Record<string, TValue>>, Readonly<Record<string, TValue>>> {
  return (slots) => {
    const given = new Map<string, { readonly by: string; readonly value: TValue }[]>();
    for (const { name: by, output } of results(slots))
      for (const [key, value] of Object.entries(output))
        given.set(key, [...(given.get(key) ?? []), { by, value }]);
    const merged = [...given].map(([key, all]): [string, TValue] => {
      const isAgreed = new Set(all.map(({ value }) => digestOf(value))).size === 1;
      if (isAgreed || onConflict === 'first') return [key, all[0]!.value];
      if (onConflict === 'last') return [key, all.at(-1)!.value];
      if (onConflict !== 'fail')
        return [
          key,
          onConflict(
            key,
            all.map(({ value }) => value),
          ),
        ];
      const who = all.map(({ by }) => by).join(', ');
      throw new TaskFailed({
        kind: 'invalidOutput',
        message: `merge: ${who} disagree on "${key}"`,
        retry: { retryable: false },
      });
    });
    return Object.fromEntries(merged);
  };
}

/** How votes are counted. */
export interface VoteOptions<TOutput> {
  /** The weight of a voter's vote, by the name of its slot; default 1. */
  readonly weightOf?: (name: string, output: TOutput) => number;
  /** The part of the weight of all votes that the winner must exceed; default 0.5, a majority. 0: the most votes win. */
  readonly more?: number;
}

/** The answer with the most votes; equal answers count together. Without enough the task fails; of equals the first wins. */
export function vote<TOutput>({
  weightOf = () => 1,
  more = 0.5,
}: VoteOptions<TOutput> = {}): Collect<TOutput, TOutput> {
  return (slots) => {
    const counts = new Map<string, { readonly output: TOutput; weight: number }>();
    let total = 0;
    for (const { name, output } of results(slots)) {
      const weight = weightOf(name, output);
      const key = digestOf(output);
      const count = counts.get(key) ?? { output, weight: 0 };
      count.weight += weight;
      total += weight;
      counts.set(key, count);
    }
    const [winner] = [...counts.values()].sort((a, b) => b.weight - a.weight);
    if (winner !== undefined && winner.weight > more * total) return winner.output;
    throw new TaskFailed({
      kind: 'dependencyFailed',
      message: `vote: no answer has more than ${more} of the votes (${winner?.weight ?? 0} of ${total})`,
      partial: [...counts.values()],
    });
  };
}

/** The results by their score, the best first; of equals the earlier slot. */
export function rank<TOutput>(
  scoreOf: (output: TOutput, name: string) => number,
  top = Infinity,
): Collect<TOutput, readonly Ranked<TOutput>[]> {
  return (slots) =>
    results(slots)
      .map(({ name, output }) => ({ name, output, score: scoreOf(output, name) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, top);
}

/** What a judge gets: the results that came. */
export type Candidates<TOutput> = readonly { readonly name: string; readonly output: TOutput }[];

/** Another performer makes one output of the results. When it fails, so does the task. */
export function judge<TOutput, TResult>(
  performer: Performer<Candidates<TOutput>, TResult>,
): Collect<TOutput, TResult> {
  return function* (
    slots: readonly Slot<TOutput>[],
    run: TaskRun,
  ): Generator<Wait<unknown>, TResult, unknown> {
    return run.need(yield* run.perform(performer, { input: results(slots) }), 'judge');
  };
}
