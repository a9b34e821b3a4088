/**
 * The log: the part of a pino logger that the runtime uses.
 */
import { pino } from 'pino';

/** A structured log: fields first, then the message. Any pino logger is one. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
  /** Whether records of the level are written; what is not is not put together. Default: they are. */
  isLevelEnabled?(level: string): boolean;
}

/** The default log: JSON lines of warnings and errors to standard error, which programs leave for logs. */
export function createLog(name: string): Log {
  return pino({ name, level: 'warn' }, pino.destination({ dest: 2, sync: true }));
}

/** A log that says nothing. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
  isLevelEnabled: () => false,
};
