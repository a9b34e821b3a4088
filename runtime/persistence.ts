/**
 * Persistence of one life: when its snapshot is due, what is in it, and how an older one comes back.
 */
import { Ask } from './ask.ts';
import type { Core } from './core.ts';
import type { Envelope } from './envelope.ts';
import { InvalidOption, UnfitPayload } from './errors.ts';
import type { Life } from './life.ts';
import { isRef } from './ref.ts';
import type { PersistOptions } from './spawn-options.ts';
import type { SavedSnapshot, SavedTimer } from './store.ts';

const REF = 'troupe$ref';

export class Persistence {
  readonly #life: Life;
  readonly #options: PersistOptions;

  constructor(life: Life, options: PersistOptions) {
    this.#life = life;
    this.#options = options;
  }

  /** Whether the step that has just ended must be written before `outbox` leaves. */
  due(outbox: readonly Envelope[]): boolean {
    const { save = 'step' } = this.#options;
    const { context } = this.#life;
    const manual = context?.saveDue === true;
    if (manual && context !== undefined) context.saveDue = false;
    return (
      manual ||
      save === 'step' ||
      (save === 'reply' && outbox.some((envelope) => envelope.to instanceof Ask))
    );
  }

  /** Writes the snapshot; a promise when the store needs time. */
  write(): Promise<void> | undefined {
    const { store, key, version = 1 } = this.#options;
    const { cell, behavior } = this.#life;
    const path = key ?? cell.path;
    const snapshot = pack(behavior?.persist(), `snapshot "${path}"`, new Map());
    const written = store.save(path, { version, snapshot, timers: this.#timers() });
    return written instanceof Promise ? written : undefined;
  }

  /** Deletes the snapshot of a life that has done its work; a promise when the store needs time. */
  forget(): Promise<void> | undefined {
    const { store, key } = this.#options;
    const { core, path } = this.#life.cell;
    const failed = (error: unknown): void =>
      core.log.error({ path, err: error }, 'snapshot not deleted');
    try {
      const deleted = store.delete(key ?? path);
      return deleted instanceof Promise ? deleted.catch(failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #timers(): SavedSnapshot['timers'] {
    const { cell, timers } = this.#life;
    const { clock, xstate } = cell.core;
    const offsetMs = clock.wallMs() - clock.now();
    return [...timers.list()].map(({ owner, id, target, event, dueMs, periodMs, idleMs }) => ({
      id,
      owner: owner === this.#life ? 'context' : xstate.innerPath(owner),
      target: target === undefined ? [] : storedTarget(xstate.addressOf(cell, target), target, id),
      event: pack(event, `timer "${id}"`, new Map()),
      dueWallMs: dueMs + offsetMs,
      periodMs,
      idleMs,
    }));
  }
}

/** An actor that is neither in this agent nor an agent could not be found again. */
function storedTarget(
  address: SavedTimer['target'] | undefined,
  given: object,
  id: string,
): SavedTimer['target'] {
  if (address !== undefined) return address;
  const why = 'an XState actor that is no agent cannot be stored';
  throw new UnfitPayload({ at: `target of timer "${id}"`, given, why });
}

/** Brings a saved snapshot to the present version and its refs to life. */
export function restore(core: Core, options: PersistOptions, saved: SavedSnapshot): SavedSnapshot {
  const { version = 1, migrate } = options;
  let { snapshot } = saved;
  if (saved.version !== version) {
    if (migrate === undefined || saved.version > version) {
      const allowed =
        saved.version > version
          ? `a version up to ${version}`
          : `version ${version}, or persist.migrate`;
      throw new InvalidOption({ field: 'persist.version', given: saved.version, allowed });
    }
    snapshot = migrate(snapshot, saved.version);
  }
  const timers = saved.timers.map((timer) => ({ ...timer, event: unpack(core, timer.event) }));
  return { version, snapshot: unpack(core, snapshot), timers };
}

/** Copies plain data and writes refs as addresses; throws `UnfitPayload` for what cannot be stored. */
function pack(value: unknown, at: string, seen: Map<object, unknown>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new UnfitPayload({ at, given: value, why: `a ${typeof value} cannot be stored` });
  }
  if (typeof value !== 'object' || value === null) return value;
  if (isRef(value)) return { [REF]: value.address };
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    value.forEach((part, index) => copy.push(pack(part, `${at}[${index}]`, seen)));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    seen.set(value, copy);
    for (const [key, part] of value)
      copy.set(pack(key, `${at} key`, seen), pack(part, `${at}.${String(key)}`, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    seen.set(value, copy);
    for (const part of value) copy.add(pack(part, `${at} member`, seen));
    return copy;
  }
  if (isStorable(value)) return value;
  if (!isPlain(value)) {
    const { name } = value.constructor;
    throw new UnfitPayload({ at, given: value, why: `an instance of ${name} cannot be stored` });
  }
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, part] of Object.entries(value)) copy[key] = pack(part, `${at}.${key}`, seen);
  return copy;
}

/** Brings refs back, in a structure that may share parts and hold cycles. */
function unpack(core: Core, value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const part of value) copy.push(unpack(core, part, seen));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    seen.set(value, copy);
    for (const [key, part] of value) copy.set(unpack(core, key, seen), unpack(core, part, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    seen.set(value, copy);
    for (const part of value) copy.add(unpack(core, part, seen));
    return copy;
  }
  if (!isPlain(value)) return value;
  const address: unknown = (value as Record<string, unknown>)[REF];
  if (typeof address === 'string') return core.refAt(address);
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, part] of Object.entries(value)) copy[key] = unpack(core, part, seen);
  return copy;
}

/** Whether it comes back as what it was; an instance of a class would come back without its class. */
function isStorable(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
