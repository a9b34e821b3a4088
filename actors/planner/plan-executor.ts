/**
 * Planner and executor: a performer that does its task by a plan, and has the plan changed when it
 * does not work out. The planner thinks, the executor does; neither does the other's part.
 *
 *     plan -> execute -> done
 *       ^        \ a step's ladder has ended -> trigger -> planner
 *       \________________________________________/   \ gives up, or was asked too often: partial
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, type Wait } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { TaskFailed, type Failure } from '../failure.ts';
import { ACTORS_LIMITS, marginOf } from '../limits.ts';
import { performer } from '../performer.ts';
import type { Registry } from '../registry.ts';
import type { PartialResult, TaskRun } from '../run.ts';
import { fit } from '../schema.ts';
import type { AnyPerformer, Performer, PerformerLogic, Step, Task } from '../task.ts';
import { resolve } from './binding.ts';
import { Execution } from './execution.ts';
import { checkPlan } from './plan-check.ts';
import type { PlanDiff } from './plan-diff.ts';
import { outputOf, type Plan } from './plan.ts';
import { ReplanTrigger } from './replan-trigger.ts';
import { Replanner, type ReplanRequest } from './replanner.ts';

/** Where the results of steps are kept, so that a task that is begun again does only what is not done. */
export interface StepJournal {
  /** The steps of earlier runs of the task. */
  read(task: Task): readonly Step[];
  append(task: Task, step: Step): void;
}

export interface PlanExecutorOptions<TInput, TOutput> {
  readonly registry: Registry;
  /** Default: the planner makes the first one too. */
  readonly plan?: Plan;
  /** Who changes the plan; default nobody: then what the plan's ladders cannot mend is missing. */
  readonly planner?: Performer<ReplanRequest, PlanDiff>;
  /** Times that the planner is asked for a change, whatever comes of it; default 3. */
  readonly replansMax?: number;
  /** Milliseconds of one answer of the planner; default, and at most: its part of what is left. */
  readonly plannerTimeoutMs?: number;
  /** Steps of a task that run at a time; default 8. */
  readonly concurrency?: number;
  /** What the input of a task must be. */
  readonly input?: StandardSchemaV1<unknown, TInput>;
  /** What the output of a plan that was done must be. */
  readonly output?: StandardSchemaV1<unknown, TOutput>;
  /** Default: a task that is begun again begins anew. */
  readonly journal?: StepJournal;
}

const KEYS = [
  'registry',
  'plan',
  'planner',
  'replansMax',
  'plannerTimeoutMs',
  'concurrency',
  'input',
  'output',
  'journal',
];

type Members = Readonly<Record<string, Performer<unknown, unknown>>>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/**
 * Makes the logic of a performer that works by a plan. Its outcome is `done` when all steps are,
 * `partial` when some are, with what is missing and why, and `failed` when none is.
 *
 * @example
 * ```ts
 * const skills = registry({
 *   edit: capability({ description: 'tidies a text up', workers: { ada: { performer: editor } } }),
 * });
 * const plan = planFor<{ text: string }>()(skills)
 *   .step('first', 'edit', (from) => from.task())
 *   .step('second', 'edit', (from) => from.step('first'))
 *   .build();
 * const desk = planExecutor<{ text: string }>('desk', { registry: skills, plan });
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: { text: ' hello ' } });
 * ```
 *
 * Throws `InvalidOption`, and `TaskFailed` for a plan that cannot be executed.
 */
export function planExecutor<TInput = unknown, TOutput = unknown>(
  name: string,
  options: PlanExecutorOptions<TInput, TOutput>,
): PerformerLogic<TInput, TOutput> {
  checkOptions(options, KEYS, 'planExecutor');
  const { registry, plan, planner, input } = options;
  for (const key of ['replansMax', 'concurrency'] as const) {
    const given = options[key] ?? 1;
    const least = key === 'concurrency' ? 1 : 0;
    if (Number.isInteger(given) && given >= least) continue;
    const allowed = `an integer >= ${least}`;
    throw new InvalidOption({ field: `planExecutor.${key}`, given, allowed });
  }
  if (plan === undefined && planner === undefined)
    throw new InvalidOption({
      field: 'planExecutor',
      given: 'neither',
      allowed: 'plan or planner',
    });
  if (plan !== undefined) checkPlan(plan, registry);
  const team = { ...registry.team, ...(planner && { planner: planner as AnyPerformer }) };
  return performer<TInput, TOutput, Members>(
    name,
    (_, run) => new Work(run as TaskRun<Members>, options).toItsEnd(),
    { team: team as Members, ...(input && { input }) },
  );
}

