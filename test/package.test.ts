// What a stranger gets: the packed project, installed into an empty folder, with the first program
// of the README type-checked and run there.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

// npm tells what it runs about itself. A second npm that heard it would work on this project.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)|^NODE_ENV$/.test(name),
  ),
);

function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** The first program of the README, and what it prints where a text block follows it at once. */
function firstProgram(): { source: string; prints: string | undefined } {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)];
  const first = blocks.findIndex(([, language]) => language === 'ts');
  if (first < 0) throw new Error('README.md has no ```ts block');
  const next = blocks[first + 1];
  return { source: blocks[first]![2]!, prints: next?.[1] === 'text' ? next[2] : undefined };
}

it('depends on nothing but this', () => {
  expect(Object.keys(manifest.dependencies)).toEqual([
    '@standard-schema/spec',
    'commander',
    'msgpackr',
    'nanoid',
    'pino',
    'ws',
  ]);
  expect(Object.keys(manifest.peerDependencies)).toEqual([
    '@opentelemetry/api',
    'fast-check',
    'pino-pretty',
    'xstate',
  ]);
});

describe('the packed project', () => {
  let folder: string;
  let installed: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-package-'));
    installed = join(folder, 'node_modules/troupe');
    run('npm', ['pack', '--pack-destination', folder], root);
    const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!;
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    const tools = ['xstate', 'typescript', '@types/node'];
    const versions = tools.map((name) => `${name}@${manifest.devDependencies[name]}`);
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
    run('npm', ['install', ...flags, `./${tarball}`, ...versions], folder);
  }, 300_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds no tests, examples or build records', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    const unwanted = files.filter((file) =>
      /^(dist[\\/])?(test|examples)\b|\.test\.|tsbuildinfo|vitest|node_modules/.test(file),
    );
    expect(unwanted).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'index.ts']));
  });

  it('holds every file that a page in it links to', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    const pages = files.filter((file) => file.endsWith('.md'));
    expect(pages).toEqual(expect.arrayContaining(['README.md', join('docs', 'semantics.md')]));
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(installed, page), 'utf8');
      const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
      return links.filter((link) => !existsSync(join(installed, dirname(page), link)));
    });
    expect(missing).toEqual([]);
  });

  it('holds every file that its exports name', () => {
    const named = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    expect(named.filter((file) => !existsSync(join(installed, file)))).toEqual([]);
  });

  it('holds the command that its bin names, and runs it', () => {
    const help = run('npx', ['--no-install', 'troupe', '--help'], folder);
    expect(help).toContain('Usage: troupe');
    expect(run('npx', ['--no-install', 'troupe', '--version'], folder)).toContain(manifest.version);
    // What it needs beyond the runtime is an optional peer, and this folder has not installed it.
    expect(() => run('npx', ['--no-install', 'troupe', 'check', 'a.js'], folder)).toThrow(
      /troupe: fast-check is not installed\n {2}Install it: npm install --save-dev fast-check\n$/,
    );
  });

  it("type-checks and runs the README's first program", { timeout: 180_000 }, () => {
    const { source, prints } = firstProgram();
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/program.ts'), source);
    const options =
      '--strict --module nodenext --target es2023 --types node --rootDir src --outDir out';
    const compiler = join(folder, 'node_modules/typescript/bin/tsc');
    run(process.execPath, [compiler, ...options.split(' '), 'src/program.ts'], folder);
    const printed = run(process.execPath, ['out/program.js'], folder);
    if (prints !== undefined) expect(printed.trimEnd()).toBe(prints.trimEnd());
  });
});
