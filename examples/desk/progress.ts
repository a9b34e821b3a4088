/** What people see while the desk works: a bar on a terminal, plain lines elsewhere. */
import type { Incident } from './desk.ts';
import type { Result } from './document.ts';

/** Where it is shown, such as `process.stderr`. */
export type Screen = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number };

/** Returns what shows an incident or an outcome. No screen, no progress. */
export function createProgress(total: number, screen?: Screen) {
  let count = 0;
  return (word: Incident['kind'] | Result['outcome'], text: string): void => {
    if (word === 'done' || word === 'failed' || word === 'timed out') count += 1;
    // A file's name may hold anything, also what would steer the terminal.
    const line = `${word.padEnd(9)} ${text}`.replace(/\p{Cc}/gu, '?');
    if (!screen?.isTTY) return void screen?.write(`${line}\n`);
    // What went wrong stays on the screen, above the bar.
    if (word !== 'done') screen.write(`\r\x1b[K${line}\n`);
    const bar = '█'.repeat((24 * count) / total).padEnd(24, '░');
    const rest = `${bar} ${count}/${total} ${line}`.slice(0, (screen.columns ?? 80) - 1);
    screen.write(`\r\x1b[K${count < total ? rest : ''}`);
  };
}
