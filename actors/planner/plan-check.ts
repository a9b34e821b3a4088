/**
 * What is wrong with a plan: found before anything is done, each with the step where it is.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TaskFailed, messageOf } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { Registry } from '../registry.ts';
import { fit, jsonSchemaOf } from '../schema.ts';
import { resolve, stepsIn, unboundIn, type Binding } from './binding.ts';
import { misfitsOf, type Misfit } from './json-shape.ts';
import { dependenciesOf, type Plan, type PlanStep } from './plan.ts';
import { PLAN_SHAPE } from './plan-shape.ts';

/** One thing that is wrong with a plan. */
export interface PlanProblem {
  readonly kind:
    | 'shape'
    | 'duplicateId'
    | 'unknownCapability'
    | 'missingDependency'
    | 'cycle'
    | 'unboundInput'
    | 'tooManySteps';
  /** Undefined when it is the plan as a whole. */
  readonly step?: string;
  readonly message: string;
}

/**
 * Everything that is wrong with a plan; nothing when it can be executed. With the input of the task,
 * bindings that find nothing there are found too.
 */
export function planProblems(
  plan: unknown,
  registry: Registry,
  task?: { readonly input: unknown },
): readonly PlanProblem[] {
  const misfits = misfitsOf(PLAN_SHAPE, plan);
  if (misfits.length > 0) return misfits.map((misfit) => ofShape(plan, misfit));
  const { steps, output } = plan as Plan;
  const max = ACTORS_LIMITS.planStepsMax;
  if (steps.length > max) {
    const message = `the plan has ${steps.length} steps; allowed: ${max}`;
    return [{ kind: 'tooManySteps', message }];
  }
  const ids = steps.map(({ id }) => id);
  const about = (step: string, kind: PlanProblem['kind'], text: string): PlanProblem => {
    return { kind, step, message: `step "${step}": ${text}` };
  };
  const there = `there are: ${ids.join(', ')}`;
  const problems = steps.flatMap((step, index): PlanProblem[] => {
    const { id, capability, fallback } = step;
    const fallbacks = fallback === undefined ? [] : stepsIn(fallback);
    return [
      ...(ids.indexOf(id) === index ? [] : [about(id, 'duplicateId', 'its id is taken')]),
      ...[...dependenciesOf(step), ...fallbacks]
        .filter((need) => !ids.includes(need))
        .map((need) => about(id, 'missingDependency', `it needs "${need}"; ${there}`)),
      ...(registry.has(capability)
        ? unbound(step, registry, task).map((text) => about(id, 'unboundInput', text))
        : [about(id, 'unknownCapability', missingMessage(registry, capability))]),
    ];
  });
  const lost = (output === undefined ? [] : stepsIn(output)).filter((id) => !ids.includes(id));
  for (const id of lost) {
    const message = `the output takes from "${id}"; ${there}`;
    problems.push({ kind: 'missingDependency', message });
  }
  const cycle = cycleIn(steps);
  if (cycle !== undefined)
    problems.push(about(cycle[0]!, 'cycle', `it needs itself: ${cycle.join(' -> ')}`));
  return problems;
}

/**
 * The plan, when it can be executed. Throws `TaskFailed` otherwise, with all problems in its message:
 * `capabilityMissing` when that is all that is wrong, else `invalidInput`.
 */
export function checkPlan(
  plan: unknown,
  registry: Registry,
  task?: { readonly input: unknown },
): Plan {
  const problems = planProblems(plan, registry, task);
  if (problems.length === 0) return plan as Plan;
  const isMissing = problems.every(({ kind }) => kind === 'unknownCapability');
  const { step } = problems[0]!;
  throw new TaskFailed({
    kind: isMissing ? 'capabilityMissing' : 'invalidInput',
    message: `plan: ${problems.map(({ message }) => message).join('; ')}`,
    ...(step !== undefined && { step }),
    effect: 'none',
    retry: { retryable: false, sameInputWillFail: true },
  });
}

function ofShape(plan: unknown, { path, message }: Misfit): PlanProblem {
  const [field, index, ...rest] = path;
  const whole = path.length === 0 ? 'the plan' : path.join('.');
  if (field !== 'steps' || typeof index !== 'number')
    return { kind: 'shape', message: `${whole}: ${message}` };
  const { id } = ((plan as Plan).steps[index] ?? {}) as Partial<PlanStep>;
  const step = typeof id === 'string' && id !== '' ? id : `#${index}`;
  const place = rest.length === 0 ? '' : `${rest.join('.')}: `;
  return { kind: 'shape', step, message: `step "${step}": ${place}${message}` };
}

function missingMessage(registry: Registry, capability: string): string {
  return `there is no capability "${capability}"; there are: ${registry.names.join(', ')}`;
}

/** What the capability of a step wants and the step does not bind. */
function unbound(
  { capability, input, fallback, skip = false }: PlanStep,
  registry: Registry,
  task: { readonly input: unknown } | undefined,
): readonly string[] {
  const { input: schema, inputSchema = schema && jsonSchemaOf(schema) } = registry.find(capability);
  const nothing = [input, fallback].flatMap((binding) =>
    binding === undefined || task === undefined ? [] : unboundIn(binding, task.input),
  );
  const missing = nothing.map((path) => `the task's input has no "${path}"`);
  if (skip) return fallback === undefined ? ['it is skipped, and no fallback stands in'] : missing;
  const required = (inputSchema?.['required'] ?? []) as readonly string[];
  const fields = input?.from === 'fields' ? input.fields : undefined;
  const left = required.filter((name) => fields !== undefined && !Object.hasOwn(fields, name));
  if (left.length > 0)
    return [
      ...missing,
      ...left.map((name) => `"${name}", which ${capability} needs, is not bound`),
    ];
  const isSaid = input === undefined || isLiteral(input);
  return isSaid ? [...missing, ...misfit(schema, input, capability)] : missing;
}

/** What is said in the plan itself is checked with the plan. */
function misfit(
  schema: StandardSchemaV1 | undefined,
  input: Binding | undefined,
  capability: string,
): readonly string[] {
  const value = input && resolve(input, { input: undefined, outputs: new Map() });
  try {
    fit(schema, value, `input of ${capability}`, 'invalidInput');
    return [];
  } catch (error) {
    return [input === undefined ? `no input is bound; ${messageOf(error)}` : messageOf(error)];
  }
}

function isLiteral(binding: Binding): boolean {
  if (binding.from === 'fields') return Object.values(binding.fields).every(isLiteral);
  return binding.from === 'literal';
}

/** The ids on a way from a step to itself. */
function cycleIn(steps: readonly PlanStep[]): readonly string[] | undefined {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const isClear = new Set<string>();
  const search = (id: string, way: readonly string[]): readonly string[] | undefined => {
    const before = way.indexOf(id);
    if (before >= 0) return [...way.slice(before), id];
    const step = byId.get(id);
    if (step === undefined || isClear.has(id)) return undefined;
    for (const need of dependenciesOf(step)) {
      const cycle = search(need, [...way, id]);
      if (cycle !== undefined) return cycle;
    }
    isClear.add(id);
    return undefined;
  };
  for (const { id } of steps) {
    const cycle = search(id, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
