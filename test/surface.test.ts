/**
 * The public surface, printed: widening it is a visible difference in test/surface.txt. After a
 * wanted change, `npx vitest run test/surface.test.ts -u` writes it anew.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const FOLDERS = ['runtime', 'supervision', 'transport', 'actors', 'testing', 'simulation'];

/** The names that a folder's list exports, values before types. */
function surfaceOf(folder: string): string[] {
  const source = readFileSync(new URL(`../${folder}/index.ts`, import.meta.url), 'utf8');
  const lines = [...source.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(
    ([, type = '', names = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .map((name) => `  ${type}${name}`),
  );
  return lines.sort(
    (a, b) => Number(a.includes('type ')) - Number(b.includes('type ')) || (a < b ? -1 : 1),
  );
}

test('the public surface is exactly the one that is written down', async () => {
  const surface = FOLDERS.map((folder) =>
    [`troupe/${folder}`, ...surfaceOf(folder)].join('\n'),
  ).join('\n\n');
  await expect(`${surface}\n`).toMatchFileSnapshot('surface.txt');
});

test.each(FOLDERS)('%s exports by an explicit list, and nothing by a star', (folder) => {
  const source = readFileSync(new URL(`../${folder}/index.ts`, import.meta.url), 'utf8');
  expect(source).not.toMatch(/export \*/);
});

test('the face exports the runtime and supervision, without a clash', async () => {
  const face: Record<string, unknown> = await import('troupe');
  const floors = [await import('troupe/runtime'), await import('troupe/supervision')];
  expect(Object.keys(face).sort()).toEqual(floors.flatMap((floor) => Object.keys(floor)).sort());
});
