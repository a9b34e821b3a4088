/**
 * The digest of a value: equal for two values that say the same, whatever order their keys came in,
 * and for nothing else. Approvals, loop checks and dedupe keys compare digests instead of values.
 */
import { createHash } from 'node:crypto';
import { isRef } from '../runtime/index.ts';

/** 43 characters of base64url: the SHA-256 of the value's canonical text. Refs count as their addresses. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url');
}

function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isRef(value)) return `ref(${value.address})`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Error) return `${value.name}(${JSON.stringify(value.message)})`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return list('', value as never);
  if (value instanceof Map) return list('Map', value);
  if (value instanceof Set) return list('Set', value);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return canonical((value.toJSON as () => unknown)());
  }
  const parts = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`);
  return `{${parts.join()}}`;
}

function list(kind: string, items: Iterable<unknown>): string {
  return `${kind}[${[...items].map(canonical).join()}]`;
}
