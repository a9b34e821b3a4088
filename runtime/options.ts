/**
 * What every options object is checked for: misuse throws at the call and names the field, what was
 * given and what is allowed.
 */
import { InvalidOption } from './errors.ts';

/** Throws `InvalidOption` unless the options are an object with known keys only. */
export function checkOptions(
  options: unknown,
  known: readonly string[],
  field = 'options',
): asserts options is object {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOption({ field, given: options, allowed: 'an object' });
  }
  // `for in` makes no array of the keys, unlike `Object.keys`.
  for (const key in options) {
    if (!known.includes(key) && Object.hasOwn(options, key)) {
      const given = `unknown key ${key}`;
      throw new InvalidOption({ field: `${field}.${key}`, given, allowed: known.join(', ') });
    }
  }
}

/** Throws `InvalidOption` unless the value is a function, or undefined where that is allowed. */
export function checkFunction(field: string, given: unknown, optional = false): void {
  if (typeof given === 'function' || (optional && given === undefined)) return;
  throw new InvalidOption({ field, given, allowed: 'a function' });
}

/** Throws `InvalidOption` unless the value is a boolean or undefined. */
export function checkFlag(field: string, given: unknown): void {
  if (given === undefined || typeof given === 'boolean') return;
  throw new InvalidOption({ field, given, allowed: 'a boolean' });
}

/** Throws `InvalidOption` unless the value is undefined or an object with these methods. */
export function checkMethods(field: string, given: unknown, methods: readonly string[]): void {
  if (given === undefined) return;
  const parts = given as Record<string, unknown> | null;
  const fits =
    typeof given === 'object' && methods.every((name) => typeof parts?.[name] === 'function');
  if (fits) return;
  throw new InvalidOption({ field, given, allowed: `an object with ${methods.join(', ')}` });
}
