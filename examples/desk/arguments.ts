/** The command line: what it says, and what is wrong with it. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The command line asks for what cannot be: exit code 2. */
export class UsageError extends Error {}

export type Options = ReturnType<typeof parseArguments>;

export const HELP = readFileSync(new URL('help.txt', import.meta.url), 'utf8');

const OPTIONS = {
  out: { type: 'string', default: 'desk-report' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  concurrency: { type: 'string', default: '4' },
  'timeout-ms': { type: 'string', default: '10000' },
  'max-bytes': { type: 'string', default: '1048576' },
} as const;

export function parseArguments(args: string[]) {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  return {
    ...values,
    paths: positionals.length > 0 ? positionals : ['.'],
    concurrency: wholeNumber('--concurrency', values.concurrency, 256),
    timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms'], 2 ** 31 - 1),
    maxBytes: wholeNumber('--max-bytes', values['max-bytes'], 2 ** 30),
  };
}

function wholeNumber(option: string, text: string, max: number): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
  throw new UsageError(`${option} must be a whole number from 1 to ${max}, not "${text}"`);
}
