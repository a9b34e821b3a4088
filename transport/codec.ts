/**
 * Values between nodes: MessagePack, with marked arrays for what it does not know. A marked array
 * begins with a string whose first character is NUL; an array of the user's that begins so is
 * marked itself. No extension types: msgpackr's are global to a process, and some of them run code.
 */
import { Packr, Unpackr } from 'msgpackr';
import * as runtime from '../runtime/index.ts';
import { TroupeError, UnfitPayload, type AnyRef } from '../runtime/index.ts';
import { askOf, show, type Ask } from '../runtime/internal.ts';
import * as transport from './errors.ts';
import { RemoteError } from './errors.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { malformed, scan } from './scan.ts';

/** What a request's address says on the wire: who made it, its number there, its type and target, milliseconds left. */
export type WireAsk = readonly [
  node: string,
  id: number,
  request: string,
  target: string,
  leftMs: number | null,
];

/** How refs and open requests become part of a node. */
export interface Refs {
  refAt(address: string): AnyRef;
  exportAsk(ask: Ask): WireAsk;
  importAsk(wire: WireAsk): Ask;
}

const MARK = {
  undefined: '\0u',
  bigint: '\0n',
  number: '\0-',
  date: '\0d',
  map: '\0m',
  set: '\0s',
  ref: '\0r',
  replyTo: '\0q',
  error: '\0e',
  array: '\0a',
} as const;

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/** The bytes of wire values. */
export function pack(wire: readonly unknown[]): Uint8Array {
  return packr.pack(wire);
}

/** The wire values in bytes from `start` on. Throws `MalformedFrame`. */
export function unpack(bytes: Uint8Array, start: number): unknown[] {
  scan(bytes, start);
  if (start === bytes.length) return [];
  try {
    return unpackr.unpackMultiple(bytes.slice(start)) as unknown[];
  } catch (error) {
    throw malformed('it cannot be decoded', error);
  }
}

/** Turns values into what MessagePack knows. */
class Outward {
  #refs: Refs | undefined;
  /** Whether what is unfit becomes its text instead of an error. */
  #lenient = false;
  readonly #path: string[] = [];
  readonly #within: object[] = [];
  isBusy = false;

