/**
 * What must fit a schema: any Standard Schema, such as one of zod, valibot or arktype.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { TaskFailed } from './failure.ts';

/**
 * The value as the schema gives it. Throws `TaskFailed` of the given kind, whose message names the
 * place and each path that does not fit. A schema must validate at once: a promise is a `bug`.
 */
export function fit<TValue>(
  schema: StandardSchemaV1<unknown, TValue> | undefined,
  value: unknown,
  place: string,
  kind: 'invalidInput' | 'invalidOutput',
): TValue {
  if (schema === undefined) return value as TValue;
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    const message = `${place}: its schema validates with a promise; give one that does it at once`;
    throw new TaskFailed({ kind: 'bug', message });
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path = [] }) => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
  });
  throw new TaskFailed({
    kind,
    message: `${place}: ${issues.join('; ')}`,
    retry: { sameInputWillFail: kind === 'invalidInput' },
  });
}

/** The schema as JSON Schema, as a model reads it; undefined when its library cannot say it. */
export function jsonSchemaOf(schema: StandardSchemaV1): Record<string, unknown> | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props &
    Partial<StandardJSONSchemaV1.Props>;
  return standard.jsonSchema?.input({ target: 'draft-07' });
}
