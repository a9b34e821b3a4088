/**
 * The line that says how far a check is: each takes the place of the one before. Only for people who
 * watch, so nothing is written where standard error is no terminal.
 */
import type { Progress } from '../simulation/index.ts';

/** Where the line is written, such as `process.stderr`. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** What is shown of a check while it runs. */
export class ProgressLine {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows which check runs, and how far it is once that is known. */
  show(check: string, progress?: Progress): void {
    this.#replace(progress === undefined ? check : `${check} · ${countsOf(progress)}`);
  }

  /** Takes the line away, for what is written next. */
  clear(): void {
    this.#replace('');
  }

  #replace(text: string): void {
    if (this.#terminal.isTTY === true) this.#terminal.write(`\r\u001B[2K${text}`);
  }
}

function countsOf({ schedules, states }: Progress): string {
  const counts = [`${schedules.toLocaleString('en')} schedules`];
  if (states > 0) counts.push(`${states.toLocaleString('en')} states`);
  return counts.join(', ');
}
