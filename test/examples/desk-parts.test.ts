import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import * as analyse from '../../examples/desk/analyse.ts';
import { HELP, parseArguments, UsageError } from '../../examples/desk/arguments.ts';
import type { Report } from '../../examples/desk/desk.ts';
import { DocumentError, readDocument, type Result } from '../../examples/desk/document.ts';
import { parse } from '../../examples/desk/parse.ts';
import { createProgress } from '../../examples/desk/progress.ts';
import { summaryOf, toHtml, toMarkdown } from '../../examples/desk/report.ts';
import { walk } from '../../examples/desk/walk.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Uint8Array = 'text'): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

describe('readDocument', () => {
  it('reads text up to the limit, also an empty one', async () => {
    expect(await readDocument(await file('a.md', '0123456789'), 10)).toBe('0123456789');
    expect(await readDocument(await file('b.md', ''), 10)).toBe('');
  });

  it.each([
    ['binary', new Uint8Array([80, 0, 75])],
    ['invalid UTF-8', new Uint8Array([0x61, 0xc3, 0x28])],
    ['too large', '01234567890'],
  ])('refuses a document that is %s', async (reason, content) => {
    const path = await file('document.md', content);
    await expect(readDocument(path, 10)).rejects.toThrow(DocumentError);
    await expect(readDocument(path, 10)).rejects.toThrow(reason);
  });

  it('refuses what is gone, a folder, and a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe.md');
    execFileSync('mkfifo', [pipe]);
    await expect(readDocument(join(folder, 'x'), 10)).rejects.toThrow('ENOENT');
    await expect(readDocument(folder, 10)).rejects.toThrow('not a file');
    await expect(readDocument(pipe, 10)).rejects.toThrow('not a file');
  });

  it('refuses a document that may not be read', async () => {
    const path = await file('secret.md');
    await chmod(path, 0o000);
    const user = process.geteuid?.();
    if (user === 0) process.seteuid?.(65_534); // Root may read everything.
    try {
      await expect(readDocument(path, 10)).rejects.toThrow('EACCES');
    } finally {
      if (user === 0) process.seteuid?.(0);
    }
  });
});

describe('parse', () => {
  it('finds title, headings and prose of Markdown', () => {
    const text =
      '# The *desk* &amp; `x`\n\nRead\n[this](http://a.b).\n\n- one\n- two\n\n## More\n\n```js\nno();\n```\n\n| a |\n| - |\n| no |\n';
    expect(parse('docs/a.md', text)).toEqual({
      format: 'markdown',
      title: 'The desk & x',
      headings: ['The desk & x', 'More'],
      prose: 'Read this.\none\ntwo',
      stallMs: 0,
    });
  });

  it('takes the comments of a source file for its prose', () => {
    const text =
      '/**\n * A mailbox.\n *\n * It is bounded.\n */\nconst url = "http://x"; // No\n// Yes,\n// it is.\n/* Short. */\n';
    expect(parse('src/a.ts', text)).toMatchObject({
      format: 'source',
      title: 'a.ts',
      prose: 'A mailbox.\nIt is bounded.\nYes, it is. Short.',
    });
  });

  it('takes all of any other text', () => {
    expect(parse('LICENSE', 'One\ntwo.\n\nThree.')).toMatchObject({ prose: 'One two.\nThree.' });
  });

  it('obeys a directive in a comment, and ignores one that is quoted', () => {
    expect(() => parse('a.md', 'x\n\n<!-- desk: poison -->\n')).toThrow('poisoned');
    expect(parse('a.md', 'Write `<!-- desk: poison -->` to crash it.').title).toBe('a.md');
    expect(parse('a.ts', '// <!-- desk: poison -->').format).toBe('source');
    expect(parse('a.md', 'x <!-- desk: stall 250 --> y').stallMs).toBe(250);
  });

  it.each(['`', '/*', '//', '/* *', '* ', ' ', '// *\n'])(
    'reads a megabyte of %s within two seconds',
    (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      const start = performance.now();
      parse('a.ts', text);
      parse('a.txt', text);
      expect(performance.now() - start).toBeLessThan(2_000);
    },
  );
});

describe('analyse', () => {
  const of = (text: string) => parse('a.txt', text);
  const prose =
    'Joe Armstrong designed Erlang in Stockholm. Google opened an office on 26 April 1998. ' +
    'A supervision tree restarts a crashed worker. Every supervision tree has a root. It rains.';

  it('extracts who and where', () => {
    const { entities } = analyse.extract(of(prose));
    expect(entities.people).toEqual(['Joe Armstrong']);
    expect(entities.places).toEqual(['Stockholm']);
    expect(entities.organisations).toContain('Google');
  });

  it('puts the phrase that comes back first', () => {
    expect(analyse.extract(of(prose)).keyPhrases[0]).toBe('supervision tree');
  });

  it('summarises by whole sentences in their order', () => {
    const { summary } = analyse.summarise(of(prose));
    expect(summary).toContain('supervision tree');
    expect(summary).not.toContain('rains');
    const sentences = prose.match(/[^.]+\./g)?.map((sentence) => sentence.trim()) ?? [];
    const kept = sentences.filter((sentence) => summary.includes(sentence));
    expect(kept.join(' ')).toBe(summary);
  });

  it.each([
    ['guide', '# Getting started\n\nInstall it, then you can follow the examples.'],
    ['reference', '# API reference\n\nReturns the option, or its default.'],
    ['changelog', '# Changelog\n\n## 1.2.0\n\nAdded a walk.'],
    ['licence', '# MIT License\n\nCopyright (c) 2026. Without warranty.'],
    ['notes', 'Nothing in here.'],
  ])('classifies a %s', (kind, text) => {
    expect(analyse.classify(parse('a.md', text))).toEqual({ kind });
  });

  it('classifies a source by its format', () => {
    expect(analyse.classify(parse('a.ts', '// Install it.'))).toEqual({ kind: 'source' });
  });

  it('survives a text without words', () => {
    expect(analyse.summarise(of(''))).toEqual({ summary: '' });
    const entities = { people: [], places: [], organisations: [] };
    expect(analyse.extract(of(''))).toEqual({ entities, keyPhrases: [] });
  });

  it('falls back to the opening, cut between two words', () => {
    expect(analyse.opening('one two '.repeat(40))).toMatch(/^(one two )+…$/);
    expect(analyse.opening('one')).toBe('one');
  });
});

