/**
 * Tokens of failures, kept in a folder beside the tests: one file for each scenario, one token in
 * each line. They are tried before anything else, so that a bug that was found once is found at once.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { hash } from './digest.ts';

const FOLDER = '.troupe';

/**
 * The folder `.troupe` beside a file, in which failures are kept by default; undefined where nothing
 * can be written: a check must not fail for its memory.
 *
 * @example
 * ```ts
 * import { storeBeside } from 'troupe/simulation';
 *
 * storeBeside('src/desk.sim.ts'); // 'src/.troupe'
 * ```
 */
export function storeBeside(file: string): string | undefined {
  const folder = join(dirname(file), FOLDER);
  try {
    accessSync(existsSync(folder) ? folder : dirname(file), constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/** The failures of one scenario that are kept. */
export class TokenStore {
  readonly file: string;
  readonly #folder: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    // Names that differ in signs only must not share a file.
    const readable = name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);
    this.file = join(folder, `${readable}.${hash(name).toString(36)}.tokens`);
  }

  /** What is kept, the oldest first. */
  get tokens(): string[] {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return [];
      throw error;
    }
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('//'));
  }

  /** Keeps a token. The folder is made when it is not there. */
  remember(token: string): void {
    const { tokens } = this;
    if (!tokens.includes(token)) this.#write([...tokens, token]);
  }

  forget(token: string): void {
    this.#write(this.tokens.filter((kept) => kept !== token));
  }

  #write(tokens: readonly string[]): void {
    if (tokens.length === 0) {
      rmSync(this.file, { force: true });
      return;
    }
    mkdirSync(this.#folder, { recursive: true });
    // Another process or thread may read it: it is there as a whole or not at all.
    const draft = `${this.file}.${process.pid}.${threadId}`;
    writeFileSync(draft, `${tokens.join('\n')}\n`);
    renameSync(draft, this.file);
  }
}
