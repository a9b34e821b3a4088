// The prose holds what it says: every TypeScript block compiles, every link leads somewhere, the
// code map names the files that there are, and the limits are those of the code.
//
// A block of a page that imports stands alone. Any other is the body of an async function, and sees
// what its page declares in a comment `<!-- prelude: … -->`, which readers do not see.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS } from 'troupe';
import { ACTORS_LIMITS } from 'troupe/actors';
import { TRANSPORT_LIMITS } from 'troupe/transport';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file).replaceAll('\\', '/'))
    .filter((file) => file.endsWith(ending))
    .toSorted();
}

const shipped = ['runtime', 'supervision', 'transport', 'actors', 'testing', 'simulation', 'cli'];
const sources = ['index.ts', ...shipped.flatMap((folder) => filesIn(folder, '.ts'))];
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md') && file !== 'AGENTS.md'),
  ...filesIn('docs', '.md').filter((file) => !file.startsWith('docs/api/')),
  ...shipped.flatMap((folder) => filesIn(folder, '.md')),
];

interface Block {
  readonly file: string;
  readonly line: number;
  readonly code: string;
  readonly prelude: string;
}

/** The ```ts blocks of a text, each with the line on which its code begins. */
function blocksOf(file: string, text: string, prelude: string): Block[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[1]!,
    prelude,
  }));
}

function blocksOfPage(page: string): Block[] {
  const text = read(page);
  const preludes = [...text.matchAll(/<!-- prelude:\n([\s\S]*?)-->/g)].map((match) => match[1]!);
  return blocksOf(page, text, preludes.join('\n'));
}

/** The examples of a source: their lines without the comment's stars, and nothing else of it. */
function blocksOfSource(source: string): Block[] {
  let inExample = false;
  const lines = read(source)
    .split('\n')
    .map((line) => {
      const text = /^\s*\* ?(.*)$/.exec(line)?.[1];
      if (text === undefined || text.startsWith('/')) inExample = false;
      else if (text.startsWith('@')) inExample = text.startsWith('@example');
      return inExample && text !== undefined && !text.startsWith('@') ? text : '';
    });
  return blocksOf(source, lines.join('\n'), EXAMPLES);
}

/** What the examples in the sources leave out. */
const EXAMPLES = `
import { expect } from 'vitest';
import { createActor, createMachine, setup } from 'xstate';
import { agentName, ask, child, createSystem, createVirtualClock, dynamicSupervisor, fromHandler, observeMetrics, startChild, stopOnSignals, supervisor, type Ref, type ReplyTo, type System, watchForTrouble } from 'troupe';
import { createTestSystem } from 'troupe/testing';
import { joinCluster, observeCluster } from 'troupe/transport';
import { capability, eventBus, fanIn, fanOut, join, limited, limiter, once, perform, performer, pipeline, planExecutor, planFor, pool, publish, registry, workLog, type BusEvent, type BusRef, type Task } from 'troupe/actors';
type EditEvent = { type: 'edit'; text: string; replyTo: ReplyTo<{ type: 'edited'; text: string }> };
declare const system: System;
declare const bus: BusRef;
const editorMachine = setup({ types: { events: {} as EditEvent } }).createMachine({});
const indexMachine = createMachine({});
const counterMachine = setup({ types: { events: {} as { type: 'add'; amount: number } } }).createMachine({});
const trafficLight = createMachine({});
const workerLogic = fromHandler({ receive: () => undefined });
const Editor = agentName<typeof editorMachine>('editor');
const editor = performer('editor', (task: Task<{ text: string }>) => ({ text: task.input.text }));
`;

/** What an example may use and nobody has to install. */
const AMBIENT = `
declare module '@opentelemetry/api' {
  export const metrics: { getMeter(name: string): import('troupe').Meter };
  export const trace: import('troupe/actors').OpenTelemetry['trace'];
  export const ROOT_CONTEXT: import('troupe/actors').OpenTelemetry['ROOT_CONTEXT'];
}
`;

/** Stands at the line where it stands in its file, so that the compiler's message leads there. */
function moduleOf({ code, line, prelude }: Block): string {
  const imports = code.match(/^import .*;$/gm) ?? [];
  if (imports.length > 0 && prelude !== EXAMPLES) return '\n'.repeat(line - 1) + code;
  const body = code.replace(/^import .*;$/gm, '');
  const block = `export async function block() {\n${body}}\n`;
  return '\n'.repeat(line - 2) + block + imports.join('\n') + prelude;
}

