/**
 * Crash reports: what is told of an agent that crashed, as OTP's crash report and the one of its
 * behaviour in one; and the hook that takes out of any report what nobody should read.
 */
import type { Cell } from './cell.ts';
import type { Envelope } from './envelope.ts';
import type { Report } from './inspection.ts';
import type { Log } from './log.ts';

/** Gives the report that the log and the inspection get in place of the one that it is given. */
export type Redact = (report: Report) => Report;

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

/**
 * The report as it may be read. A hook that throws, or gives what is no report, leaves nothing but
 * where it came from: what it threw may quote what it was to take out.
 */
export function redacted(report: Report, redact: Redact | undefined): Report {
  if (redact === undefined) return report;
  const { level, label, path } = report;
  try {
    const given: unknown = redact(report);
    if (isReport(given))
      return { level, label: given.label, path: given.path, fields: given.fields };
  } catch {
    // Below.
  }
  return { level, label, path, fields: { redact: 'failed' } };
}

/** A log whose errors, which the runtime writes of what somebody's code did, pass the hook. */
export function redactingLog(log: Log, redact: Redact | undefined): Log {
  if (redact === undefined) return log;
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (given, message) => {
      const { path = '', ...rest } = given as { readonly path?: string };
      const {
        label,
        path: shown,
        fields,
      } = redacted({ level: 'error', label: message, path, fields: rest }, redact);
      log.error({ path: shown, ...fields }, label);
    },
    child: (fields) => log.child(fields),
    isLevelEnabled: (level) => log.isLevelEnabled?.(level) !== false,
  };
}

function isReport(given: unknown): given is Report {
  const { label, path, fields } = (given ?? {}) as Partial<Record<keyof Report, unknown>>;
  return (
    typeof label === 'string' &&
    typeof path === 'string' &&
    typeof fields === 'object' &&
    fields !== null
  );
}
