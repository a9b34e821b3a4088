// The house has floors, and an import goes down: never up, never sideways. The compiler says so,
// because a folder's tsconfig.json references only what lies below it. These tests hold the
// references to the floors, hold the imports to the references, and see the compiler refuse.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const floors: Record<string, number> = {
  runtime: 0,
  supervision: 1,
  transport: 1,
  testing: 2,
  actors: 2,
  simulation: 2,
  cli: 3,
  examples: 3,
  // Every example is also a test, so the tests stand above them.
  test: 4,
};

// What a user installs; the rest reads it by package name, as the user does.
const isShipped = (folder: string) => folder !== 'examples' && folder !== 'test';

const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['node_modules', 'dist'].includes(entry.name))
  .map((entry) => entry.name)
  .filter((folder) => readdirSync(join(root, folder)).includes('tsconfig.json'));

/** The names of the folders, or `face`, that a tsconfig file references. */
function referencesOf(tsconfig: string): string[] {
  const text = readFileSync(join(root, tsconfig), 'utf8');
  return [...text.matchAll(/"path":\s*"([^"]+)"/g)].map(([, path]) =>
    path!.endsWith('tsconfig.face.json')
      ? 'face'
      : relative(root, join(root, dirname(tsconfig), path!)),
  );
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

/** What a source imports, exports from or loads; comments, with their examples, do not count. */
function specifiersOf(file: string): string[] {
  const code = readFileSync(join(root, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  const forms = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map(([, specifier]) => specifier!));
}

/** The folder that a relative import of a file leads into, or `face` for the top-level index.ts. */
function folderOf(file: string, specifier: string): string {
  const path = relative(root, join(root, dirname(file), specifier));
  return path === 'index.ts' ? 'face' : path.split(/[\\/]/)[0]!;
}

describe('the floors', () => {
  it('give every folder with a tsconfig.json a floor', () => {
    expect(folders.filter((folder) => floors[folder] === undefined)).toEqual([]);
    expect(folders).toContain('runtime');
  });

  it('are all built by the solution', () => {
    expect(referencesOf('tsconfig.json').toSorted()).toEqual([...folders, 'face'].toSorted());
  });

  it.each(folders)('let the references of %s lead down only', (folder) => {
    const upward = referencesOf(join(folder, 'tsconfig.json')).filter((target) =>
      target === 'face' ? isShipped(folder) : !(floors[target]! < floors[folder]!),
    );
    expect(upward).toEqual([]);
  });

  it.each(folders)('let the relative imports of %s lead to its references only', (folder) => {
    const allowed = [folder, ...referencesOf(join(folder, 'tsconfig.json'))];
    const wrong = sourcesOf(folder).flatMap((file) =>
      specifiersOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => !allowed.includes(folderOf(file, specifier)))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(folders.filter(isShipped))('keep the package name out of %s', (folder) => {
    const wrong = sourcesOf(folder).flatMap((file) =>
      specifiersOf(file)
        .filter((specifier) => /^troupe(\/|$)/.test(specifier))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('let the face import its references only', () => {
    const allowed = referencesOf('tsconfig.face.json');
    const wrong = specifiersOf('index.ts').filter(
      (specifier) => !allowed.includes(folderOf('index.ts', specifier)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the compiler', () => {
  let house: string;

  // A copy of the house with the real settings and one line of source on each floor.
  beforeEach(() => {
    house = mkdtempSync(join(tmpdir(), 'troupe-floors-'));
    for (const file of ['package.json', 'tsconfig.base.json', 'tsconfig.face.json']) {
      cpSync(join(root, file), join(house, file));
    }
    for (const folder of ['runtime', 'supervision']) {
      mkdirSync(join(house, folder));
      cpSync(join(root, folder, 'tsconfig.json'), join(house, folder, 'tsconfig.json'));
    }
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'), 'junction');
    write('runtime/index.ts', `export const floor = 0;`);
    write('supervision/index.ts', `export { floor as below } from '../runtime/index.ts';`);
    write('index.ts', `export * from './supervision/index.ts';`);
  });

  afterEach(() => {
    rmSync(house, { recursive: true, force: true });
  });

  function write(file: string, source: string): void {
    writeFileSync(join(house, file), `${source}\n`);
  }

  function tsc(...args: string[]): { built: boolean; output: string } {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    try {
      const output = execFileSync(process.execPath, [compiler, ...args], {
        cwd: house,
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return { built: true, output };
    } catch (error) {
      return { built: false, output: String((error as { stdout?: string }).stdout) };
    }
  }

  it('builds an import that goes down', () => {
    expect(tsc('-b', 'tsconfig.face.json')).toEqual({ built: true, output: '' });
  });

  it('refuses an import that goes up', () => {
    write('runtime/upward.ts', `export { below } from '../supervision/index.ts';`);
    const { built, output } = tsc('-p', 'runtime');
    expect(built).toBe(false);
    expect(output).toContain('runtime/upward.ts');
    expect(output).toContain('supervision/index.ts');
  });

  it.each(['before', 'after'])('refuses an import of the package itself, %s a build', (when) => {
    // Once built, the package's declarations lie in dist, where the name could lead to them.
    if (when === 'after') expect(tsc('-b', 'tsconfig.face.json').built).toBe(true);
    write('runtime/upward.ts', `export { below } from 'troupe';`);
    const { built, output } = tsc('-p', 'runtime');
    expect(built).toBe(false);
    expect(output).toContain('runtime/upward.ts');
  });
}, 60_000);
