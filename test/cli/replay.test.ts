import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, fixture, troupe } from './run.ts';

describe('troupe replay', { timeout: 60_000 }, () => {
  let folder: string;
  let tokens: Map<string, string>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-cli-'));
    const { stdout } = check(fixture('failing'), fixture('overtaking'), '--json');
    const results = JSON.parse(stdout) as { name: string; token: string }[];
    tokens = new Map(results.map(({ name, token }) => [name, token]));
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const replay = (name: string, file: string, ...args: string[]) =>
    troupe('replay', tokens.get(name) ?? '', fixture(file), '--out', folder, ...args);

  it('prints the run step by step, and ends with 1 as long as it fails', () => {
    const { status, stdout } = replay('two that wait', 'failing');
    expect(stdout).toMatch(
      /^two that wait: 2 steps\n\n +1 {2}C1 → A {2}go\?\n +2 {2}C2 → B {2}go\?\n\nDEADLOCK: /,
    );
    expect(status).toBe(1);
  });

  it('prints one lap of a loop', () => {
    const { stdout } = replay('support team', 'failing');
    expect(stdout).toMatch(/and then for ever:\n +2 .*\n +3 .*\n\nHANDOFF_LOOP: /);
  });

  it('writes the diagrams', () => {
    const { stderr } = replay('two that wait', 'failing');
    expect(stderr).toContain(join(folder, 'two-that-wait.md'));
    const page = readFileSync(join(folder, 'two-that-wait.md'), 'utf8');
    expect(page).toContain('sequenceDiagram');
    expect(page).toContain('graph LR');
    expect(readFileSync(join(folder, 'two-that-wait.svg'), 'utf8')).toMatch(/^<svg /);
  });

  it('says so when the program has changed, and takes the token as a hint', () => {
    const { stdout, status } = replay('init before use', 'repaired');
    expect(stdout).toContain('the program has changed since the token was made');
    expect(stdout).toContain('left out, for it does not come up: B>C:use#1');
    expect(stdout).toContain('nothing goes wrong in this run');
    expect(status).toBe(0);
  });

  it('refuses what is no token, and what is one of another scenario, without a stack', () => {
    const cut = troupe('replay', 'tr1.abc', fixture('failing'));
    expect(cut).toMatchObject({ status: 2, stdout: '' });
    expect(cut.stderr).toMatch(/cannot be used[^]*Copy the whole token/);
    const other = replay('two that wait', 'clean');
    expect(other.status).toBe(2);
    expect(other.stderr).toMatch(
      /of the scenario "two that wait", which is not in .*\n.*There are: quiet\./,
    );
    const seed = troupe('replay', 'trs.pos.3', fixture('failing'));
    expect(seed.status).toBe(2);
    expect(seed.stderr).toContain('--strategy pos --seed 3');
  });
});
