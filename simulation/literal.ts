/**
 * Values as source text, for a file that a reproduction is written to: what JSON has, and what it
 * has not but a literal or a constructor can say.
 */
import { isRef } from '../runtime/index.ts';

/** Said in place of a value that has no text. */
const MISSING = 'cannot be written';

/**
 * The source text of a value; a part that has none becomes `undefined` with a comment. Refs are
 * calls of `ref`, where there is such a thing.
 */
export function literalOf(
  value: unknown,
  withRefs = false,
  above: readonly unknown[] = [],
): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'string') return quoted(value);
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return missing(`a ${typeof value}`);
  if (above.includes(value)) return missing('a circle');
  if (isRef(value))
    return withRefs
      ? `ref(${quoted(value.address.slice(value.address.indexOf('/')))})`
      : missing('a ref');
  const part = (inner: unknown): string => literalOf(inner, withRefs, [...above, value]);
  const list = (items: Iterable<unknown>): string => `[${[...items].map(part).join(', ')}]`;
  if (Array.isArray(value)) return list(value as unknown[]);
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Map) return `new Map(${list(value)})`;
  if (value instanceof Set) return `new Set(${list(value)})`;
  if (value instanceof Error) return errorText(value);
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null)
    return missing(`a ${(value as object).constructor?.name || 'value of a class'}`);
  const fields = Object.entries(value).map(([key, inner]) => `${keyText(key)}: ${part(inner)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** How many parts of a text stand for what has none. */
export function missingIn(text: string): number {
  return text.split(`, ${MISSING} */`).length - 1;
}

function errorText({ name, message }: Error): string {
  const plain = `new Error(${quoted(message)})`;
  return name === 'Error' ? plain : `Object.assign(${plain}, { name: ${quoted(name)} })`;
}

function missing(what: string): string {
  return `undefined /* ${what.replaceAll('*/', '*')}, ${MISSING} */`;
}

function keyText(key: string): string {
  // A plain `__proto__` in a literal would set the prototype.
  if (key === '__proto__') return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
}

function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inner}'`;
}
