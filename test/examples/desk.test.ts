import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { parseArguments } from '../../examples/desk/arguments.ts';
import { runDesk, type Report } from '../../examples/desk/desk.ts';
import { walk } from '../../examples/desk/walk.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const GOOD =
  '# A tree\n\nJoe Armstrong lived in Stockholm. A supervision tree restarts a worker.\n';
const POISON = '# Poison\n\n<!-- desk: poison -->\n';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

/** Runs the command of `npm start`, in the project's folder as npm does. */
async function start(args: string[], onError: (text: string, kill: () => void) => void = () => {}) {
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
  const [, ...command] = scripts.start.split(' ');
  const child = spawn(process.execPath, [...command, ...args], { cwd: project });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => {
    errors += data;
    onError(errors, () => child.kill('SIGINT'));
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, output, errors };
}

const outcomes = ({ documents }: Report) =>
  Object.fromEntries(documents.map(({ path, outcome }) => [path.split('/').at(-1), outcome]));

describe('npm start', { timeout: 60_000 }, () => {
  it('gives every document exactly one outcome, whatever is wrong with others', async () => {
    await write({
      'a-good.md': GOOD,
      'binary.md': new Uint8Array([80, 0, 75]),
      'late.md': `${GOOD}\n<!-- desk: stall 1900 -->\n`,
      'not-text.md': new Uint8Array([0x61, 0xc3, 0x28]),
      'oversized.md': 'x'.repeat(2_000),
      'poison.md': POISON,
      'source.ts': '// Restarts a worker that has crashed in Stockholm.\nexport {};\n',
      'stalling.md': `${GOOD}\n<!-- desk: stall 60000 -->\n`,
      'z-good.md': GOOD,
    });
    // Even root cannot read it.
    await symlink('unreadable.md', join(folder, 'unreadable.md'));
    const limits = ['--timeout-ms', '4500', '--max-bytes', '1000'];
    const run = await start(['--json', ...limits, folder, join(folder, 'unreadable.md')]);
    expect(run.code).toBe(1);
    const report: Report = JSON.parse(run.output);
    expect(report.documents).toHaveLength(10);
    expect(outcomes(report)).toEqual({
      'a-good.md': 'done',
      'binary.md': 'failed',
      'late.md': 'done',
      'not-text.md': 'failed',
      'oversized.md': 'failed',
      'poison.md': 'failed',
      'source.ts': 'done',
      'stalling.md': 'timed out',
      'unreadable.md': 'failed',
      'z-good.md': 'done',
    });
    const reasons = report.documents.flatMap(({ reason = [] }) => reason);
    expect(reasons.map((reason) => reason.split(join(folder, '/')).join(''))).toEqual([
      'binary: there is a NUL byte in it',
      'no time to extract, classify, summarise',
      'invalid UTF-8: some of its bytes are no text',
      'too large: it has 2000 bytes',
      'its worker crashed: the document is poisoned',
      "ELOOP: too many symbolic links encountered, open 'unreadable.md'",
    ]);
    expect(report.documents.find(({ path }) => path.endsWith('z-good.md'))).toMatchObject({
      title: 'A tree',
      kind: 'notes',
      entities: { people: ['Joe Armstrong'], places: ['Stockholm'] },
      keyPhrases: expect.arrayContaining(['supervision tree']),
      summary: expect.stringContaining('restarts a worker'),
    });
    const restarted = report.agents.filter(({ restarts }) => restarts > 0);
    expect(restarted).toEqual([
      { path: '/desk/documents/6:poison.md/worker', status: 'crash', restarts: 2 },
    ]);
    expect(report.incidents.filter(({ kind }) => kind === 'restart')).toHaveLength(2);
    expect(run.errors).toContain('crash     /desk/documents/6:poison.md/worker: the document');
    expect(run.errors).toContain('gave up on "worker": more than 2 restarts');
    expect(run.errors).not.toContain('\x1b');
    expect(run.errors).not.toContain('    at ');
  });

  it('survives more poison than it has room for', async () => {
    const poison = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}.md`, POISON]));
    await write({ ...poison, 'good.md': GOOD });
    const { code, output } = await start(['--json', '--concurrency', '3', folder]);
    expect(code).toBe(1);
    const report: Report = JSON.parse(output);
    expect(report.documents.filter(({ outcome }) => outcome === 'failed')).toHaveLength(20);
    expect(outcomes(report)).toMatchObject({ 'good.md': 'done' });
    expect(report.agents.filter(({ restarts }) => restarts === 2)).toHaveLength(20);
    expect(report.agents[0]).toEqual({ path: '/desk', status: 'shutdown', restarts: 0 });
  });

  it('writes its report as Markdown and as a page that loads nothing', async () => {
    await write({ 'a.md': GOOD, 'b.md': GOOD });
    const out = join(folder, 'out', 'report');
    const { code, output, errors } = await start(['--out', out, folder]);
    expect(code).toBe(0);
    expect(output).toMatch(
      /^2 done, 0 failed, 0 timed out, 0 restarts in \d+ ms: see .*report.html/,
    );
    expect(errors).toContain('done      ');
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('- desk – shutdown\n');
    const html = await readFile(join(out, 'report.html'), 'utf8');
    expect(html).toContain('Joe Armstrong');
    expect(html).not.toMatch(/<script|<link|src=|href=|url\(|@import/);
  });

  it('is done with the project itself', async () => {
    const { code, errors } = await start(['--out', folder]);
    expect(code, errors).toBe(0);
  });

  it('stops its tree when it is interrupted, and still reports', async () => {
    await write({ 'a.md': GOOD, 'b.md': `${GOOD}\n<!-- desk: stall 600000 -->\n`, 'c.md': GOOD });
    let interrupted = false;
    const run = await start(['--json', '--timeout-ms', '600000', folder], (errors, interrupt) => {
      const arrived = errors.match(/^done /gm)?.length === 2;
      if (arrived && !interrupted) interrupt();
      interrupted ||= arrived;
    });
    expect(run.code).toBe(1);
    const report: Report = JSON.parse(run.output);
    expect(outcomes(report)).toEqual({ 'a.md': 'done', 'b.md': 'failed', 'c.md': 'done' });
    expect(report.documents[1]?.reason).toBe('the desk was stopped');
    expect(report.agents.filter(({ status }) => status === 'running')).toEqual([]);
  });

  it('prints its help', async () => {
    const { code, output } = await start(['--help']);
    expect(code).toBe(0);
    expect(output).toContain('Usage: npm start -- [options] [PATH...]');
  });

  it.each([
    [['--colour'], "'--colour'"],
    [['--concurrency', 'many'], '--concurrency must be a whole number from 1 to 256, not "many"'],
    [['--timeout-ms', '-1'], '--timeout-ms'],
    [['no/such/file.md'], 'no such file or folder: "no/such/file.md"'],
    [[''], 'no such file or folder: ""'],
    [['--out', 'package.json', 'README.md'], '--out cannot be "package.json"'],
  ])('refuses %j', async (args, message) => {
    const { code, output, errors } = await start(args);
    expect(code).toBe(2);
    expect(output).toBe('');
    expect(errors).toContain(message);
    expect(errors).not.toContain('    at ');
  });
});

it('fails a document that is removed while it runs, and is done with its siblings', async () => {
  await write({ 'a.md': GOOD, 'b.md': GOOD, 'c.md': GOOD });
  const paths = await walk([folder]);
  await rm(join(folder, 'b.md'));
  const report = await runDesk(paths, parseArguments([]));
  expect(outcomes(report)).toEqual({ 'a.md': 'done', 'b.md': 'failed', 'c.md': 'done' });
  expect(report.documents[1]?.reason).toContain('ENOENT');
});
