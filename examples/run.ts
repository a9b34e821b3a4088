// Runs examples, each in a process of its own: `npm run example -- 01-counter`, where the number
// alone will do, or all of them with `npm run examples`; and plays scenarios:
// `npm run example -- content-pipeline --without guard`. `--list` says what there is.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCENARIOS } from './scenarios/list.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const timeoutMs = 60_000;

const names = readdirSync(folder)
  .filter((entry) => /^\d+-/.test(entry))
  .map((entry) => entry.replace(/\.ts$/, ''))
  .toSorted();

const stories = SCENARIOS.map(({ name }) => name);

/** An example is one file or, when it has outgrown that, a folder with a main.ts. */
function fileOf(name: string): string {
  if (stories.includes(name)) return join(folder, 'scenarios', 'main.ts');
  const file = join(folder, `${name}.ts`);
  return existsSync(file) ? file : join(folder, name, 'main.ts');
}

function run(name: string, args: string[]): boolean {
  // What is meant for machines has no heading.
  if (!args.includes('--json')) console.log(`── ${name}`);
  const own = stories.includes(name) ? [name] : [];
  const { status, signal } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--conditions=source', fileOf(name), ...own, ...args],
    { stdio: 'inherit', timeout: timeoutMs },
  );
  if (status !== 0) console.error(`${name} failed: ${signal ?? `exit code ${status}`}`);
  return status === 0;
}

/** What an example says that one learns, in the comment at its beginning. */
function lessonOf(name: string): string {
  const [first = ''] = readFileSync(fileOf(name), 'utf8').split('\n\n');
  const text = first.replace(/\n?\/\/ ?/g, ' ').trim();
  return text.replace(/^What one learns: /, '').replace(/[.:;] .*/, '.');
}

function list(isJson: boolean): void {
  const all = [
    ...names.map((name) => ({ name, shows: lessonOf(name), without: [] })),
    ...SCENARIOS.map(({ name, shows, removable }) => ({ name, shows, without: removable })),
  ];
  if (isJson) console.log(JSON.stringify(all, null, 2));
  else for (const { name, shows } of all) console.log(`${name.padEnd(22)} ${shows}`);
}

const [wanted, ...args] = process.argv.slice(2);
if (wanted === '--list') list(args.includes('--json'));
else if (wanted === '--all') {
  const failed = [...names, ...stories].filter((name) => !run(name, []));
  process.exitCode = failed.length === 0 ? 0 : 1;
} else {
  const known = [...names, ...stories];
  const name = known.find((each) => each === wanted || each.startsWith(`${wanted}-`));
  if (name === undefined) {
    console.error(`requested=${wanted ?? 'nothing'}, available=${known.join(', ')}`);
    process.exitCode = 1;
  } else {
    process.exitCode = run(name, args) ? 0 : 1;
  }
}
