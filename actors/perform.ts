/**
 * Tasks from code outside agents: an agent is spawned that gives the task away and ends with its
 * outcome. When it is killed, the work ends with it, as with any other that wants a task.
 */
import { fromHandler, type Budget, type System } from '../runtime/index.ts';
import { checkOptions, coreOf } from '../runtime/internal.ts';
import { failureOf, messageOf } from './failure.ts';
import { ACTORS_LIMITS } from './limits.ts';
import { TaskRun, tracedOf } from './run.ts';
import type { Outcome, Performer, Task, TaskSpec } from './task.ts';
import { tracing } from './tracing/trace.ts';

/** How a task is given away from outside. */
export interface PerformRootOptions {
  /** Milliseconds that it may take; default 60,000. */
  readonly deadlineMs?: number;
  /** What it may spend, by name, with all that is given away for it. */
  readonly budget?: Budget;
  /** Cancels the task. */
  readonly signal?: AbortSignal;
  /** The span that it belongs to, as W3C Trace Context says it; default a trace of its own. */
  readonly traceparent?: string;
}

/**
 * Gives a task to a performer: a ref, a name, or a logic, which then lives as long as the task.
 * Resolves with the outcome, whatever becomes of it.
 *
 * @example
 * ```ts
 * const outcome = await perform(system, editor, { goal: 'tidy up', input: { text: ' hello ' } });
 * if (outcome.status === 'done') console.log(outcome.output.text);
 * ```
 *
 * Rejects with `InvalidOption` for an option that it does not know or a value that is not allowed.
 */
export async function perform<TInput, TOutput>(
  system: System,
  performer: Performer<TInput, TOutput>,
  spec: TaskSpec<NoInfer<TInput>> & { readonly goal: string },
  options: PerformRootOptions = {},
): Promise<Outcome<TOutput>> {
  checkOptions(options, ['deadlineMs', 'budget', 'signal', 'traceparent'], 'perform');
  const { deadlineMs = ACTORS_LIMITS.taskMs, budget = {}, signal, traceparent } = options;
  const granted = { calls: ACTORS_LIMITS.callsMax, ...budget };
  let task: Task = { id: '', ...spec };
  const client = fromHandler({
    *afterStart(_: undefined, ctx) {
      const { id = `t${Math.floor(ctx.random() * 2 ** 40).toString(36)}` } = spec;
      task = { ...spec, id };
      // Its own call is beside what the task may make.
      const own = { calls: granted.calls + 1 };
      const trace = tracing()?.client(tracedOf(ctx, 'client', task, traceparent));
      const root = new TaskRun(ctx, task, undefined, { budget: own, trace });
      ctx.stop(
        yield* root.perform(performer, { ...spec, id }, { timeoutMs: deadlineMs, budget: granted }),
      );
    },
    receive: () => undefined,
  });
  const ref = system.spawn(client);
  const stop = (): void => void ref.kill();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    return (await ref.result()) as Outcome<TOutput>;
  } catch (error) {
    const ended = { taskId: task.id, spent: granted };
    if (signal?.aborted === true)
      return { status: 'cancelled', ...ended, reason: messageOf(signal.reason) };
    const resources = { deadlineMs, budget: granted, hops: 0 };
    const site = { task, agent: ref.address, atMs: coreOf(system).clock.now(), resources };
    return { status: 'failed', ...ended, failure: failureOf(error, site) };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
