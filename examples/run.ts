// Runs numbered examples, each in a process of its own: `npm run example -- 01-counter`, where the
// number alone will do, or all of them with `npm run examples`.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const timeoutMs = 60_000;

const names = readdirSync(folder)
  .filter((entry) => /^\d+-/.test(entry))
  .map((entry) => entry.replace(/\.ts$/, ''))
  .toSorted();

/** An example is one file or, when it has outgrown that, a folder with a main.ts. */
function fileOf(name: string): string {
  const file = join(folder, `${name}.ts`);
  return existsSync(file) ? file : join(folder, name, 'main.ts');
}

function run(name: string, args: string[]): boolean {
  console.log(`── ${name}`);
  const { status, signal } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--conditions=source', fileOf(name), ...args],
    { stdio: 'inherit', timeout: timeoutMs },
  );
  if (status !== 0) console.error(`${name} failed: ${signal ?? `exit code ${status}`}`);
  return status === 0;
}

const [wanted, ...args] = process.argv.slice(2);
if (wanted === '--all') {
  const failed = names.filter((name) => !run(name, []));
  process.exitCode = failed.length === 0 ? 0 : 1;
} else {
  const name = names.find((each) => each === wanted || each.startsWith(`${wanted}-`));
  if (name === undefined) {
    console.error(`requested=${wanted ?? 'nothing'}, available=${names.join(', ')}`);
    process.exitCode = 1;
  } else {
    process.exitCode = run(name, args) ? 0 : 1;
  }
}
