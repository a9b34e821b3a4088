/** `npm run bench`: see README.md beside this file, or `--help`. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';
import { hasErlang } from './contenders.ts';
import { buildErlang } from './erlang-runner.ts';
import { race, type Entry } from './race.ts';
import { targetTable, workloadTable } from './report.ts';
import { BUILT } from './node-runner.ts';
import { resultsOf } from './results.ts';
import { runScale } from './scale/main.ts';
import { HELP, UsageError, parseArguments, type Options } from './usage.ts';

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function runRaces(options: Options): Promise<void> {
  const { workloads, contenders, json, out } = options;
  if (contenders.some(({ erlang }) => erlang !== undefined)) {
    if (hasErlang()) buildErlang();
    else progress('no erl on this machine: test/bench/install-erlang.sh says how to get it');
  }
  const all: Entry[] = [];
  for (const workload of workloads) {
    const entries = await race(workload, contenders, { ...options, progress });
    all.push(...entries);
    // The others' figures stand, but the run has failed.
    if (entries.some(({ absent }) => absent === 'failed')) process.exitCode = 1;
    if (!json && entries.length > 0) print(workloadTable(entries));
  }
  const results = JSON.stringify(resultsOf(all), null, 2);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${results}\n`);
  if (json) print(results);
  else {
    const targets = targetTable(all);
    if (targets !== '') print(targets);
    print(`Medians of ${options.rounds} rounds by CPU time, ${process.version}; also in ${out}.`);
  }
}

/** What has no peers here is measured by itself, in processes of its own. */
function measureAlone(what: 'simulation' | 'monitors' | 'stalled', { json }: Options): void {
  const script = fileURLToPath(new URL(`${what}/main.js`, BUILT));
  const { status } = spawnSync(
    process.execPath,
    ['--expose-gc', script, ...(json ? ['--json'] : [])],
    {
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (status !== 0) throw new Error(`${what}: its process ended with ${status}`);
}

async function main(): Promise<void> {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  progress('compiles');
  build();
  if (options.alone !== undefined) return measureAlone(options.alone, options);
  await (options.scale ? runScale({ ...options, progress, print }) : runRaces(options));
}

// The children are killed as this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  await main();
} catch (error) {
  const isMisuse = error instanceof UsageError;
  process.stderr.write(
    isMisuse
      ? `${error.message}\nTry --help.\n`
      : `${error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = isMisuse ? 2 : 1;
}
