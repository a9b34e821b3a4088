/**
 * Fan-out without reply: one task to several performers, each for itself. It is done as soon as all
 * of them have it; a branch that fails becomes a dead letter with its failure, never silence.
 */
import { InvalidOption, fromHandler, type AnyRef, type Budget } from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { TaskFailed } from './failure.ts';
import { performer } from './performer.ts';
import { TaskRun, tracedOf } from './run.ts';
import type { AnyPerformer, Performer, PerformerLogic, PerformerRef, Task } from './task.ts';
import { tracing } from './tracing/trace.ts';

/** One branch of a fan-out. */
export interface FanOutBranch<TInput> {
  readonly performer: Performer<TInput, unknown>;
  /** Milliseconds that it may take; default what the task has left. */
  readonly timeoutMs?: number;
  /** What must have happened before; not another branch, for nobody waits for it. */
  readonly dependsOn?: readonly string[];
}

/** One branch on its way. */
interface Deliver {
  readonly type: 'deliver';
  readonly branch: string;
  readonly task: Task;
  readonly to: PerformerRef<unknown, unknown>;
  readonly budget: Budget;
  /** The clock's monotonic milliseconds. */
  readonly deadlineMs: number;
  readonly traceparent: string | undefined;
}

/** Works on one branch, and crashes on its message when that fails: so it gets to the dead letters. */
const delivery = fromHandler({
  *receive(_: undefined, { branch, task, to, budget, deadlineMs, traceparent }: Deliver, ctx) {
    const trace = tracing()?.client(tracedOf(ctx, 'delivery', task, traceparent));
    const run = new TaskRun(ctx, task, undefined, { deadlineMs, trace });
    const outcome = yield* run.perform(to, { input: task.input }, { budget });
    if (outcome.status === 'failed') {
      const { kind, message } = outcome.failure;
      const parts = { kind, message: `branch "${branch}": ${message}`, step: branch };
      throw new TaskFailed({ ...parts, causes: [outcome.failure] });
    }
    ctx.stop();
  },
});

/** Outlives the run that sends the branches off. */
const courier = fromHandler({
  receive(_: undefined, event: Deliver, ctx) {
    ctx.send(ctx.spawn(delivery), event);
  },
});

/**
 * A performer that hands its task to every branch and waits for none. Its output is their names. The
 * branches share the task's deadline and, in equal parts, its budget, which counts as spent.
 *
 * @example
 * ```ts
 * const announce = fanOut('announce', { feed: { performer: editor }, mail: { performer: editor } });
 * await perform(system, announce, { goal: 'announce it', input: { text: 'out now' } });
 * system.deadLetters.watch((letter) => console.log(letter.error));
 * ```
 *
 * Throws `InvalidOption`, also for a branch that depends on a sibling.
 */
export function fanOut<TInput>(
  name: string,
  branches: Readonly<Record<string, FanOutBranch<TInput>>>,
): PerformerLogic<TInput, readonly string[]> {
  const names = Object.keys(branches);
  const team: Record<string, AnyPerformer> = { courier };
  for (const [id, branch] of Object.entries(branches)) {
    const field = `fanOut.${id}`;
    checkOptions(branch, ['performer', 'timeoutMs', 'dependsOn'], field);
    const sibling = branch.dependsOn?.find((each) => names.includes(each));
    if (sibling !== undefined) {
      const allowed = 'no branch of the same fan-out: nobody waits for it; use a pipeline';
      throw new InvalidOption({ field: `${field}.dependsOn`, given: sibling, allowed });
    }
    team[`to-${id}`] = branch.performer as AnyPerformer;
  }
  return performer(
    name,
    (task: Task<TInput>, run) => {
      const members = run.team as Readonly<Record<string, AnyRef>>;
      const share = run.share(names.length);
      for (const id of names) {
        const deadlineMs =
          run.now() + Math.min(branches[id]!.timeoutMs ?? Infinity, run.remainingMs);
        const to = members[`to-${id}`] as Deliver['to'];
        const own: Task = { ...task, id: `${task.id}.${id}` };
        const budget = run.grant(share);
        const way = { to, budget, deadlineMs, traceparent: run.traceparent };
        const event: Deliver = { type: 'deliver', branch: id, task: own, ...way };
        run.ctx.send(members['courier'] as PerformerRef<never, never> as never, event as never);
      }
      return names as readonly string[];
    },
    { team },
  );
}
