/**
 * The replanner of one task: asks the planner for a change to the plan, refuses what is known to be
 * no use, and has a budget of its own, which every attempt is charged to.
 */
import { type Wait } from '../../runtime/index.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed, type Failure } from '../failure.ts';
import { ACTORS_LIMITS, marginOf } from '../limits.ts';
import type { CapabilityNote, Registry } from '../registry.ts';
import type { TaskRun } from '../run.ts';
import type { Performer } from '../task.ts';
import type { Execution, StepStatus } from './execution.ts';
import { misfitsOf } from './json-shape.ts';
import { planProblems } from './plan-check.ts';
import { applyDiff, costProblems, diffProblems, type PlanDiff } from './plan-diff.ts';
import { PLAN_DIFF_SHAPE } from './plan-shape.ts';
import { fingerprintOf, type Plan } from './plan.ts';

/** What a planner is asked: all that it needs, as plain data. */
export interface ReplanRequest {
  readonly goal: string;
  readonly input: unknown;
  /** The context of the task: what must hold besides. */
  readonly constraints: Readonly<Record<string, unknown>>;
  /** Why another plan is wanted. */
  readonly why: string;
  /** The plan so far; without steps when there is none yet. */
  readonly plan: Plan;
  /** How far each step is. An output is shown in part; a binding to its step takes all of it. */
  readonly progress: readonly {
    readonly step: string;
    readonly status: StepStatus;
    readonly digest?: string;
    readonly preview?: string;
  }[];
  readonly failures: readonly Failure[];
  readonly capabilities: readonly CapabilityNote[];
  readonly left: {
    readonly timeMs: number;
    readonly budget: Readonly<Record<string, number>>;
    /** How often the planner can still be asked after this. */
    readonly replans: number;
  };
  /** The fingerprints of the plans so far. */
  readonly fingerprints: readonly string[];
  /** What was wrong with the answer before. */
  readonly refused: readonly string[];
}

/** How asking ended: another plan, or why there is none. */
export type Replanned = { readonly plan: Plan } | { readonly ended: TaskFailed };

export class Replanner {
  readonly #run: TaskRun;
  readonly #planner: Performer<ReplanRequest, PlanDiff>;
  readonly #registry: Registry;
  readonly #timeoutMs: number;
  readonly #max: number;
  readonly #fingerprints: string[] = [];
  #left: number;

  constructor(
    run: TaskRun,
    planner: Performer<ReplanRequest, PlanDiff>,
    registry: Registry,
    options: { readonly max: number; readonly timeoutMs: number },
  ) {
    this.#run = run;
    this.#planner = planner;
    this.#registry = registry;
    this.#timeoutMs = options.timeoutMs;
    this.#max = options.max;
    this.#left = options.max;
  }

  /** Takes note of a plan, which it does not take again. */
  note(plan: Plan): void {
    this.#fingerprints.push(fingerprintOf(plan));
  }

  /** Asks until there is a plan that is of use, the planner gives up, or the budget is used up. */
  *ask(
    execution: Execution,
    why: string,
    failures: readonly Failure[],
  ): Generator<Wait<unknown>, Replanned, unknown> {
    const run = this.#run;
    let refused: readonly string[] = [];
    while (this.#left > 0) {
      // Charged before, so that a planner that fails, or is cut off, costs what an answer costs.
      this.#left -= 1;
      run.decide('ask for another plan', why, { left: this.#left, failures });
      const input = this.#requestFor(execution, why, failures, refused);
      const leftMs = Math.max(0, run.remainingMs - marginOf(run.remainingMs));
      const timeoutMs = Math.min(this.#timeoutMs, leftMs / (this.#left + 2));
      const budget = run.share(this.#left + 2);
      const outcome = yield* run.perform(this.#planner, { input }, { timeoutMs, budget });
      if (outcome.status !== 'done') {
        refused = [
          outcome.status === 'failed'
            ? `the planner failed: ${outcome.failure.kind}: ${outcome.failure.message}`
            : `the planner's answer is ${outcome.status}`,
        ];
        run.decide('go on without an answer', refused[0]!);
        continue;
      }
      const diff = outcome.output;
      if (typeof diff?.giveUp === 'string') {
        const message = `the planner gives up: ${diff.giveUp}`;
        return { ended: new TaskFailed({ kind: 'dependencyFailed', message }) };
      }
      const checked = this.#check(diff, execution);
      if ('plan' in checked) {
        run.decide('take another plan', diff.reason, { plan: checked.plan });
        this.note(checked.plan);
        return checked;
      }
      refused = checked.problems;
      run.decide('refuse a plan', refused.join('; '));
    }
    const last = refused.length === 0 ? '' : `; the last answer was refused: ${refused.join('; ')}`;
    const message = `replanning: ${this.#max} of ${this.#max} attempts are used${last}`;
    return { ended: new TaskFailed({ kind: 'budgetExceeded', message }) };
  }

  #check(
    diff: PlanDiff,
    execution: Execution,
  ): { readonly plan: Plan } | { readonly problems: readonly string[] } {
    const misfits = misfitsOf(PLAN_DIFF_SHAPE, diff);
    if (misfits.length > 0)
      return { problems: misfits.map(({ path, message }) => `${path.join('.')}: ${message}`) };
    const named = diffProblems(execution.plan, diff);
    if (named.length > 0) return { problems: named };
    const plan = applyDiff(execution.plan, diff);
    const { input } = this.#run.task;
    const wrong = planProblems(plan, this.#registry, { input }).map(({ message }) => message);
    if (wrong.length > 0) return { problems: wrong };
    if (this.#fingerprints.includes(fingerprintOf(plan)))
      return { problems: ['this plan was there before; nothing in it is new'] };
    const repeats = execution
      .repeatsOf(plan)
      .map(
        ([{ id }, { kind, message }]) =>
          `step "${id}" repeats what fails again: ${kind}: ${message}`,
      );
    const isDone = (id: string): boolean => execution.statusOf(id) === 'done';
    const costs = costProblems(plan, isDone, this.#registry, this.#run.left);
    const problems = [...repeats, ...costs];
    return problems.length === 0 ? { plan } : { problems };
  }

  #requestFor(
    execution: Execution,
    why: string,
    failures: readonly Failure[],
    refused: readonly string[],
  ): ReplanRequest {
    const { goal, input, context = {} } = this.#run.task;
    const { outputs } = execution.scope;
    return {
      goal,
      input,
      constraints: context,
      why,
      plan: execution.plan,
      progress: execution.plan.steps.map(({ id }) => {
        const status = execution.statusOf(id);
        if (!outputs.has(id)) return { step: id, status };
        const output = outputs.get(id);
        const preview = (JSON.stringify(output) ?? '').slice(0, ACTORS_LIMITS.previewCharsMax);
        return { step: id, status, digest: digestOf(output), preview };
      }),
      failures: failures.slice(-ACTORS_LIMITS.causesMax),
      capabilities: this.#registry.toJSON(),
      left: { timeMs: this.#run.remainingMs, budget: this.#run.left, replans: this.#left },
      fingerprints: [...this.#fingerprints],
      refused,
    };
  }
}
