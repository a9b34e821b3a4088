/**
 * A change to a plan: what a planner answers. Pure: the plan that comes of it, and what is wrong with it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Budget } from '../../runtime/index.ts';
import type { Registry } from '../registry.ts';
import { stepsIn, type Binding } from './binding.ts';
import { schemaOf } from './json-shape.ts';
import type { Plan, PlanStep } from './plan.ts';
import { PLAN_DIFF_SHAPE } from './plan-shape.ts';

export interface PlanDiff {
  /** Why, in a sentence. */
  readonly reason: string;
  /** Steps that stay as they are. So do all that are not named; what is done stays done. */
  readonly keep?: readonly string[];
  /** Steps to take out. */
  readonly cancel?: readonly string[];
  /** Steps to do otherwise, under their ids. */
  readonly replace?: readonly PlanStep[];
  readonly add?: readonly PlanStep[];
  /** What a step needs from now on, besides the steps that it takes from, by its id. */
  readonly reorder?: Readonly<Record<string, readonly string[]>>;
  /** What stands in for the output of a step, which is not done then, by its id. */
  readonly fallback?: Readonly<Record<string, Binding>>;
  /** Why nothing more can be done: the task ends with what there is. */
  readonly giveUp?: string;
}

/** The schema of a change to a plan: the `output` of a model agent that plans. */
export const planDiff: StandardSchemaV1<unknown, PlanDiff> = schemaOf<PlanDiff>(PLAN_DIFF_SHAPE);

/** The plan as changed. */
export function applyDiff(plan: Plan, diff: PlanDiff): Plan {
  const { cancel = [], replace = [], add = [], reorder = {}, fallback = {} } = diff;
  const kept = plan.steps.flatMap((step): PlanStep[] => {
    const { id, capability } = step;
    if (cancel.includes(id)) return [];
    const instead = fallback[id];
    if (instead !== undefined)
      return [{ id, capability, needs: stepsIn(instead), fallback: instead, skip: true }];
    const next = replace.find((each) => each.id === id) ?? step;
    const needs = reorder[id];
    return [needs === undefined ? next : { ...next, needs }];
  });
  return { ...plan, steps: [...kept, ...add] };
}

/** Where a change names steps that are not there, or says two things of one. */
export function diffProblems({ steps }: Plan, diff: PlanDiff): readonly string[] {
  const { keep = [], cancel = [], replace = [], reorder = {}, fallback = {} } = diff;
  const ids = steps.map(({ id }) => id);
  const there = `there are: ${ids.join(', ') || 'none'}`;
  const said = {
    keep,
    cancel,
    replace: replace.map(({ id }) => id),
    fallback: Object.keys(fallback),
  };
  const problems: string[] = [];
  const saidOf = new Map<string, string>();
  for (const [what, named] of Object.entries({ ...said, reorder: Object.keys(reorder) })) {
    for (const id of named) {
      if (!ids.includes(id)) problems.push(`${what}: there is no step "${id}"; ${there}`);
      if (what === 'reorder') continue;
      const before = saidOf.get(id);
      if (before !== undefined) problems.push(`step "${id}": ${before} and ${what} at once`);
      saidOf.set(id, what);
    }
  }
  return problems;
}

/** What the steps that are not done are expected to cost and is not there. */
export function costProblems(
  plan: Plan,
  isDone: (id: string) => boolean,
  registry: Registry,
  left: Budget,
): readonly string[] {
  const total: Record<string, number> = {};
  for (const { id, capability, skip = false } of plan.steps) {
    if (skip || isDone(id)) continue;
    const [first] = Object.values(registry.find(capability).workers);
    for (const [name, amount] of Object.entries(first?.cost ?? {}))
      total[name] = (total[name] ?? 0) + amount;
  }
  return Object.entries(total)
    .filter(([name, amount]) => amount > (left[name] ?? Infinity))
    .map(([name, amount]) => `the plan costs ${amount} ${name}; there are ${left[name]} left`);
}
