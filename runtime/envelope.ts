/**
 * An envelope: one message on its way, with what travels beside it.
 *
 * The lineage is what nesting must never reset: deadline, budget, hops and chain of the task that
 * a message belongs to. It is made on first use and shared by all messages of one task.
 *
 * Both are made for nearly every message. Their fields are declared and not defined: a field that is
 * defined is written twice, which made a message a fourteenth dearer.
 */
import type { AgentTimer } from './agent-timers.ts';
import type { Ask } from './ask.ts';
import type { Queued } from './mailbox.ts';
import type { Random } from './random.ts';

/** Where an envelope can go: an agent's place, an open ask, another node. `deliver` calls `accept`. */
export interface Destination {
  /** `node/path`, for logs, errors and the wire. */
  readonly address: string;
  /** Takes the envelope; `'blocked'` when the sender must wait until `resume` is called. */
  accept(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined;
  /** Throws `UnfitPayload` for a message that cannot go there; absent: every message can. */
  check?(message: object): void;
}

/** Amounts that a task may still spend, by name, such as `{ tokens: 10_000 }`; they only shrink. */
export type Budget = Readonly<Record<string, number>>;

/** What a task hands down to all work that is done for it: a chain of hops, of which each knows the one before. */
export class Lineage {
  /** The task that this work belongs to: one object per task, compared by identity. */
  declare readonly task: Task;
  /** Absolute, in the clock's monotonic milliseconds; `Infinity` when the task has none. */
  declare readonly deadlineMs: number;
  declare readonly budget: Budget | undefined;
  declare readonly hops: number;
  /** The address that asked or handed on; undefined at the root. */
  declare readonly from: string | undefined;
  declare readonly before: Lineage | undefined;
  /** What its request was sent in; only while a watchdog looks. */
  declare hop: Envelope | undefined;

  constructor(
    task: Task,
    deadlineMs: number,
    budget: Budget | undefined,
    from: string | undefined,
    before: Lineage | undefined,
  ) {
    this.task = task;
    this.deadlineMs = deadlineMs;
    this.budget = budget;
    this.hops = before === undefined ? 0 : before.hops + 1;
    this.from = from;
    this.before = before;
    this.hop = undefined;
  }

  /** The lineage of work that `from` asks of another agent: one hop more, limits that only shrink. */
  derive(from: string, deadlineMs: number, budget: Budget | undefined): Lineage {
    return new Lineage(
      this.task,
      Math.min(this.deadlineMs, deadlineMs),
      shrink(this.budget, budget),
      from,
      this,
    );
  }

  /** Addresses from the root of the task to the newest hop. */
  get path(): string[] {
    const path = this.from === undefined ? [] : [this.from];
    for (let hop = this.before; hop?.from !== undefined; hop = hop.before) path.push(hop.from);
    return path.reverse();
  }
}

/** The identity of a task: an id and a W3C trace id, both drawn on first use. */
export class Task {
  readonly #random: Random;
  #id: string | undefined;
  #traceId: string | undefined;

  constructor(random: Random, id?: string, traceId?: string) {
    this.#random = random;
    this.#id = id;
    this.#traceId = traceId;
  }

  get id(): string {
    return (this.#id ??= this.#random.id());
  }

  /** The trace-id field of a W3C `traceparent`: 32 hex digits. */
  get traceId(): string {
    return (this.#traceId ??= this.#random.hex(32));
  }
}

function shrink(inherited: Budget | undefined, own: Budget | undefined): Budget | undefined {
  if (inherited === undefined || own === undefined) return own ?? inherited;
  const budget: Record<string, number> = { ...inherited };
  for (const [name, amount] of Object.entries(own)) {
    budget[name] = Math.min(amount, inherited[name] ?? Infinity);
  }
  return budget;
}

/** One message on its way. Only its mailbox writes to it (`enqueuedAtMs`), and the first need of a lineage. */
export class Envelope implements Queued {
  declare readonly id: number;
  declare readonly to: Destination;
  /** The address of the agent that sent it; undefined for code outside agents. */
  declare readonly from: string | undefined;
  declare readonly message: unknown;
  /** The open request that this message carries, if it is one. */
  declare readonly ask: Ask | undefined;
  /** Notices and an agent's own events: never bounded, dropped or postponed. */
  declare readonly exempt: boolean;
  /** For an agent's own events: which of its XState actors it is for, and which one sent it. */
  declare readonly inner: Inner | undefined;
  /** The timer that fired it: a cancelled timer's event is not seen, even when it waits in the mailbox already. */
  declare readonly timer: AgentTimer | undefined;
  declare lineage: Lineage | undefined;
  declare enqueuedAtMs: number;

  constructor(
    id: number,
    to: Destination,
    from: string | undefined,
    message: unknown,
    lineage: Lineage | undefined,
    ask: Ask | undefined,
    exempt: boolean,
    inner?: Inner,
    timer?: AgentTimer,
  ) {
    this.id = id;
    this.to = to;
    this.from = from;
    this.message = message;
    this.lineage = lineage;
    this.ask = ask;
    this.exempt = exempt;
    this.inner = inner;
    this.timer = timer;
    this.enqueuedAtMs = 0;
  }

  /** The message's `type`, for logs and errors. */
  get type(): string {
    return typeOf(this.message);
  }

  /** The W3C `traceparent` of this message, when it belongs to a task. */
  get traceparent(): string | undefined {
    if (this.lineage === undefined) return undefined;
    return `00-${this.lineage.task.traceId}-${this.id.toString(16).padStart(16, '0')}-01`;
  }
}

/** The XState actors, inside one agent, between which an event travels. */
export interface Inner {
  readonly target: object;
  readonly source: object | undefined;
}

/** The `type` of an event object, or a word for what is none. */
export function typeOf(message: unknown): string {
  if (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    typeof message.type === 'string'
  ) {
    return message.type;
  }
  return `(${message === null ? 'null' : typeof message})`;
}
