// The linter keeps clocks, timers and chance out of the shipped sources (.oxlintrc.json). It has
// no rule for what is looked for here, nor for a comment that switches the seam rule off.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { source: string }>;
};
// What traps the use of something has to name it.
const seams = [
  'runtime/clock.ts',
  'runtime/scheduler.ts',
  'runtime/random.ts',
  'simulation/traps.ts',
];

/** The shipped sources, with what the exports name as the list of shipped folders. */
const sources = Object.values(manifest.exports)
  .flatMap((entry) => (typeof entry === 'string' ? [] : [entry.source.slice('./'.length)]))
  .flatMap((index) => {
    const folder = index.slice(0, -'/index.ts'.length);
    if (!index.includes('/')) return [index];
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);
  })
  .filter((file) => !seams.includes(file));

it.each([
  ['reads the time with new Date()', /\bnew Date\(\s*\)/],
  ['draws random bytes', /\b(?:getRandomValues|randomUUID|randomBytes)\b/],
  ['imports a timer by its unprefixed name', /from\s*['"](?:timers|crypto|perf_hooks)\b/],
  [
    'imports what the seams wrap while it runs',
    /\bimport\(\s*['"](?:nanoid|node:(?:timers|crypto|perf_hooks))\b/,
  ],
  ['switches the seam rule off', /(?:oxlint|eslint)-disable\S*\s+[^\n]*no-restricted/],
])('no shipped source but a seam %s', (_, pattern) => {
  const wrong = sources.filter((file) => {
    const code = readFileSync(join(root, file), 'utf8').replace(/^\s*\*.*$/gm, '');
    return pattern.test(code);
  });
  expect(wrong).toEqual([]);
});