describe('walk', () => {
  it('lists documents of folders in order, each once, and named files whatever they are', async () => {
    const paths = await Promise.all(
      ['b.md', 'a.ts', 'sub/c.txt', 'picture.png'].map((name) => file(name)),
    );
    await Promise.all(['node_modules/x.md', '.git/y.md', 'dist/z.md'].map((name) => file(name)));
    const inOrder = ['a.ts', 'b.md', 'sub/c.txt'].map((name) => join(folder, name));
    expect(await walk([folder, paths[0] ?? ''])).toEqual(inOrder);
    expect(await walk([join(folder, 'picture.png')])).toEqual([join(folder, 'picture.png')]);
  });

  it('names the path that does not exist', async () => {
    const path = join(folder, 'missing.md');
    await expect(walk([path])).rejects.toThrow(new UsageError(`no such file or folder: "${path}"`));
  });
});

describe('parseArguments', () => {
  it('has defaults, and takes paths and options in any order', () => {
    expect(parseArguments([])).toMatchObject({ concurrency: 4, json: false, out: 'desk-report' });
    expect(parseArguments(['a', '--json', '--max-bytes', '7', 'b'])).toMatchObject({
      paths: ['a', 'b'],
      json: true,
      maxBytes: 7,
    });
  });

  it.each([
    [['--colour'], '--colour'],
    [['--concurrency', 'many'], '--concurrency must be a whole number from 1 to 256, not "many"'],
    [['--concurrency', '0'], 'not "0"'],
    [['--timeout-ms', '1.5'], '--timeout-ms'],
    [['--max-bytes', '99999999999'], '--max-bytes'],
    [['--out'], '--out'],
    [['--json=yes'], '--json'],
  ])('refuses %j and names what is wrong', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message);
  });

  it('explains every option in the help', () => {
    for (const option of ['--out', '--json', '--concurrency', '--timeout-ms', '--max-bytes']) {
      expect(HELP).toContain(option);
    }
  });
});

describe('createProgress', () => {
  const shown = (isTTY: boolean) => {
    let output = '';
    const write = (text: string) => (output += text).length > 0;
    const show = createProgress(2, { isTTY, columns: 60, write });
    show('crash', 'a worker');
    show('failed', 'b\x1b.md');
    show('done', 'a.md');
    return output;
  };

  it('prints a line for everything where there is no terminal', () => {
    expect(shown(false)).toBe('crash     a worker\nfailed    b?.md\ndone      a.md\n');
  });

  it('draws a bar on a terminal, keeps trouble above it, and leaves a clean line', () => {
    expect(shown(true)).toContain('b?.md\n\r\x1b[K████████████░░░░░░░░░░░░ 1/2');
    expect(shown(true).endsWith('\r\x1b[K')).toBe(true);
  });

  it('is silent without a screen', () => {
    expect(() => createProgress(1)('done', 'a.md')).not.toThrow();
  });
});

describe('the report', () => {
  const done: Result = { path: 'a.md', outcome: 'done', title: '*x*', summary: 'S & T.', ms: 3.2 };
  const failed: Result = { path: '<b>|`x`\n.md', outcome: 'failed', reason: '<script>', ms: 1 };
  const report: Report = {
    documents: [done, failed],
    agents: [
      { path: '/desk', status: 'shutdown', restarts: 0 },
      { path: '/desk/<w>', status: 'crash', restarts: 2 },
    ],
    incidents: [{ atMs: 5, text: '<img>', kind: 'restart' }],
    ms: 9,
  };

  it('counts outcomes and restarts', () => {
    expect(summaryOf(report)).toBe('1 done, 1 failed, 0 timed out, 1 restarts in 9 ms');
  });

  it('has a row for each document, with its outcome and its reason', () => {
    const rows = toMarkdown(report)
      .split('\n')
      .filter((line) => line.startsWith('| '));
    expect(rows).toHaveLength(4);
    expect(rows[2]).toContain('a.md | done');
    expect(rows[3]).toContain('**failed**');
  });

  it('has the tree as a nested list, with what was restarted', () => {
    expect(toMarkdown(report)).toContain('- desk – shutdown\n  - \\<w\\> – **crash** `↻ 2`');
  });

  it('is one page that loads nothing and holds nobody’s markup', () => {
    const html = toHtml(report);
    expect(html).not.toMatch(/<(?:script|b|img|w|link)[ >]|src=|url\(|<em>x/);
    expect(html).toContain('&lt;script&gt;');
    expect(html).toContain('<code>↻ 2</code>');
    expect(html).toContain('S &amp; T.');
  });
});
