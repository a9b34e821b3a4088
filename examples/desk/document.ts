/** A document on the desk: how its text is read, and what became of it in the end. */
import { isUtf8 } from 'node:buffer';
import { constants, open } from 'node:fs/promises';

import type { Kind } from './analyse.ts';

/** One document's entry in the report: each has exactly one outcome. */
export interface Result {
  readonly path: string;
  readonly outcome: 'done' | 'failed' | 'timed out';
  readonly reason?: string;
  readonly title?: string;
  readonly kind?: Kind;
  readonly entities?: Readonly<Record<string, readonly string[]>>;
  readonly keyPhrases?: readonly string[];
  readonly summary?: string;
  readonly ms: number;
}

/** The document itself is at fault: reading it again would end in the same way. */
export class DocumentError extends Error {}

/** Reads a document's text, or rejects with a `DocumentError`. */
export async function readDocument(path: string, maxBytes: number): Promise<string> {
  // Without O_NONBLOCK, opening a named pipe would wait until somebody writes to it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((cause: Error) => {
    throw new DocumentError(cause.message, { cause });
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new DocumentError('not a file, but a folder, a pipe or a device');
    if (stats.size > maxBytes) throw new DocumentError(`too large: it has ${stats.size} bytes`);
    const bytes = await file.readFile();
    if (bytes.includes(0)) throw new DocumentError('binary: there is a NUL byte in it');
    if (!isUtf8(bytes)) throw new DocumentError('invalid UTF-8: some of its bytes are no text');
    return new TextDecoder().decode(bytes);
  } finally {
    await file.close();
  }
}
