/**
 * Misuse: what whoever calls the command can put right. It is said without a stack trace.
 */

/** What the command ends with; of a node or a cluster, `violation` says that it is not well. */
export const EXIT = { clean: 0, violation: 1, misuse: 2, nondeterministic: 3 } as const;

/** Something to be put right by whoever called the command: what, and how. */
export class Misuse extends Error {
  override readonly name = 'Misuse';

  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message}\n  ${hint}`);
  }
}

/** An error in a line or two: what it says, and the first place of the user's own in its stack. */
export function inShort(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [first = ''] = error.message.split('\n\n');
  const place = (error.stack ?? '')
    .split('\n')
    .find((line) => /^\s+at /.test(line) && !/node:|node_modules|[\\/]dist[\\/]/.test(line));
  const at = /\(?((?:file:|\/|\w:\\)[^()]*:\d+:\d+)\)?$/.exec(place ?? '')?.[1];
  const where = at === undefined ? '' : `\n  at ${at.replace(/^file:\/\//, '')}`;
  return `${error.name}: ${first}${where}`;
}
