/**
 * The digest of a value: a text that is the same for two values that mean the same, whatever order
 * their keys came in. Two states of a simulated system are one state when their texts are equal.
 *
 * Refs count as their addresses. Requests have no lasting name; whoever digests gives them one.
 * An object with `toJSON` says itself what counts of it.
 */
import { AgentRef, Life, askOf, type Ask } from '../runtime/internal.ts';

/** Names a request within one digest. */
export type NameOf = (ask: Ask) => string;

/** The text of a value. */
export function digest(value: unknown, nameOf: NameOf): string {
  return write(value, nameOf, []);
}

function write(value: unknown, nameOf: NameOf, above: object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : writeObject(value, nameOf, above);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return `(${value.name})`;
    case 'symbol':
      return `(${value.description ?? ''})`;
    default:
      return String(value);
  }
}

function writeObject(value: object, nameOf: NameOf, above: object[]): string {
  if (value instanceof AgentRef) return `@${value.address}`;
  const ask = askOf(value);
  if (ask !== undefined) return nameOf(ask);
  // A monitor that an agent keeps leads to lives, and they to all that there is.
  if (value instanceof Life) return `(life of ${value.address})`;
  if (isActor(value)) return `(actor ${value.id})`;
  const depth = above.indexOf(value);
  if (depth !== -1) return `(^${above.length - depth})`;
  above.push(value);
  const text = writeParts(value, nameOf, above);
  above.pop();
  return text;
}

function writeParts(value: object, nameOf: NameOf, above: object[]): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item, nameOf, above)).join()}]`;
  if (value instanceof Error) return `${value.name}(${JSON.stringify(value.message)})`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Map || value instanceof Set) {
    const items = [...value].map((item: unknown) => write(item, nameOf, above));
    return `${value.constructor.name}[${items.join()}]`;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return write((value.toJSON as () => unknown)(), nameOf, above);
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const part = (value as Record<string, unknown>)[key];
    if (part !== undefined) text += `${key}:${write(part, nameOf, above)},`;
  }
  return `${text}}`;
}

/** An XState actor: what it is in stands in the snapshot of its parent. */
function isActor(value: object): value is { readonly id: string } {
  return 'sessionId' in value && 'getSnapshot' in value && 'id' in value;
}

/** A number of 53 bits for a text. */
export function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & b) + (a >>> 0);
}
