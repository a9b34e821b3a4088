/**
 * Fan-out with fan-in: several tasks side by side, a join that says when there is enough, and a
 * collector that runs exactly once and makes one output of the slots.
 */
import type { Wait } from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import { TaskFailed, type Failure } from './failure.ts';
import { gather, join, verdictOf, type Branch, type Join, type Slot } from './join.ts';
import { performer } from './performer.ts';
import { isGenerator, type PartialResult, type TaskRun } from './run.ts';
import type { AnyPerformer, Performer, PerformerLogic, Task } from './task.ts';

/** Makes one output of the slots; it may wait, and give tasks away itself. */
export type Collect<TOutput, TResult> = (
  slots: readonly Slot<TOutput>[],
  run: TaskRun,
) => TResult | Generator<Wait<unknown>, TResult, unknown>;

/** What both forms share. */
export interface FanInOptions<TOutput, TResult> {
  readonly collect: Collect<TOutput, TResult>;
  /** Default `join.all()`. */
  readonly join?: Join;
  /** Branches that run at a time; default 8. */
  readonly concurrency?: number;
  /** Milliseconds that each branch may take; default what the task has left. */
  readonly timeoutMs?: number;
}

const KEYS = ['collect', 'join', 'concurrency', 'timeoutMs'];

/**
 * A performer of lists: it gives each item to the worker and collects. The outcome is `done` when the
 * join is content, `partial` when something is missing, and `failed` when nothing came of it, with
 * the branches' failures as causes.
 *
 * @example
 * ```ts
 * const desk = fanIn('desk', { worker: editor, join: join.bestEffort(500), collect: (slots) => slots });
 * const texts = [{ text: ' a ' }, { text: ' b ' }];
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: texts });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function fanIn<TInput, TOutput, TResult>(
  name: string,
  options: FanInOptions<TOutput, TResult> & { readonly worker: Performer<TInput, TOutput> },
): PerformerLogic<readonly TInput[], TResult> {
  check(options, 'fanIn', 'worker');
  return performer(
    name,
    (task: Task<readonly TInput[]>, run) => {
      const worker = run.team.worker as Performer<TInput, TOutput>;
      const branches = task.input.map((input, index) => ({
        name: `${index}`,
        performer: worker,
        input,
      }));
      return collected(name, run, branches, options);
    },
    { team: { worker: options.worker as AnyPerformer } },
  );
}

/**
 * A performer whose members all get the same task, each its own way; their results are collected.
 * Outcomes as with {@link fanIn}. Throws `InvalidOption`.
 */
export function ensemble<TInput, TOutput, TResult>(
  name: string,
  options: FanInOptions<TOutput, TResult> & {
    readonly members: Readonly<Record<string, Performer<TInput, TOutput>>>;
  },
): PerformerLogic<TInput, TResult> {
  check(options, 'ensemble', 'members');
  return performer(
    name,
    ({ input }: Task<TInput>, run) => {
      const members = Object.entries(run.team as typeof options.members);
      const branches = members.map(([member, each]) => ({ name: member, performer: each, input }));
      return collected(name, run, branches, options);
    },
    { team: options.members as Readonly<Record<string, AnyPerformer>> },
  );
}

function* collected<TInput, TOutput, TResult>(
  name: string,
  run: TaskRun,
  branches: readonly Branch<TInput, TOutput>[],
  { collect, join: policy = join.all(), concurrency, timeoutMs }: FanInOptions<TOutput, TResult>,
): Generator<Wait<unknown>, TResult | PartialResult<TResult>, unknown> {
  const timed =
    timeoutMs === undefined ? branches : branches.map((each) => ({ ...each, timeoutMs }));
  const slots = yield* gather(run, timed, {
    join: policy,
    ...(concurrency === undefined ? {} : { concurrency }),
  });
  const verdict = verdictOf(slots, policy);
  let output: TResult | undefined;
  try {
    output = yield* run.operation({ name: 'join', subject: name }, collecting(collect, slots, run));
  } catch (error) {
    // What a collector cannot make of too little says less than why it was too little.
    if (verdict !== 'failed') throw error;
  }
  if (verdict === 'done') return output as TResult;
  const missing = slots.flatMap((slot) => {
    if (slot.status !== 'ok') return [slot.name];
    return slot.missing.map((part) => `${slot.name}/${part}`);
  });
  const failures = slots.flatMap((slot): readonly Failure[] =>
    'failure' in slot && slot.failure !== undefined ? [slot.failure] : [],
  );
  if (verdict === 'partial') return run.partial(output as TResult, { missing, failures });
  const ok = slots.filter(({ status }) => status === 'ok').length;
  const isWorthIt = failures.some(({ retry }) => retry.retryable);
  throw new TaskFailed({
    kind: 'dependencyFailed',
    message: `${name}: join ${policy.type} got ${ok} of ${Math.min(policy.count, slots.length)}`,
    causes: failures,
    partial: output,
    retry: { retryable: isWorthIt },
    dependsOn: slots.map((slot) => ({ id: slot.name, status: slot.status })),
  });
}

function* collecting<TOutput, TResult>(
  collect: Collect<TOutput, TResult>,
  slots: readonly Slot<TOutput>[],
  run: TaskRun,
): Generator<Wait<unknown>, TResult, unknown> {
  const result = collect(slots, run);
  return isGenerator(result) ? yield* result : result;
}

function check(options: FanInOptions<never, unknown>, pattern: string, own: string): void {
  checkOptions(options, [...KEYS, own], pattern);
  checkFunction(`${pattern}.collect`, options.collect);
}
