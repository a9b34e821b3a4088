/**
 * A secret: a value that is passed on as a handle. Whatever prints, serialises, clones or sends the
 * handle shows its name; only `reveal()` gives the value, at the one place that needs it.
 */
import { InvalidOption } from '../../runtime/index.ts';

/**
 * The handle of a secret value.
 *
 * The value stands in a private field: `JSON.stringify`, `util.inspect`, string templates,
 * `structuredClone`, snapshots and the wire's codec cannot reach it.
 *
 * @example
 * ```ts
 * import { Secret } from 'troupe/actors';
 *
 * const key = new Secret('model.apiKey', 'sk-123');
 * console.log('%s', key); // [secret model.apiKey]
 * await fetch('https://example.org', { headers: { authorization: `Bearer ${key.reveal()}` } });
 * ```
 */
export class Secret {
  readonly #value: string;
  /** What it is called in logs and errors, such as the path of its configuration key. */
  readonly name: string;

  /** Throws `InvalidOption` for a value that is no string or is empty; the error does not show it. */
  constructor(name: string, value: string) {
    if (typeof value !== 'string' || value === '') {
      const given = value === '' ? 'an empty string' : `a ${typeof value}`;
      throw new InvalidOption({
        field: name,
        given,
        allowed: 'a secret: a string that is not empty',
      });
    }
    this.name = name;
    this.#value = value;
  }

  /** The value itself. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value, without showing either. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return `[secret ${this.name}]`;
  }
  toJSON(): string {
    return this.toString();
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
