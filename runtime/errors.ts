/**
 * The runtime's errors: a small closed family. Misuse throws at the call, a failed ask rejects with
 * one of these, and a crash is no error of ours at all: it is an exit reason (see exit.ts).
 */
import type { ExitReason } from './exit.ts';

/** What every error of troupe has: a `name`, a stable `code`, structured `fields` and a `cause`. */
export abstract class TroupeError extends Error {
  /** A stable identifier for programs, such as `'ASK_TIMEOUT'`. */
  abstract readonly code: string;
  /** The facts of the message, for logs and tests. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(message: string, fields: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.fields = fields;
  }
}

/** Prints a value for an error message: short, on one line, never throwing. */
export function show(value: unknown): string {
  if (typeof value === 'function')
    return value.name === '' ? 'a function' : `function ${value.name}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  }
  try {
    const text = JSON.stringify(value) ?? Object.prototype.toString.call(value);
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** An option, field or argument with a value that is not allowed. */
export class InvalidOption extends TroupeError {
  readonly code = 'INVALID_OPTION';
  readonly field: string;

  constructor(fields: {
    readonly field: string;
    readonly given: unknown;
    readonly allowed: string;
  }) {
    super(`${fields.field}: given ${show(fields.given)}, allowed: ${fields.allowed}`, fields);
    this.field = fields.field;
  }
}

/** A name or an id that somebody else already holds. */
export class NameTaken extends TroupeError {
  readonly code = 'NAME_TAKEN';

  constructor(fields: {
    readonly name: string;
    readonly requestedBy: string;
    readonly heldBy: string;
  }) {
    super(
      `name "${fields.name}": requested by ${fields.requestedBy}, held by ${fields.heldBy}`,
      fields,
    );
  }
}

/** The installed XState is not one whose internals the adapter knows. */
export class UnsupportedXState extends TroupeError {
  readonly code = 'UNSUPPORTED_XSTATE';

  constructor(fields: { readonly missing: string; readonly supported: string }) {
    super(
      `this XState lacks ${fields.missing}; troupe supports xstate ${fields.supported}`,
      fields,
    );
  }
}

/** A call to a system that has stopped or is stopping. */
export class SystemStopped extends TroupeError {
  readonly code = 'SYSTEM_STOPPED';

  constructor(fields: { readonly system: string; readonly asked: string }) {
    super(`system "${fields.system}" has stopped; asked for: ${fields.asked}`, fields);
  }
}

/** There is no agent at the address: it never was, or it has ended. */
export class NoSuchActor extends TroupeError {
  readonly code = 'NO_SUCH_ACTOR';

  constructor(fields: { readonly address: string; readonly message?: string | undefined }) {
    super(
      `no agent at ${fields.address}${fields.message === undefined ? '' : ` for "${fields.message}"`}`,
      fields,
    );
  }
}

/**
 * An agent ended, and `reason` says how: the one that was asked, before it answered; the one that
 * asked, with its ask open; or one whose result was awaited, without one.
 */
export class ActorEnded extends TroupeError {
  readonly code = 'ACTOR_ENDED';
  readonly reason: ExitReason;

  constructor(
    fields: { readonly address: string; readonly message: string; readonly reason: ExitReason },
    when = `before it answered "${fields.message}"`,
  ) {
    const { reason } = fields;
    const cause = reason.type === 'crash' ? { cause: reason.error } : undefined;
    super(`${fields.address} ended (${reason.type}) ${when}`, fields, cause);
    this.reason = reason;
  }
}

/** How far a request had come when its deadline passed. */
export type AskProgress = 'not delivered' | 'queued' | 'started';

/** The deadline of an ask passed; `progress` says how far the request came. */
export class AskTimeout extends TroupeError {
  readonly code = 'ASK_TIMEOUT';
  readonly progress: AskProgress;

  constructor(fields: {
    readonly address: string;
    readonly message: string;
    readonly timeoutMs: number;
    readonly progress: AskProgress;
  }) {
    super(
      `"${fields.message}" to ${fields.address}: no answer within ${fields.timeoutMs} ms (${fields.progress})`,
      fields,
    );
    this.progress = fields.progress;
  }
}

/** The mailbox was at its bound and its policy refused the message, or it could postpone no more. */
export class MailboxFull extends TroupeError {
  readonly code = 'MAILBOX_FULL';

  constructor(
    fields: { readonly address: string; readonly message: string } & (
      { readonly capacityMessages: number } | { readonly capacityPostponed: number }
    ),
  ) {
    const bound =
      'capacityPostponed' in fields
        ? `capacityPostponed: ${fields.capacityPostponed} messages`
        : `${fields.capacityMessages} messages`;
    super(`mailbox of ${fields.address} is full (${bound}) for "${fields.message}"`, fields);
  }
}

/** The agent is alive but took no transition on the request, or its logic receives no messages. */
export class Unhandled extends TroupeError {
  readonly code = 'UNHANDLED';

  constructor(fields: {
    readonly address: string;
    readonly message: string;
    readonly why: string;
  }) {
    super(`${fields.address} does not handle "${fields.message}": ${fields.why}`, fields);
  }
}

/** The holder of a request finished with it and neither answered, failed nor handed it on. */
export class RequestLost extends TroupeError {
  readonly code = 'REQUEST_LOST';

  constructor(fields: {
    readonly address: string;
    readonly message: string;
    readonly why: string;
  }) {
    super(`${fields.address} lost the request "${fields.message}": ${fields.why}`, fields);
  }
}

/** The agent that asked was restored from a snapshot; an open ask is never sent again. */
export class Interrupted extends TroupeError {
  readonly code = 'INTERRUPTED';

  constructor(fields: { readonly message: string }) {
    super(
      `the ask "${fields.message}" was open when its agent was restored; it is not sent again`,
      fields,
    );
  }
}

/** The chain of asks and handoffs behind a message grew over the hop limit. */
export class HopLimit extends TroupeError {
  readonly code = 'HOP_LIMIT';

  constructor(fields: {
    readonly address: string;
    readonly hopsMax: number;
    readonly chain: readonly string[];
  }) {
    super(`more than ${fields.hopsMax} hops on the way to ${fields.address}`, fields);
  }
}

/** A call that only works on an agent of this process. */
export class NotLocal extends TroupeError {
  readonly code = 'NOT_LOCAL';

  constructor(fields: { readonly address: string; readonly asked: string }) {
    super(`${fields.asked} needs a local agent; ${fields.address} is remote`, fields);
  }
}

/** `sendParent` from the root machine of an agent, whose parent is the runtime. */
export class NoParent extends TroupeError {
  readonly code = 'NO_PARENT';

  constructor(fields: { readonly address: string; readonly message: string }) {
    super(
      `${fields.address} sent "${fields.message}" to its parent, but an agent's root machine has none: ` +
        `pass a ref in its input and use sendTo, or answer the request with reply(...)`,
      fields,
    );
  }
}

