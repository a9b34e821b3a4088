// The README's program that is simulated does what it says below it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('the support team of the README is explained as the README says', { timeout: 60_000 }, () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## Property-test coordination logic\n');
  const [, program, printed] = /```ts\n([^]*?)```\n+```text\n([^]*?)```/.exec(section) ?? [];
  expect(program).toContain("from 'troupe/simulation'");
  const folder = mkdtempSync(join(tmpdir(), 'troupe-readme-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/troupe'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    writeFileSync(join(folder, 'support.ts'), program ?? '');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--conditions=source', join(folder, 'support.ts')],
      { cwd: root, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(printed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
