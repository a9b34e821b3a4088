import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { check, fixture, root, troupe } from './run.ts';

/** What is looked at of a result. */
interface Checked {
  readonly verdict: string;
  readonly schedules: number;
  readonly token: string;
}

let folder: string | undefined;

function scratch(): string {
  folder = mkdtempSync(join(tmpdir(), 'troupe-cli-'));
  return folder;
}

afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

describe('troupe check', { timeout: 60_000 }, () => {
  it('ends with 0 when nothing fails, and says what is proved', () => {
    const { status, stdout, stderr } = check(fixture('clean'));
    expect(stdout).toMatch(
      /^✓ {2}quiet {2}PROVED {2}\d+ states {2}\d+ ms\n\n1 scenario, all proved\n$/,
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('ends with 1 when something fails, and explains each failure before the table', () => {
    const { status, stdout } = check(fixture('failing'), fixture('clean'), '--mermaid');
    expect(stdout).toContain('DEADLOCK after 2 steps    [two that wait]');
    expect(stdout).toMatch(/npx troupe replay tr1\.\S+ test\/cli\/fixtures\/failing\.ts/);
    expect(stdout.match(/```mermaid\nsequenceDiagram/g)).toHaveLength(2);
    expect(stdout).toMatch(
      /✗ {2}two that wait +DEADLOCK[^]*✗ {2}support team +HANDOFF_LOOP[^]*✓ {2}quiet/,
    );
    expect(stdout.trim().split('\n').at(-1)).toBe('2 of 3 scenarios fail');
    expect(status).toBe(1);
  });

  it('ends with 3 when a run does not repeat', () => {
    const { status, stdout } = check(fixture('chance'));
    expect(stdout).toMatch(/✗ {2}chance {2}NONDETERMINISTIC/);
    expect(status).toBe(3);
  });

  it('writes an array as JSON, and nothing else to standard output', () => {
    const { status, stdout } = check(fixture('failing'), fixture('clean'), '--json');
    const results = JSON.parse(stdout) as Record<string, unknown>[];
    expect(results.map(({ name, verdict, pass }) => ({ name, verdict, pass }))).toEqual([
      { name: 'two that wait', verdict: 'DEADLOCK', pass: false },
      { name: 'support team', verdict: 'HANDOFF_LOOP', pass: false },
      { name: 'quiet', verdict: 'PROVED', pass: true },
    ]);
    expect(results[0]).toMatchObject({
      file: fixture('failing'),
      seed: 1,
      states: expect.any(Number) as unknown,
      schedules: expect.any(Number) as unknown,
      violation: { cycle: ['A', 'B'], certainty: 'proved' },
      token: expect.stringMatching(/^tr1\./) as unknown,
      explanation: expect.stringContaining('A ──q──▶ B') as unknown,
    });
    expect(status).toBe(1);
  });

  it('searches in several threads, with the same verdict', () => {
    const { status, stdout } = check(fixture('failing'), '--jobs', '2', '--json');
    const results = JSON.parse(stdout) as Record<string, unknown>[];
    expect(results.map(({ verdict }) => verdict)).toEqual(['DEADLOCK', 'HANDOFF_LOOP']);
    expect(status).toBe(1);
  });

  it('obeys the options of the search', () => {
    const args = ['--strategy', 'random', '--schedules', '7', '--seed', '5', '--time', '30s'];
    const { stdout } = check(fixture('clean'), ...args, '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ verdict: 'PASS', schedules: 7, seed: 5 }]);
  });

  it('ends when the time is up', () => {
    const args = ['--strategy', 'random', '--schedules', '1000000', '--time', '50ms'];
    const [result] = JSON.parse(check(fixture('endless'), ...args, '--json').stdout) as [Checked];
    expect(result.verdict).toBe('PASS');
    expect(result.schedules).toBeLessThan(1_000_000);
  });

  it('looks for as many different bugs as it is told to, and explains each', () => {
    const one = check(fixture('two-bugs'));
    expect(one.stdout.match(/see it again/g)).toHaveLength(1);
    const { stdout, status } = check(fixture('two-bugs'), '--failures', '2');
    expect(stdout).toMatch(
      /DEADLOCK after [^]*HANDOFF_LOOP after [^]*✗ {2}two bugs {2}DEADLOCK \+1/,
    );
    expect(stdout.match(/npx troupe replay tr1\./g)).toHaveLength(2);
    expect(status).toBe(1);
  });

  it('keeps what fails in .troupe beside the file, and tries it first the next time', () => {
    const folder = scratch();
    const file = join(folder, 'relayed.sim.mts');
    const programs = JSON.stringify(join(root, 'test/simulation/programs.ts'));
    const program = `import { initAndUse } from ${programs};\nexport default initAndUse();\n`;
    writeFileSync(file, program);
    const again = (...args: string[]): Checked => {
      const { stdout } = troupe('check', file, ...args, '--json');
      return (JSON.parse(stdout) as [Checked])[0];
    };
    expect(again('--no-store').schedules).toBeGreaterThan(1);
    expect(existsSync(join(folder, '.troupe'))).toBe(false);
    const first = again();
    expect(readdirSync(join(folder, '.troupe'))).toEqual([expect.stringMatching(/\.tokens$/)]);
    expect(again()).toMatchObject({ schedules: 1, token: first.token });
    expect(again('--jobs', '2')).toMatchObject({ schedules: 2, token: first.token });
    expect(again('--store', join(folder, 'elsewhere')).schedules).toBeGreaterThan(1);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(true);
  });

  it('writes a drawing of each failure', () => {
    const file = join(scratch(), 'run.svg');
    const { stderr } = check(fixture('failing'), '--svg', file);
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [^]*two that wait/);
    expect(readFileSync(file.replace('.svg', '-2.svg'), 'utf8')).toContain('support team');
    expect(stderr).toContain(file);
  });
});

describe('misuse', { timeout: 60_000 }, () => {
  const cases: [what: string, args: string[], says: RegExp][] = [
    ['no file', ['check'], /missing required argument 'file'/],
    ['a file that is not there', ['check', 'no/such.ts'], /there is no file no\/such\.ts/],
    ['a folder', ['check', 'test/cli'], /test\/cli is a folder\n.*Name the files/],
    [
      'no scenario',
      ['check', fixture('none')],
      /exports no scenario; it exports answer, setup\n.*`setup`/,
    ],
    [
      'a module that throws',
      ['check', fixture('broken')],
      /cannot be loaded: Error: this module does not load\n {2}at .*broken\.ts:1:/,
    ],
    [
      'a scenario that throws',
      ['check', fixture('throwing')],
      /"throwing" in .* cannot be run: RangeError: no such stage\n {2}at .*throwing\.ts:5/,
    ],
    ['a misspelt property', ['check', fixture('odd')], /"odd".*invariants/],
    ['two of one name', ['check', fixture('twins')], /two scenarios named "twin"/],
    ['an unknown option', ['check', fixture('clean'), '--colour'], /unknown option '--colour'/],
    [
      'an unknown strategy',
      ['check', fixture('clean'), '--strategy', 'best'],
      /Allowed choices are portfolio/,
    ],
    [
      'a number that is none',
      ['check', fixture('clean'), '--schedules', 'many'],
      /--schedules.*It must be a whole number/,
    ],
    ['no bugs', ['check', fixture('clean'), '--failures', '0'], /--failures.*It must be 1 or more/],
    ['no threads', ['check', fixture('clean'), '--jobs', '0'], /--jobs.*It must be 1 or more/],
    [
      'a time without a unit',
      ['check', fixture('clean'), '--time', '3'],
      /--time.*such as 500ms, 3s or 10m/,
    ],
    [
      'a drawing that cannot be written',
      ['check', fixture('failing'), '--no-store', '--svg', 'no/such/run.svg'],
      /cannot be written to no\/such\/run\.svg/,
    ],
    ['an unknown command', ['chek'], /unknown command 'chek'\n\(Did you mean check\?\)/],
  ];

  it.each(cases)('%s: exit code 2, and a message without a stack', (_what, args, says) => {
    const { status, stdout, stderr } = troupe(...args);
    expect(stderr).toMatch(says);
    expect(stderr.split('\n').filter((line) => /^\s+at /.test(line)).length).toBeLessThan(2);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('is not a call for help', () => {
    const { status, stdout } = troupe('--help');
    expect(stdout).toContain('Exit codes:');
    expect(status).toBe(0);
  });
});
