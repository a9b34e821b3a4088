/**
 * The ladder: what is tried after a failure, rung by rung, as declared. Pure.
 *
 * A rung that cannot help is left out: a retry of what is not worth one, and whatever sends the same
 * input again when that input is the trouble.
 */
import { InvalidOption } from '../../runtime/index.ts';
import type { Attempt } from '../board.ts';
import type { Failure, FailureKind } from '../failure.ts';
import type { Performer } from '../task.ts';

/** What goes to whom a task is escalated. */
export interface Escalation<TInput> {
  readonly input: TInput;
  /** All attempts, in order, with their failures. */
  readonly attempts: readonly Attempt[];
}

/** One thing to try; see {@link rung}. */
export type Rung<TInput, TOutput> =
  | { readonly type: 'retry' | 'reassign'; readonly times: number }
  | { readonly type: 'strategy'; readonly name: string }
  | {
      readonly type: 'degrade';
      readonly to: (input: TInput, attempts: readonly Attempt[]) => TOutput;
    }
  | { readonly type: 'escalate'; readonly to: Performer<Escalation<TInput>, TOutput> };

/** The rungs of a ladder. */
export const rung = {
  /** The same again: by the same worker, or by another one when the worker itself was the trouble. */
  retry: (times = 1) => ({ type: 'retry', times: atLeastOne('retry', times) }) as const,
  /** Another way, told to the worker by its name: see `assignmentOf`. */
  strategy: (name: string) => ({ type: 'strategy', name }) as const,
  /** Another worker, one that has not tried yet, which begins with its own way again. */
  reassign: (times = 1) => ({ type: 'reassign', times: atLeastOne('reassign', times) }) as const,
  /** Less than what was wanted; the outcome is `partial`. */
  degrade: <TInput, TOutput>(to: (input: TInput, attempts: readonly Attempt[]) => TOutput) =>
    ({ type: 'degrade', to }) as const,
  /** Somebody who can do more, a person or another team, with all that was tried. */
  escalate: <TInput, TOutput>(to: Performer<Escalation<TInput>, TOutput>) =>
    ({ type: 'escalate', to }) as const,
};

/** A rung as it is taken, once. */
export type LadderStep<TInput, TOutput> =
  { readonly type: 'first' | 'giveUp' } | Rung<TInput, TOutput>;

/** Neither another way nor another worker helps against these. */
const FINAL: readonly FailureKind[] = [
  'budgetExceeded',
  'hopLimit',
  'guardDenied',
  'approvalRejected',
  'approvalExpired',
  'cancelled',
];

/** All steps in their order: the first attempt, each rung as often as it says, and the end. */
export function stepsOf<TInput, TOutput>(
  ladder: readonly Rung<TInput, TOutput>[],
): readonly LadderStep<TInput, TOutput>[] {
  const rungs = ladder.flatMap((each): Rung<TInput, TOutput>[] =>
    'times' in each ? Array.from({ length: each.times }, () => each) : [each],
  );
  return [{ type: 'first' }, ...rungs, { type: 'giveUp' }];
}

/** The step to take now, by its index: the first that can help after the last failure. */
export function nextStep(
  steps: readonly { readonly type: LadderStep<never, unknown>['type'] }[],
  attempts: readonly Attempt[],
): number {
  const failed = attempts.filter(({ failure }) => failure !== undefined);
  const last = failed.at(-1);
  if (last?.failure === undefined) return 0;
  for (let index = (last.step ?? 0) + 1; index < steps.length; index += 1)
    if (canHelp(steps[index]!.type, last.failure)) return index;
  return steps.length - 1;
}

/** Whether a rung can help against a failure. */
export function canHelp(
  type: LadderStep<never, unknown>['type'],
  { kind, retry }: Failure,
): boolean {
  if (type === 'degrade' || type === 'escalate' || type === 'giveUp') return true;
  if (retry.sameInputWillFail || FINAL.includes(kind)) return false;
  return type !== 'retry' || retry.retryable;
}

/** Whether a step gives the task to a worker. */
export function isAttempt({
  type,
}: {
  readonly type: LadderStep<never, unknown>['type'];
}): boolean {
  return type !== 'degrade' && type !== 'escalate' && type !== 'giveUp';
}

function atLeastOne(field: string, given: number): number {
  if (Number.isInteger(given) && given >= 1) return given;
  throw new InvalidOption({ field: `rung.${field}`, given, allowed: 'an integer >= 1' });
}
