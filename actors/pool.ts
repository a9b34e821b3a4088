/**
 * A pool of ephemeral agents: each task gets a fresh agent, with its whole team, and the agent is
 * gone when the task is settled. So nothing is shared between two tasks but what is given to both.
 */
import { TaskFailed } from './failure.ts';
import { ACTORS_LIMITS } from './limits.ts';
import { performer } from './performer.ts';
import type { PartialResult, TaskRun } from './run.ts';
import type { Outcome, PerformerLogic, Task } from './task.ts';

/** How much of it there is. */
export interface PoolOptions {
  /** Agents at a time; default 8. */
  readonly size?: number;
  /** Tasks that wait for their turn; default 1,000. One more is refused as `unavailable`, worth another try. */
  readonly queueMax?: number;
}

/**
 * Makes a performer that spawns an agent of the logic for each task. The agent gets the task as it
 * is, with goal, input and context, and what is left of deadline and budget; its outcome is that of
 * the pool, one hop further down. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * const editors = pool('editors', editor, { size: 4, queueMax: 100 });
 * const task = { goal: 'tidy up', input: { text: ' hello ' } };
 * const outcome = await perform(system, editors, task);
 * ```
 */
export function pool<TInput, TOutput>(
  name: string,
  agent: PerformerLogic<TInput, TOutput>,
  {
    size: concurrency = ACTORS_LIMITS.concurrency,
    queueMax = ACTORS_LIMITS.poolQueueMax,
  }: PoolOptions = {},
): PerformerLogic<TInput, TOutput> {
  return performer(
    name,
    function* ({ id, goal, input, context }: Task<TInput>, run) {
      const task = { id, goal, input, ...(context !== undefined && { context }) };
      return resultOf(run, yield* run.perform<TInput, TOutput>(agent, task));
    },
    { concurrency, queueMax },
  );
}

/** What the agent came to, as the result of the pool's own work. */
function resultOf<TOutput>(
  run: TaskRun,
  outcome: Outcome<TOutput>,
): TOutput | PartialResult<TOutput> {
  switch (outcome.status) {
    case 'done':
      return outcome.output;
    case 'partial':
      return run.partial(outcome.output, outcome);
    case 'cancelled':
      throw new TaskFailed({ kind: 'cancelled', message: outcome.reason });
    case 'failed': {
      const { kind, message, retry, effect, causes, partial, blocked, dependsOn } = outcome.failure;
      const { code, step } = outcome.failure;
      throw new TaskFailed({
        kind,
        message,
        retry,
        effect,
        causes,
        partial,
        blocked,
        dependsOn,
        ...(code !== undefined && { code }),
        ...(step !== undefined && { step }),
      });
    }
  }
}
