/** What is told of a reason or an error that is too big to travel: its shape, and the beginnings of its texts. */
import { isRef } from '../runtime/index.ts';
import { show } from '../runtime/internal.ts';

const CHARS_MAX = 16_384;

/** A small copy of a value that is too big to travel. */
export function summaryOf(value: unknown): unknown {
  return new Summary().of(value);
}

class Summary {
  #left = CHARS_MAX;

  of(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'bigint') return this.#text(`${value}n`);
    if (typeof value !== 'object' || value === null || isRef(value)) return value;
    if (Array.isArray(value)) return this.#items(value as unknown[]);
    if (value instanceof Error) return this.#error(value);
    if (ArrayBuffer.isView(value)) return `… (${value.byteLength} bytes)`;
    if (value instanceof Map || value instanceof Set) return `… (${value.size} items)`;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return this.#text(show(value));
    return this.#fields(value);
  }

  /** A text gets half of what is left, so that something is left for what comes behind it. */
  #text(text: string): string {
    const room = this.#left >> 1;
    this.#left -= Math.min(room, text.length);
    return text.length <= room ? text : `${text.slice(0, room)}… (${text.length} characters)`;
  }

  #items(items: readonly unknown[]): unknown[] {
    const out: unknown[] = [];
    for (const item of items) {
      if (!this.#hasRoom()) return [...out, `… (${items.length} items)`];
      out.push(this.of(item));
    }
    return out;
  }

  #fields(given: object): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const fields = Object.entries(given);
    for (const [key, field] of fields) {
      if (!this.#hasRoom()) return { ...out, '…': `(${fields.length} fields)` };
      out[this.#text(key)] = this.of(field);
    }
    return out;
  }

  /** By its name it becomes an instance of its class again where it arrives. */
  #error(given: Error): Error {
    const { name, message, cause } = given;
    const shown = { name: this.#text(name), message: this.#text(message) };
    const own = this.#fields(given);
    const causes = cause === undefined ? undefined : { cause: this.of(cause) };
    return Object.assign(new Error(shown.message, causes), own, { name: shown.name });
  }

  /** Each part costs something, so that many small ones come to an end, too. */
  #hasRoom(): boolean {
    this.#left -= 16;
    return this.#left > 64;
  }
}
