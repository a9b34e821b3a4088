/**
 * The options of the command line, from texts to values.
 */
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A number of things, such as `--schedules 500`. */
export function countOf(text: string): number {
  if (!/^\d+$/.test(text))
    throw new InvalidArgumentError('It must be a whole number, such as 500.');
  return Number(text);
}

/** At least one of them. */
export function positive(text: string): number {
  const count = countOf(text);
  if (count === 0) throw new InvalidArgumentError('It must be 1 or more.');
  return count;
}

/** Where to listen: a port, or host:port. */
export function listenOf(text: string): { readonly port: number; readonly host?: string } {
  const [, host, digits] = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits ?? NaN);
  if (!(port <= 65_535))
    throw new InvalidArgumentError('It must be a port or host:port, such as 7000 or 0.0.0.0:7000.');
  return { port, ...(host !== undefined && { host: host.replace(/^\[|\]$/g, '') }) };
}

/** One more of an option that can stand several times. */
export function oneMore(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** A time with its unit, in milliseconds. */
export function durationOf(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined)
    throw new InvalidArgumentError('It must be a time with its unit, such as 500ms, 3s or 10m.');
  return Number(amount) * (UNITS[unit] ?? 1);
}