  /** The wire value of something that is found `at` a place, within other objects. */
  of(
    given: unknown,
    refs: Refs | undefined,
    lenient: boolean,
    at: string,
    within?: readonly object[],
  ): unknown {
    this.#refs = refs;
    this.#lenient = lenient;
    this.#path.push(at);
    if (within !== undefined) this.#within.push(...within);
    this.isBusy = true;
    try {
      return this.value(given);
    } finally {
      this.isBusy = false;
      // Emptied with `length = 0`, an array gives its room back and takes it anew at the next walk.
      while (this.#path.length > 0) this.#path.pop();
      while (this.#within.length > 0) this.#within.pop();
      this.#refs = undefined;
    }
  }

  value(given: unknown): unknown {
    switch (typeof given) {
      case 'string':
      case 'boolean':
        return given;
      case 'number':
        return Object.is(given, -0) ? [MARK.number] : given;
      case 'undefined':
        return [MARK.undefined];
      case 'bigint':
        return [MARK.bigint, given.toString()];
      case 'object':
        return given === null ? null : this.#object(given);
      case 'function':
        return this.#unfit(given, 'a function cannot leave its process');
      case 'symbol':
        return this.#unfit(String(given), 'a symbol cannot leave its process');
    }
  }

  #object(given: object): unknown {
    if (runtime.isRef(given)) return this.#ref(given);
    if (this.#within.includes(given)) return this.#unfit(given, 'it holds itself');
    if (this.#within.length >= TRANSPORT_LIMITS.depthMax)
      return this.#unfit(given, `deeper than ${TRANSPORT_LIMITS.depthMax} levels`);
    this.#within.push(given);
    const out = this.#parts(given);
    this.#within.pop();
    return out;
  }

  #parts(given: object): unknown {
    if (Array.isArray(given)) {
      const items = this.#items(given as unknown[]);
      const [first] = items;
      const isMarked =
        typeof (given as unknown[])[0] === 'string' && (first as string).startsWith('\0');
      return isMarked ? [MARK.array, ...items] : items;
    }
    if (given instanceof Error) return this.#error(given);
    if (given instanceof Map)
      return [MARK.map, this.#items([...given.keys()]), this.#items([...given.values()])];
    if (given instanceof Set) return [MARK.set, this.#items([...given])];
    if (given instanceof Date) return [MARK.date, given.getTime()];
    if (given instanceof Uint8Array) return given;
    const prototype: unknown = Object.getPrototypeOf(given);
    if (prototype !== Object.prototype && prototype !== null) {
      const name = (given.constructor as { name?: string } | undefined)?.name ?? 'a class';
      return this.#unfit(given, `an instance of ${name} cannot leave its process; send plain data`);
    }
    return this.#fields(given as Record<string, unknown>);
  }

  /** The object itself, as long as all its fields stay what they are. */
  #fields(given: Record<string, unknown>): unknown {
    let out: Record<string, unknown> | undefined;
    // `for in` makes no list of the keys, unlike `Object.keys`.
    for (const key in given) {
      if (!Object.hasOwn(given, key)) continue;
      if (key === '__proto__') return this.#unfit(given, 'the key __proto__ is refused');
      const field = given[key];
      if (isAsItIs(field)) continue;
      this.#path.push(`.${key}`);
      const wire = this.value(field);
      this.#path.pop();
      if (wire !== field) (out ??= { ...given })[key] = wire;
    }
    return out ?? given;
  }

  #items(given: readonly unknown[]): unknown[] {
    const out: unknown[] = [];
    for (let index = 0; index < given.length; index += 1) {
      if (isAsItIs(given[index])) {
        out.push(given[index]);
        continue;
      }
      this.#path.push(`[${index}]`);
      out.push(this.value(given[index]));
      this.#path.pop();
    }
    return out;
  }

  #ref(given: { readonly address: string }): unknown {
    const ask = askOf(given);
    if (ask === undefined) return [MARK.ref, given.address];
    return this.#refs === undefined ? null : [MARK.replyTo, ...this.#refs.exportAsk(ask)];
  }

  /** What an error holds beyond its message is for people and logs: what cannot travel becomes its text. */
  #error(given: Error): unknown {
    const { name, message, cause } = given;
    const at = this.#path.join('');
    const own = (part: unknown): unknown =>
      new Outward().of(part, this.#refs, true, at, this.#within);
    const fields: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(given))
      if (key !== 'name' && key !== '__proto__') fields[key] = own(field);
    const causes = cause === undefined ? [] : [own(cause)];
    return [MARK.error, String(name), String(message), fields, ...causes];
  }