/** The work at one task. */
class Work<TInput, TOutput> {
  readonly #run: TaskRun<Members>;
  readonly #options: PlanExecutorOptions<TInput, TOutput>;
  readonly #execution: Execution;
  readonly #replanner: Replanner | undefined;
  readonly #failures: Failure[] = [];
  #trigger: ReplanTrigger;
  #stall: Wait<void> | undefined;
  /** Why there is no other plan any more. */
  #ended: TaskFailed | undefined;

  constructor(run: TaskRun<Members>, options: PlanExecutorOptions<TInput, TOutput>) {
    const { registry, plan, planner, journal, concurrency = ACTORS_LIMITS.concurrency } = options;
    const { replansMax = ACTORS_LIMITS.replansMax, plannerTimeoutMs = Infinity } = options;
    this.#run = run;
    this.#options = options;
    this.#trigger = new ReplanTrigger(plan?.replan, run.now());
    this.#execution = new Execution(run, registry, journal?.read(run.task) ?? [], {
      concurrency,
      keepsReserve: planner !== undefined,
      onStep: (step) => {
        run.record(step);
        journal?.append(run.task, step);
        if (step.outcome.status !== 'failed') this.#trigger.progressed(run.now());
      },
      onFailure: (failure, step) => {
        this.#failures.push(failure);
        this.#trigger.failed(failure, step);
      },
    });
    if (planner === undefined) return;
    const member = run.team['planner'] as Performer<ReplanRequest, PlanDiff>;
    // The first plan is none of the changes.
    const max = replansMax + (plan === undefined ? 1 : 0);
    this.#replanner = new Replanner(run, member, registry, { max, timeoutMs: plannerTimeoutMs });
  }

  *toItsEnd(): Waits<TOutput | PartialResult<TOutput>> {
    const run = this.#run;
    const execution = this.#execution;
    const { plan, registry } = this.#options;
    if (plan === undefined) yield* this.#replan('there is no plan yet');
    else this.#adopt(checkPlan(plan, registry, { input: run.task.input }));
    const { remainingMs } = run;
    const inTimeMs = remainingMs - marginOf(remainingMs);
    const bells = inTimeMs < Infinity ? [run.sleep(Math.max(0, inTimeMs))] : [];
    while (bells.every(({ settled }) => !settled)) {
      execution.startReady();
      if (execution.isComplete) break;
      const why = this.#trigger.fires(run.now(), execution.blockedPercent);
      if (why !== undefined && this.#replanner !== undefined && this.#ended === undefined) {
        yield* this.#replan(why);
        continue;
      }
      if (execution.isStuck) break;
      yield* execution.next([...bells, ...this.#stallBell()]);
    }
    execution.end();
    return this.#result();
  }

  *#replan(why: string): Waits<void> {
    const replanned = yield* this.#replanner!.ask(this.#execution, why, this.#failures);
    // What stood still while the planner thought has not stalled; what was charged stays charged.
    this.#trigger.reset(this.#run.now());
    if ('plan' in replanned) return this.#execution.adopt(replanned.plan);
    this.#run.decide('go on without another plan', replanned.ended.message);
    this.#ended = replanned.ended;
  }

  #adopt(plan: Plan): void {
    this.#execution.adopt(plan);
    this.#replanner?.note(plan);
  }

  /** Rings when nothing has been done for too long; one that rang for nothing is wound up again. */
  #stallBell(): readonly Wait<void>[] {
    const inMs = this.#trigger.stallsInMs(this.#run.now());
    if (inMs === Infinity || this.#replanner === undefined || this.#ended !== undefined) return [];
    if (this.#stall === undefined || this.#stall.settled) this.#stall = this.#run.sleep(inMs);
    return [this.#stall];
  }

  #result(): TOutput | PartialResult<TOutput> {
    const { plan, scope, gaps } = this.#execution;
    const output = resolve(
      outputOf(plan, (id) => scope.outputs.has(id)),
      scope,
    );
    const ended = this.#ended && this.#run.failureOf(this.#ended);
    const failures = [...gaps.failures, ...(ended === undefined ? [] : [ended])];
    const isNothing = scope.outputs.size === 0;
    if (isNothing) {
      const why = [...failures].reverse().map(({ message }) => message);
      throw new TaskFailed({
        kind: 'dependencyFailed',
        message: `the plan: nothing was done: ${why.join('; ') || 'it has no steps'}`,
        causes: failures,
        blocked: gaps.missing,
        retry: { retryable: failures.some(({ retry }) => retry.retryable) },
      });
    }
    if (gaps.missing.length === 0)
      return fit(this.#options.output, output, 'output of the plan', 'invalidOutput');
    return this.#run.partial(output as TOutput, { missing: gaps.missing, failures });
  }
}