/**
 * An agent whose start has not ended asked one that waits for this very start, such as its own
 * supervisor: neither could go on. Ask after the start, with a message to itself.
 */
export class AskedByStartingChild extends TroupeError {
  readonly code = 'ASKED_BY_STARTING_CHILD';

  constructor(fields: {
    readonly address: string;
    readonly message: string;
    readonly askedBy: string;
  }) {
    super(
      `${fields.address} cannot answer "${fields.message}": it waits for the start of ${fields.askedBy}, which asks`,
      fields,
    );
  }
}

/**
 * Agents wait for each other in a circle, so that none of them could go on: the youngest request of
 * the circle fails with this. `members` are their addresses, each waiting for the next and the last for
 * the first; `requests` are what they wait for, in the same order.
 */
export class DeadlockError extends TroupeError {
  readonly code = 'DEADLOCK';
  readonly members: readonly string[];
  readonly requests: readonly string[];

  constructor(fields: {
    readonly address: string;
    readonly message: string;
    readonly members: readonly string[];
    readonly requests: readonly string[];
  }) {
    const { members, requests } = fields;
    super(`a deadlock: ${circleText(members, requests)}`, fields);
    this.members = members;
    this.requests = requests;
  }
}

/** What a member of a deadlock waits for that waits for room in a mailbox, and not for an answer. */
export const ROOM = '(room)';

/** In one line: who waits for what of whom, round and round. */
export function circleText(members: readonly string[], requests: readonly string[]): string {
  const waits = members.map((member, at) => {
    const request = requests[at] as string;
    return `${member} waits for ${request === ROOM ? 'room in' : `"${request}" of`}`;
  });
  return `${waits.join(' ')} ${members[0]}`;
}

/** An agent that could not start; `path` names it and `cause` is the first cause. */
export class StartFailed extends TroupeError {
  readonly code = 'START_FAILED';
  readonly path: string;

  constructor(fields: { readonly path: string }, options: { readonly cause: unknown }) {
    const { cause } = options;
    super(
      `${fields.path} could not start: ${cause instanceof Error ? cause.message : show(cause)}`,
      fields,
      options,
    );
    this.path = fields.path;
  }
}

/** A message, snapshot or value that cannot be frozen, stored or sent; `at` is the path inside it. */
export class UnfitPayload extends TroupeError {
  readonly code = 'UNFIT_PAYLOAD';

  constructor(
    fields: { readonly at: string; readonly given: unknown; readonly why: string },
    options?: ErrorOptions,
  ) {
    super(`${fields.at}: ${fields.why}`, { ...fields, given: show(fields.given) }, options);
  }
}
