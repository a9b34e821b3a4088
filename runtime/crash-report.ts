/**
 * Crash reports: what is told of an agent that crashed, as OTP's crash report and the one of its
 * behaviour in one.
 */
import type { Cell } from './cell.ts';
import type { Envelope } from './envelope.ts';

/** What a crash report says. */
export type CrashFields = {
  readonly incarnation: number;
  /** The type of the message that the agent crashed on; with `crashDetails` the message itself. */
  readonly message: unknown;
  /** Who had sent it. */
  readonly from: string | undefined;
  /** The messages that wait behind it. */
  readonly queuedMessages: number;
  /** The names that the life held. */
  readonly names: readonly string[];
  /** The paths of the agents that it was linked with. */
  readonly links: readonly string[];
  readonly trapExit: boolean;
  /** What it was spawned with; only with `crashDetails`. */
  readonly input?: unknown;
  /** Its state before the message, of a machine with its `value`; only with `crashDetails`, and once it has started. */
  readonly state?: unknown;
  /** What was thrown. */
  readonly err: unknown;
};

/** What there is to say of a crash that has just happened. */
export function crashFields(
  cell: Cell,
  err: unknown,
  poison: Envelope | undefined,
  withDetails: boolean,
): CrashFields {
  const { life, mailbox, options } = cell;
  return {
    incarnation: life.incarnation,
    message: withDetails ? poison?.message : poison?.type,
    from: poison?.from,
    queuedMessages: mailbox.depth,
    names: [...(life.names ?? [])],
    links: [...(life.links ?? [])].map(({ path }) => path),
    trapExit: life.trapExit,
    ...(withDetails && { input: options.input, state: stateOf(cell) }),
    err,
  };
}

function stateOf(cell: Cell): unknown {
  // Before it has started there may be no state, and asking for it would run user code once more.
  if (cell.status !== 'running') return undefined;
  try {
    const snapshot = cell.snapshot() as { readonly value?: unknown; readonly context?: unknown };
    const { value, context } = snapshot;
    return 'value' in snapshot ? { value, context } : context;
  } catch {
    return undefined;
  }
}
