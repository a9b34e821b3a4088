/**
 * Tokens of failures, kept in a folder beside the tests: one file for each scenario, one token in
 * each line. They are tried before anything else, so that a bug that was found once is found at once.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from './digest.ts';

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
    writeFileSync(this.file, `${tokens.join('\n')}\n`);
  }
}
