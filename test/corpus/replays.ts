/**
 * The replay of the corpus in fresh processes, of several majors of Node: a token must make the same
 * steps in each. `npm run corpus -- --replays 100` is the long form.
 *
 * As a program of its own it reads tokens from standard input, and writes the digests of their steps;
 * or it reads the names of programs, and writes their tokens.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { explore, replayToken } from 'troupe/simulation';
import { corpus } from './index.ts';

/** Texts by the id of a program. */
export type ByProgram = Readonly<Record<string, string>>;

/** The majors of Node on which everything must hold, as in `.ci/run`. */
const MAJORS = [20, 22, 24];

/** The tokens of the buggy programs. */
export function tokensOf(ids: readonly string[] = corpus.map(({ id }) => id)): ByProgram {
  const programs = corpus.filter(({ id }) => ids.includes(id));
  return Object.fromEntries(
    programs.map(({ id, buggy }) => [
      id,
      explore(buggy, { exhaustiveMs: 0 }).failure?.minimal?.token ?? '',
    ]),
  );
}

/** The digests of all that the replays of tokens do, step by step. */
export function digestsOf(tokens: ByProgram): ByProgram {
  const programs = corpus.filter(({ id }) => id in tokens);
  return Object.fromEntries(
    programs.map(({ id, buggy }) => {
      const { steps, setup, violation, drifted } = replayToken(buggy, tokens[id] ?? '');
      const done = JSON.stringify({ steps, setup, verdict: violation?.verdict, drifted });
      return [id, createHash('sha256').update(done).digest('base64url')];
    }),
  );
}

/** The digests of the same replays in a fresh process. */
export function digestsInProcess(tokens: ByProgram, node = process.execPath): ByProgram {
  return inProcess(node, tokens);
}

/** The tokens of programs that are explored in a fresh process. */
export function tokensInProcess(ids: readonly string[]): ByProgram {
  return inProcess(process.execPath, ids);
}

function inProcess(node: string, asked: ByProgram | readonly string[]): ByProgram {
  const script = fileURLToPath(import.meta.url);
  const args = ['--import', 'tsx', '--conditions=source', script];
  const input = JSON.stringify(asked);
  const { stdout, stderr, status } = spawnSync(node, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${node} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as ByProgram;
}

/** The programs that do otherwise in another process. */
export function differing(expected: ByProgram, given: ByProgram): string[] {
  return Object.keys(expected).filter((id) => expected[id] !== given[id]);
}

/** The Nodes that are here or that npm can get, by their major. */
export function nodes(): Map<number, string> {
  const found = new Map<number, string>();
  const own = Number(process.versions.node.split('.')[0]);
  for (const major of MAJORS) {
    const where = ['-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath'];
    const path =
      major === own
        ? process.execPath
        : spawnSync('npx', where, { encoding: 'utf8' }).stdout.trim().split('\n').at(-1);
    if (path) found.set(major, path);
  }
  return found;
}

/** Replays so often on each Node; true when all replays were alike, on two majors at least. */
export function replayEverywhere(count: number, write: (line: string) => void): boolean {
  const tokens = tokensOf();
  const here = digestsOf(tokens);
  const found = nodes();
  let isAlike = true;
  for (const [major, node] of found) {
    const differ = new Set<string>();
    for (let left = count; left > 0; left -= 1)
      for (const id of differing(here, digestsInProcess(tokens, node))) differ.add(id);
    const what = differ.size === 0 ? 'all alike' : `NOT alike: ${[...differ].join(', ')}`;
    write(`Node ${major}: ${count} processes, ${Object.keys(tokens).length} tokens each, ${what}`);
    isAlike &&= differ.size === 0;
  }
  if (found.size < 2) write(`only ${found.size} major of Node was found, of ${MAJORS.join(', ')}`);
  return isAlike && found.size >= 2;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = JSON.parse(readFileSync(0, 'utf8')) as ByProgram | string[];
  const answer = Array.isArray(asked) ? tokensOf(asked) : digestsOf(asked);
  process.stdout.write(JSON.stringify(answer));
}
