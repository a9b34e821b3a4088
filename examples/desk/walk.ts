/** The walk that collects the documents. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { UsageError } from './arguments.ts';
import { isDocument } from './parse.ts';

/** Folders that hold no documents, beside those whose names begin with a dot. */
const SKIPPED = ['node_modules', 'dist', 'coverage', 'desk-report'];

/** The documents behind the paths, sorted. A file that is named is one whatever its ending is. */
export async function walk(paths: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') return undefined;
      throw new UsageError(`no such file or folder: "${path}"`, { cause });
    });
    const documents = stats?.isDirectory() ? await inFolder(path) : [path];
    for (const document of documents) found.set(resolve(document), document);
  }
  return [...found.values()].sort();
}

async function inFolder(folder: string): Promise<string[]> {
  // A folder that cannot be listed counts as a document: reading it will tell why.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  const found: string[] = entries === undefined ? [folder] : [];
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name);
    const isClosed = entry.name.startsWith('.') || SKIPPED.includes(entry.name);
    if (entry.isDirectory() && !isClosed) found.push(...(await inFolder(path)));
    if (entry.isFile() && isDocument(path)) found.push(path);
  }
  return found;
}