/** Compiles all blocks at once, as a user's strict project would; returns what the compiler says. */
function compile(blocks: readonly Block[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    for (const name of ['xstate', 'vitest', 'zod', '@types']) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
    }
    symlinkSync(root, join(folder, 'node_modules/troupe'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    const settings = {
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        customConditions: ['source'],
        rootDir: '/',
        typeRoots: ['node_modules/@types'],
        noEmit: true,
        composite: false,
        declarationMap: false,
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      files: [
        ...blocks.map((block) => `${block.file.replaceAll('/', '--')}@${block.line}.ts`),
        'ambient.d.ts',
      ],
    };
    writeFileSync(join(folder, 'ambient.d.ts'), AMBIENT);
    blocks.forEach((block, index) => {
      writeFileSync(join(folder, settings.files[index]!), moduleOf(block));
    });
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const flags = ['-p', folder, '--pretty', 'false'];
    execFileSync(process.execPath, [compiler, ...flags], { cwd: folder, stdio: 'pipe' });
    return [];
  } catch (error) {
    const output = String((error as { stdout?: Buffer }).stdout ?? error);
    // The sources are compiled along, and what is wrong with them is another test's to say.
    return output.split('\n').filter((line) => line !== '' && !/^(\.\.|\/|\s)/.test(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the blocks of TypeScript', () => {
  const blocks = [...pages.flatMap(blocksOfPage), ...sources.flatMap(blocksOfSource)];

  it('are found in pages and in sources', () => {
    const files = blocks.map((block) => block.file);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/from-xstate.md']));
    expect(files).toEqual(expect.arrayContaining(['runtime/handler.ts', 'runtime/clock.ts']));
  });

  it('are fenced wherever a source gives an example', () => {
    const withExample = sources.filter((source) => /^\s*\* @example/m.test(read(source)));
    const fenced = new Set(blocks.map((block) => block.file));
    expect(withExample.filter((source) => !fenced.has(source))).toEqual([]);
  });

  it('compile', { timeout: 60_000 }, () => {
    expect(compile(blocks)).toEqual([]);
  });
});

describe('the links', () => {
  /** The anchors of a page, as GitHub makes them of its headings. */
  const anchorsOf = (page: string): string[] =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(pages)('of %s lead somewhere', (page) => {
    const text = read(page).replace(/^```[\s\S]*?^```$/gm, '');
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1]!)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : relative(root, join(root, dirname(page), path));
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(target).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it.each(pages)('and the paths of sources that %s names do too', (page) => {
    const named = [...read(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.ts)`/g)].map((m) => m[1]!);
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe('the architecture', () => {
  /** From a heading to the next of the same level. */
  const section = (heading: string): string => {
    const [, found] = read('ARCHITECTURE.md').split(new RegExp(`^## ${heading}$`, 'm'));
    if (found === undefined) throw new Error(`ARCHITECTURE.md has no section "${heading}"`);
    return found.split(/^## /m)[0]!;
  };

  it('names every source in its code map, and none that is not there', () => {
    const named = [...section('Code map').matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g)];
    expect(named.map((match) => match[1]!).toSorted()).toEqual(sources.toSorted());
  });

  it('walks through functions that are in the files which it names', () => {
    const walks = section('The walks');
    const lines = walks.split('\n').filter((line) => /^\d+\. /.test(line));
    expect(lines.filter((line) => !/^\d+\. `[\w/-]+\.ts` `/.test(line))).toEqual([]);
    const steps = [...walks.matchAll(/`([\w/-]+\.ts)`((?:,? `#?\w+`)+)/g)];
    expect(steps.length).toBeGreaterThan(lines.length);
    const missing = steps.flatMap(([, file, names]) => {
      const code = read(file!);
      return [...names!.matchAll(/`#?(\w+)`/g)]
        .map((match) => match[1]!)
        .filter((name) => !new RegExp(`\\b${name}\\b`).test(code))
        .map((name) => `${file} has no ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

it.each([
  ['README.md', 'runtime/limits.ts', LIMITS],
  ['transport/README.md', 'transport/limits.ts', TRANSPORT_LIMITS],
  ['actors/README.md', 'actors/limits.ts', ACTORS_LIMITS],
])(
  '%s lists the limits of the code, with their defaults and what the code says of them',
  (page, file, limits) => {
    const rows = read(page).matchAll(/^\| `(\w+)` +\| (\d+) +\|[^|]*\| (.*?) +\|(?:[^|]*\|)?$/gm);
    const listed = [...rows].map(([, name, value, meaning]) => [name!, Number(value), meaning!]);
    const code = read(file);
    const inCode = Object.entries(limits).map(([name, value]) => {
      const meaning = new RegExp(`/\\*\\* (.*?) \\*/\\s*${name}:`).exec(code)?.[1];
      return [name, value, meaning];
    });
    expect(listed).toEqual(inCode);
  },
);