  #unfit(given: unknown, why: string): unknown {
    if (this.#lenient) return show(given);
    throw new UnfitPayload({ at: this.#path.join(''), given, why });
  }
}

/** Whether a value travels as it is: most of what is sent, for which no path is noted. */
function isAsItIs(value: unknown): boolean {
  const type = typeof value;
  return (
    type === 'string' ||
    type === 'boolean' ||
    value === null ||
    (type === 'number' && !Object.is(value, -0))
  );
}

/** Used again and again: one for each message would be a twelfth of all that an ask allocates. */
const shared = new Outward();

/** A getter of somebody's object may send something itself, in the midst of the walk. */
function idle(): Outward {
  return shared.isBusy ? new Outward() : shared;
}

/** Throws `UnfitPayload`, with the path inside the message, for what cannot leave its process. */
export function checkPayload(message: object, at: string): void {
  idle().of(message, undefined, false, at);
}

/** The wire value of a message. Throws `UnfitPayload`. */
export function toWire(message: unknown, refs: Refs, at = 'message'): unknown {
  return idle().of(message, refs, false, at);
}

/** The wire value of a reason or an error: what cannot travel becomes its text. */
export function toWireLeniently(value: unknown, refs: Refs): unknown {
  return idle().of(value, refs, true, 'reason');
}

/** The value of a wire value. Throws `MalformedFrame`. */
export function fromWire(wire: unknown, refs: Refs): unknown {
  if (typeof wire !== 'object' || wire === null) return wire;
  if (wire instanceof Uint8Array) return new Uint8Array(wire);
  if (!Array.isArray(wire)) {
    const fields = wire as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      const field = fields[key];
      if (typeof field === 'object') fields[key] = fromWire(field, refs);
    }
    return fields;
  }
  const [mark] = wire as unknown[];
  if (typeof mark === 'string' && mark.startsWith('\0'))
    return unmark(mark, wire as unknown[], refs);
  return (wire as unknown[]).map((item) => fromWire(item, refs));
}

function unmark(mark: string, wire: readonly unknown[], refs: Refs): unknown {
  const [, first, second] = wire;
  switch (mark) {
    case MARK.undefined:
      return undefined;
    case MARK.number:
      return -0;
    case MARK.bigint:
      if (typeof first !== 'string' || !/^-?\d{1,10000}$/.test(first)) throw malformed('a bigint');
      return BigInt(first);
    case MARK.date:
      if (typeof first !== 'number') throw malformed('a date');
      return new Date(first);
    case MARK.array:
      return wire.slice(1).map((item) => fromWire(item, refs));
    case MARK.set:
      return new Set(listOf(first, refs));
    case MARK.map: {
      const keys = listOf(first, refs);
      const values = listOf(second, refs);
      if (keys.length !== values.length) throw malformed('a map');
      return new Map(keys.map((key, index) => [key, values[index]]));
    }
    case MARK.ref:
      if (typeof first !== 'string' || !/^[^/#\s]+\//.test(first)) throw malformed('a ref');
      return refs.refAt(first);
    case MARK.replyTo:
      return refs.importAsk(wireAskOf(wire.slice(1))).replyTo;
    case MARK.error:
      return errorOf(wire, refs);
    default:
      throw malformed('an unknown mark');
  }
}

function listOf(wire: unknown, refs: Refs): unknown[] {
  if (!Array.isArray(wire)) throw malformed('a list');
  return wire.map((item) => fromWire(item, refs));
}

/** Checks what a request's address says. */
export function wireAskOf(wire: unknown): WireAsk {
  if (!Array.isArray(wire)) throw malformed('a request');
  const [node, id, request, target, leftMs] = wire as unknown[];
  const isAsk =
    isText(node) &&
    Number.isSafeInteger(id) &&
    (id as number) >= 0 &&
    isText(request) &&
    isText(target) &&
    (leftMs === null || (typeof leftMs === 'number' && leftMs >= 0));
  if (!isAsk) throw malformed('a request');
  return wire as unknown as WireAsk;
}

function isText(given: unknown): boolean {
  return typeof given === 'string' && given.length <= TRANSPORT_LIMITS.textCharsMax;
}

/** Classes of errors that keep their class: those of troupe, and the engine's own. */
const CLASSES = new Map<string, { readonly prototype: object }>();
for (const known of [...Object.values(runtime), ...Object.values(transport)])
  if (typeof known === 'function' && known.prototype instanceof TroupeError)
    CLASSES.set(known.name, known as { readonly prototype: object });
for (const known of [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
])
  CLASSES.set(known.name, known);

function errorOf(wire: readonly unknown[], refs: Refs): Error {
  const [, name, message, fields, cause] = wire;
  if (typeof name !== 'string' || typeof message !== 'string') throw malformed('an error');
  const own = fromWire(fields, refs);
  if (typeof own !== 'object' || own === null || Array.isArray(own)) throw malformed('an error');
  const error = new Error(message, wire.length > 4 ? { cause: fromWire(cause, refs) } : undefined);
  const known = CLASSES.get(name);
  Object.setPrototypeOf(error, (known ?? RemoteError).prototype);
  for (const [key, field] of Object.entries({ ...own, name }))
    if (!['stack', 'message', 'cause'].includes(key))
      Object.defineProperty(error, key, {
        value: field,
        enumerable: key !== 'name',
        configurable: true,
        writable: true,
      });
  return error;
}
