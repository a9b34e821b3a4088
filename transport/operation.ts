/** The operations of the protocol, as they stand in a frame: an array whose first item says which. */
import type { Core } from '../runtime/internal.ts';
import { Lineage, Task } from '../runtime/internal.ts';
import type { Budget } from '../runtime/index.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { malformed } from './scan.ts';

/** Which operation it is; the rows of the table in transport/README.md. */
export const OP = {
  send: 0,
  ask: 1,
  reply: 2,
  fail: 3,
  cancel: 4,
  monitor: 5,
  demonitor: 6,
  down: 7,
  link: 8,
  unlink: 9,
  exit: 10,
  linkDown: 11,
  stop: 12,
  stopped: 13,
  join: 14,
  leave: 15,
  started: 16,
  claim: 17,
  claimed: 18,
  unclaim: 19,
  look: 20,
  seen: 21,
  probe: 22,
} as const;

const HOPS_MAX = 4_096;

/** Reads the fields of an operation that came in; each throws `MalformedFrame` for another type. */
export class Fields {
  readonly #fields: readonly unknown[];
  #at = 1;

  constructor(fields: readonly unknown[]) {
    this.#fields = fields;
  }

  any(): unknown {
    if (this.#at >= this.#fields.length) throw malformed('an operation too short');
    return this.#fields[this.#at++];
  }

  text(): string {
    const given = this.any();
    if (typeof given !== 'string' || given.length > TRANSPORT_LIMITS.textCharsMax)
      throw malformed('a text');
    return given;
  }

  path(): string {
    const path = this.text();
    if (!path.startsWith('/')) throw malformed('a path');
    return path;
  }

  texts(): string[] {
    const given = this.any();
    if (!Array.isArray(given) || !given.every((item) => typeof item === 'string'))
      throw malformed('texts');
    return given;
  }

  number(): number {
    const given = this.any();
    if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < 0)
      throw malformed('a number');
    return given;
  }

  optional<T>(read: () => T): T | undefined {
    if (this.#fields[this.#at] !== null) return read();
    this.#at += 1;
    return undefined;
  }

  /** A lineage, or that of the last envelope which had one. */
  lineage(core: Core, last: Lineage | undefined): Lineage | undefined {
    return this.optional(() => {
      const wire = this.any();
      if (wire !== true) return lineageOf(wire, core);
      if (last === undefined) throw malformed('the lineage of no envelope');
      return last;
    });
  }
}

/** The lineage of a message on the wire: its deadline is what is left of it, since clocks differ. */
export function wireLineage(lineage: Lineage | undefined, nowMs: number): unknown {
  if (lineage === undefined) return null;
  const { task, deadlineMs, budget, path } = lineage;
  const leftMs = deadlineMs === Infinity ? null : Math.max(0, deadlineMs - nowMs);
  return [task.id, task.traceId, leftMs, budget ?? null, path];
}

function lineageOf(wire: unknown, core: Core): Lineage {
  if (!Array.isArray(wire)) throw malformed('a lineage');
  const [id, traceId, leftMs, budget, path] = wire as unknown[];
  const isLineage =
    typeof id === 'string' &&
    typeof traceId === 'string' &&
    /^[0-9a-f]{32}$/.test(traceId) &&
    (leftMs === null || (typeof leftMs === 'number' && leftMs >= 0)) &&
    Array.isArray(path) &&
    path.length <= HOPS_MAX;
  if (!isLineage) throw malformed('a lineage');
  const deadlineMs = leftMs === null ? Infinity : core.clock.now() + (leftMs as number);
  const task = new Task(core.random, id, traceId);
  let lineage = new Lineage(task, deadlineMs, budgetOf(budget), undefined, undefined);
  for (const address of path as unknown[]) {
    if (typeof address !== 'string') throw malformed('a chain');
    lineage = lineage.derive(address, Infinity, undefined);
  }
  return lineage;
}

function budgetOf(wire: unknown): Budget | undefined {
  if (wire === null) return undefined;
  if (typeof wire !== 'object' || Array.isArray(wire)) throw malformed('a budget');
  for (const amount of Object.values(wire))
    if (typeof amount !== 'number' || !(amount >= 0)) throw malformed('a budget');
  return wire as Budget;
}
