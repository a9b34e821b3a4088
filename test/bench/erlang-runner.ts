/** Runs a contender of Erlang: one node with one scheduler, which reads rounds from a pipe. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BUILT } from './node-runner.ts';
import { verify, type Runner } from './runner.ts';
import type { Workload } from './workload.ts';

const SOURCES = fileURLToPath(new URL('../../../test/bench/erlang/', BUILT));
const MODULES = fileURLToPath(new URL('erlang/', BUILT));

/** Compiles the modules. */
export function buildErlang(): void {
  mkdirSync(MODULES, { recursive: true });
  const files = readdirSync(SOURCES).filter((file) => file.endsWith('.erl'));
  execFileSync('erlc', ['-o', MODULES, ...files.map((file) => `${SOURCES}${file}`)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** One scheduler: more never paid in these workloads, and they would wait busily on CPU time. */
const FLAGS = ['+S', '1', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none', '-noshell'];

export function openErlang(contender: string, variant: string, { name, unit }: Workload): Runner {
  const call = `bench:main([${name.replaceAll('-', '_')}, ${variant}]).`;
  const process_ = spawn('erl', [...FLAGS, '-pa', MODULES, '-eval', call], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const kill = (): void => void process_.kill('SIGKILL');
  process.on('exit', kill);
  process_.once('exit', () => process.off('exit', kill));
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  return {
    async round(operations) {
      process_.stdin.write(`round ${operations}\n`);
      const { value: line = '' } = (await lines.next()) as IteratorResult<string, undefined>;
      const [count = 0, given = 0, cpuMs = 0, wallUs = 0] = line.split(' ').map(Number);
      verify(`${contender}/${name}`, operations, count);
      const cpuNs = cpuMs * 1e6;
      const value = unit === 'ops/s' ? count / (cpuNs / 1e9) : given;
      return { operations, value, cpuNs, wallNs: wallUs * 1e3 };
    },
    async close() {
      if (process_.exitCode !== null || process_.signalCode !== null) return;
      const ended = once(process_, 'exit');
      process_.stdin.end();
      await ended;
    },
  };
}
