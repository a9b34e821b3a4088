/**
 * Redaction: the hook that takes out of reports what nobody should read, and all that passes it on
 * the way to the log and the inspection.
 */
import type { DeadLetter } from './dead-letters.ts';
import type { ExitReason } from './exit.ts';
import type { Report } from './inspection.ts';
import type { Log } from './log.ts';

/** Gives the report that the log and the inspection get in place of the one that it is given. */
export type Redact = (report: Report) => Report;

/** What one system lets be seen. Without a hook everything stays the very same object. */
export class Redaction {
  readonly #redact: Redact | undefined;

  constructor(redact: Redact | undefined) {
    this.#redact = redact;
  }

  report(report: Report): Report {
    return this.#redact === undefined ? report : redacted(report, this.#redact);
  }

  /** An exit reason: its error, or the cause that it carries. */
  reason(path: string, reason: ExitReason): ExitReason {
    const err = reason.type === 'crash' ? reason.error : (reason as { cause?: unknown }).cause;
    if (err === undefined || this.#redact === undefined) return reason;
    const shown = this.error('agent ended', path, err);
    return reason.type === 'crash'
      ? { type: 'crash', error: shown }
      : ({ ...reason, cause: shown } as ExitReason);
  }

  error(label: string, path: string, err: unknown): unknown {
    if (err === undefined || this.#redact === undefined) return err;
    return this.report({ level: 'error', label, path, fields: { err } }).fields['err'];
  }

  /** A dead letter of an agent at this path: what is kept to be sent again stays as it is. */
  letter(path: string, letter: DeadLetter): DeadLetter {
    if (letter.reason !== 'poison' || this.#redact === undefined) return letter;
    const fields = { message: letter.message, err: letter.error };
    const shown = this.report({ level: 'warn', label: 'dead letter', path, fields }).fields;
    return { ...letter, message: shown['message'], error: shown['err'] };
  }
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

/**
 * The report as it may be read. A hook that throws, or gives what is no report, leaves nothing but
 * where it came from: what it threw may quote what it was to take out.
 */
function redacted(report: Report, redact: Redact): Report {
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

function isReport(given: unknown): given is Report {
  const { label, path, fields } = (given ?? {}) as Partial<Record<keyof Report, unknown>>;
  return (
    typeof label === 'string' &&
    typeof path === 'string' &&
    typeof fields === 'object' &&
    fields !== null
  );
}
