/** The digests of steps to which the tokens of some programs lead: they must be the same in every process. */
import { decodeToken, explore } from 'troupe/simulation';
import { corpus } from './index.ts';

/** One of each kind, with timers, chance of the search, and crashes. */
const PROGRAMS = ['D02', 'D13', 'H02', 'R04', 'L06', 'O01', 'O07'];

/** By program: the digest of the steps of its token. */
export function digests(): Record<string, string> {
  return Object.fromEntries(
    corpus
      .filter(({ id }) => PROGRAMS.includes(id))
      .map(({ id, buggy }) => {
        const { minimal } = explore(buggy, { exhaustiveMs: 0 }).failure ?? {};
        return [id, decodeToken(minimal?.token ?? '').digest];
      }),
  );
}

if (process.argv.includes('--print')) process.stdout.write(JSON.stringify(digests()));
