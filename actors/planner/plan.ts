/**
 * Plans: what is to be done, in which order, by which capability, with what; as plain data.
 */
import { digestOf } from '../digest.ts';
import type { FailureKind } from '../failure.ts';
import { stepsIn, type Binding } from './binding.ts';
import type { JsonShape } from './json-shape.ts';
import type { PlanRung } from './ladder.ts';

/** One task of a plan. */
export interface PlanStep {
  readonly id: string;
  /** What kind of agent does it: a name of the registry. */
  readonly capability: string;
  /** Where its input comes from; default no input. The steps that it takes from come first. */
  readonly input?: Binding;
  /** Further steps that must be done before. */
  readonly needs?: readonly string[];
  /** Milliseconds of each attempt; default an equal part of what is left for it and the longest way after it. */
  readonly timeoutMs?: number;
  /** What its output must be, beyond what the capability says. */
  readonly accept?: JsonShape;
  /** What stands in for its output when the ladder comes to `degrade`. */
  readonly fallback?: Binding;
  /** It is not done at all: the fallback stands in at once. */
  readonly skip?: boolean;
  /** In place of the plan's. */
  readonly ladder?: readonly PlanRung[];
  /** Kinds of failure of this step that ask for another plan at once. */
  readonly replanOn?: readonly FailureKind[];
}

/** When another plan is asked for. Whatever is left out never asks. */
export interface ReplanTriggers {
  /** So many failed steps since the last plan, of any kind (`any`) or of one. */
  readonly failures?: Readonly<Partial<Record<FailureKind | 'any', number>>>;
  /** So many percent of the steps failed, or need one that did. */
  readonly blockedPercent?: number;
  /** So many milliseconds in which no step was done. */
  readonly stallMs?: number;
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  /** What the whole gives; default the outputs of the steps that no other needs, by id. */
  readonly output?: Binding;
  /** Default: once more, then another worker, then the fallback. */
  readonly ladder?: readonly PlanRung[];
  /** Default: one failed step. */
  readonly replan?: ReplanTriggers;
}

/** The steps that must be done before a step. */
export function dependenciesOf({ input, needs = [] }: PlanStep): readonly string[] {
  return [...new Set([...(input === undefined ? [] : stepsIn(input)), ...needs])];
}

/** The steps that cannot be done without a step, near or far, in the order of the plan. */
export function dependentsOf({ steps }: Plan, id: string): readonly string[] {
  const without = new Set([id]);
  for (let before = 0; before < without.size;) {
    before = without.size;
    for (const step of steps)
      if (dependenciesOf(step).some((each) => without.has(each))) without.add(step.id);
  }
  return steps.flatMap((step) => (step.id !== id && without.has(step.id) ? [step.id] : []));
}

/** What the whole gives, when these steps are done: in a part of a plan, the last of those that are. */
export function outputOf({ steps, output }: Plan, isDone: (id: string) => boolean): Binding {
  if (output !== undefined) return output;
  const done = steps.filter(({ id }) => isDone(id));
  const taken = new Set(done.flatMap(dependenciesOf));
  const last = done.filter(({ id }) => !taken.has(id));
  const fields = last.map(({ id }) => [id, { from: 'step', step: id } satisfies Binding]);
  return { from: 'fields', fields: Object.fromEntries(fields) as Record<string, Binding> };
}

/** How many steps the longest way from each step to an end of the plan has, itself among them. */
export function waysOf({ steps }: Plan): ReadonlyMap<string, number> {
  const ways = new Map<string, number>();
  const way = (id: string): number => {
    const known = ways.get(id);
    if (known !== undefined) return known;
    const after = steps.filter((step) => dependenciesOf(step).includes(id));
    const longest = 1 + Math.max(0, ...after.map((step) => way(step.id)));
    ways.set(id, longest);
    return longest;
  };
  for (const { id } of steps) way(id);
  return ways;
}

/** The same for two plans that do the same, whatever their steps are called. For plans without a cycle. */
export function fingerprintOf(plan: Plan): string {
  const known = new Map<string, string>();
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  const anonymous = (binding: Binding | undefined): unknown => {
    if (binding?.from === 'step') return { ...binding, step: fingerprint(binding.step) };
    if (binding?.from !== 'fields') return binding;
    return Object.entries(binding.fields)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, part]) => [name, anonymous(part)]);
  };
  const fingerprint = (id: string): string => {
    let print = known.get(id);
    const step = steps.get(id);
    if (print !== undefined || step === undefined) return print ?? '';
    const { capability, input, timeoutMs, accept, fallback, skip, ladder } = step;
    const needs = dependenciesOf(step).map(fingerprint).sort();
    const stands = fallback === undefined ? undefined : digestOf(fallback);
    print = digestOf([
      capability,
      anonymous(input),
      needs,
      timeoutMs,
      accept,
      stands,
      skip,
      ladder,
    ]);
    known.set(id, print);
    return print;
  };
  const all = plan.steps.map(({ id }) => fingerprint(id)).sort();
  return digestOf([all, anonymous(plan.output)]);
}
