/**
 * Deep freezing of messages: within a node a message is passed by reference and belongs to its
 * receiver, so in development a write to a sent message fails where it happens.
 */
import { UnfitPayload } from './errors.ts';
import { isRef } from './ref.ts';

const frozen = new WeakSet<object>();

/** Freezes a message and all that it holds. Refs are left alone; throws `UnfitPayload` for what cannot be frozen. */
export function deepFreeze(value: unknown, at = 'message'): void {
  if (typeof value !== 'object' || value === null || isRef(value) || frozen.has(value)) return;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new UnfitPayload({
      at,
      given: value.constructor.name,
      why: `a ${value.constructor.name} cannot be frozen; send a string or a plain array, or turn freezing off`,
    });
  }
  // Instances of foreign classes (sockets, class instances with private state) are passed as they
  // are: freezing them would break objects that the message merely points to.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  // Noted before its parts are, for it may hold itself; what is refused must be refused again.
  frozen.add(value);
  try {
    for (const key of Object.keys(value)) {
      const part = (value as Readonly<Record<string, unknown>>)[key];
      if (typeof part === 'object') deepFreeze(part, `${at}.${key}`);
    }
  } catch (error) {
    frozen.delete(value);
    throw error;
  }
  Object.freeze(value);
}
