import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const names = readdirSync(`${project}/examples`).flatMap(
  (entry) => /^\d+-[^.]*/.exec(entry)?.[0] ?? [],
);

/** The source of an example, or of its main part when it is a folder. */
function sourceOf(name: string): string {
  const file = `${project}/examples/${name}.ts`;
  return readFileSync(existsSync(file) ? file : `${project}/examples/${name}/main.ts`, 'utf8');
}

/** What an example says of itself: the comment at its end. */
function promised(source: string): string {
  const [, comment = ''] = source.split('\n// Prints:\n');
  return comment.replace(/^\/\/ ?/gm, '');
}

describe('the tour', { timeout: 60_000 }, () => {
  it.each(names)('%s prints what it says', (name) => {
    const source = sourceOf(name);
    const { scripts } = JSON.parse(readFileSync(`${project}/package.json`, 'utf8'));
    const [, ...command] = scripts.example.split(' ');
    const { status, stdout, stderr } = spawnSync(process.execPath, [...command, name.slice(0, 2)], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(stdout).toBe(`── ${name}\n${promised(source)}`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.each(names)('%s is short, and says first what one learns', (name) => {
    const lines = sourceOf(name).trim().split('\n');
    expect(lines[0]).toMatch(/^\/\/ What one learns: /);
    expect(lines.length).toBeLessThan(80);
  });
});

it('keeps the desk under 600 lines', () => {
  const files = readdirSync(`${project}/examples/desk`).filter((file) => file.endsWith('.ts'));
  const sources = files.map((file) => readFileSync(`${project}/examples/desk/${file}`, 'utf8'));
  expect(sources.join('').split('\n').length).toBeLessThan(600);
});
