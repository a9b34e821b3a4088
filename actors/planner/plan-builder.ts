/**
 * The typed way to a plan: capabilities, steps and inputs are checked by the compiler; what comes of
 * it is the same plain data as from JSON.
 */
import type { Capabilities, Capability, Registry } from '../registry.ts';
import type { Binding } from './binding.ts';
import { checkPlan } from './plan-check.ts';
import type { Plan, PlanStep } from './plan.ts';

type InputOf<T> = T extends Capability<infer TInput, infer _> ? TInput : never;
type OutputOf<T> = T extends Capability<infer _, infer TOutput> ? TOutput : never;

/** What an input can be bound to, with types. */
export interface Source<TTask, TSteps> {
  literal<TValue>(value: TValue): Binding<TValue>;
  task(): Binding<TTask>;
  task<TKey extends keyof TTask & string>(key: TKey): Binding<TTask[TKey]>;
  /** What a step before gives, or one field of it. */
  step<TId extends keyof TSteps & string>(id: TId): Binding<TSteps[TId]>;
  step<TId extends keyof TSteps & string, TKey extends keyof TSteps[TId] & string>(
    id: TId,
    key: TKey,
  ): Binding<TSteps[TId][TKey]>;
  fields<TFields extends Readonly<Record<string, Binding>>>(
    fields: TFields,
  ): Binding<{ [K in keyof TFields]: TFields[K] extends Binding<infer TValue> ? TValue : never }>;
}

const source: Source<Record<string, unknown>, Record<string, Record<string, unknown>>> = {
  literal: (value) => ({ from: 'literal', value }),
  task: (path?: string): Binding<never> => ({
    from: 'task',
    ...(path !== undefined && { path }),
  }),
  step: (step: string, path?: string): Binding<never> => ({
    from: 'step',
    step,
    ...(path !== undefined && { path }),
  }),
  fields: (fields) => ({ from: 'fields', fields }),
};

/** What a step can be told besides its input. */
export interface StepOptions<TTask, TSteps, TOutput> extends Omit<
  PlanStep,
  'id' | 'capability' | 'input' | 'needs' | 'fallback'
> {
  readonly needs?: readonly (keyof TSteps & string)[];
  readonly fallback?: (from: Source<TTask, TSteps>) => Binding<TOutput>;
}

/** A plan as it is put together. Make one with {@link planFor}. */
export class PlanBuilder<TCapabilities extends Capabilities, TTask, TSteps> {
  readonly #registry: Registry<TCapabilities>;
  readonly #steps: readonly PlanStep[];

  /** @internal */
  constructor(registry: Registry<TCapabilities>, steps: readonly PlanStep[]) {
    this.#registry = registry;
    this.#steps = steps;
  }

  /** The plan with one more step. */
  step<TId extends string, TName extends keyof TCapabilities & string>(
    id: TId,
    capability: TName,
    input: (from: Source<TTask, TSteps>) => Binding<InputOf<TCapabilities[TName]>>,
    options: StepOptions<TTask, TSteps, OutputOf<TCapabilities[TName]>> = {},
  ): PlanBuilder<
    TCapabilities,
    TTask,
    TSteps & { readonly [K in TId]: OutputOf<TCapabilities[TName]> }
  > {
    const from = source as Source<TTask, TSteps>;
    const { fallback, ...rest } = options;
    const step: PlanStep = {
      id,
      capability,
      input: input(from),
      ...rest,
      ...(fallback !== undefined && { fallback: fallback(from) }),
    };
    return new PlanBuilder(this.#registry, [...this.#steps, step]);
  }

  /** The plan. Throws `TaskFailed` as {@link checkPlan}. */
  build(
    options: Omit<Plan, 'steps' | 'output'> & {
      readonly output?: (from: Source<TTask, TSteps>) => Binding;
    } = {},
  ): Plan {
    const { output, ...rest } = options;
    const from = source as Source<TTask, TSteps>;
    const plan = { steps: this.#steps, ...rest, ...(output && { output: output(from) }) };
    return checkPlan(plan, this.#registry);
  }
}

/**
 * Begins a plan for tasks with an input of type `TTask`.
 *
 * @example
 * ```ts
 * const skills = registry({
 *   edit: capability({ description: 'tidies a text up', workers: { ada: { performer: editor } } }),
 * });
 * const twice = planFor<{ text: string }>()(skills)
 *   .step('first', 'edit', (from) => from.fields({ text: from.task('text') }))
 *   .step('second', 'edit', (from) => from.step('first'))
 *   .build();
 * ```
 */
export function planFor<TTask>(): <TCapabilities extends Capabilities>(
  registry: Registry<TCapabilities>,
) => PlanBuilder<TCapabilities, TTask, Record<never, never>> {
  return (registry) => new PlanBuilder(registry, []);
}
