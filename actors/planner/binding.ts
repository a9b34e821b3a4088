/**
 * Bindings: where the input of a step comes from. Plain data, so that a plan is.
 */

declare const gives: unique symbol;

/** Where a value comes from: said in the plan, the task's input, what a step gave, or several of these by name. */
export type Binding<TValue = unknown> = (
  | { readonly from: 'literal'; readonly value: unknown }
  | { readonly from: 'task'; readonly path?: string }
  | { readonly from: 'step'; readonly step: string; readonly path?: string }
  | { readonly from: 'fields'; readonly fields: Readonly<Record<string, Binding>> }
) & { readonly [gives]?: TValue };

/** What bindings are resolved against. */
export interface BindingScope {
  readonly input: unknown;
  /** What the steps gave that have given anything. */
  readonly outputs: ReadonlyMap<string, unknown>;
}

/** The steps that a binding takes from. */
export function stepsIn(binding: Binding): readonly string[] {
  if (binding.from === 'step') return [binding.step];
  return binding.from === 'fields' ? Object.values(binding.fields).flatMap(stepsIn) : [];
}

/** The value of a binding; fields that have none are left out. */
export function resolve(binding: Binding, scope: BindingScope): unknown {
  switch (binding.from) {
    case 'literal':
      return binding.value;
    case 'task':
      return at(scope.input, binding.path);
    case 'step':
      return at(scope.outputs.get(binding.step), binding.path);
    case 'fields': {
      const parts = Object.entries(binding.fields)
        .map(([name, part]) => [name, resolve(part, scope)] as const)
        .filter(([, value]) => value !== undefined);
      return Object.fromEntries(parts);
    }
  }
}

/** The bindings to the task's input that find nothing there, by their paths. */
export function unboundIn(binding: Binding, input: unknown): readonly string[] {
  if (binding.from === 'fields')
    return Object.values(binding.fields).flatMap((part) => unboundIn(part, input));
  if (binding.from !== 'task' || binding.path === undefined) return [];
  return at(input, binding.path) === undefined ? [binding.path] : [];
}

/** A part of a value; the names on the way to it are separated by dots. */
function at(value: unknown, path = ''): unknown {
  const names = path === '' ? [] : path.split('.');
  return names.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null && Object.hasOwn(part, name)
        ? (part as Readonly<Record<string, unknown>>)[name]
        : undefined,
    value,
  );
}
