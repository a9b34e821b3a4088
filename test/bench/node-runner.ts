/** Runs a contender of Node: plain Node on what `tsc` has built, as a user's program runs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Response } from './contestant.ts';
import type { Measured } from './measure.ts';
import { ROUND_TIMEOUT_MS, verify, type Runner } from './runner.ts';

/** The folder to which `tsc` compiles this one. */
export const BUILT = new URL('../../dist/test/bench/', import.meta.url);

/** Forks a process for one contender and workload. */
export function openNode(
  contender: string,
  workload: string,
  profileTo: string | undefined,
): Runner {
  const who = `${contender}/${workload}`;
  const profile = [`--cpu-prof`, `--cpu-prof-dir=${profileTo}`, `--cpu-prof-interval=200`];
  const named = `--cpu-prof-name=${contender}.${workload}.cpuprofile`;
  const process_ = fork(fileURLToPath(new URL('contestant.js', BUILT)), [contender, workload], {
    execArgv: ['--expose-gc', ...(profileTo === undefined ? [] : [...profile, named])],
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // Whatever ends us: no process is left behind.
  const kill = (): void => void process_.kill('SIGKILL');
  process.on('exit', kill);
  process_.once('exit', () => process.off('exit', kill));
  const next = async (): Promise<unknown> => {
    const abort = new AbortController();
    const died = once(process_, 'exit', { signal: abort.signal }).then(([code]) => {
      throw new Error(`${who}: its process ended with ${code}`);
    });
    const timeout = setTimeout(() => process_.kill('SIGKILL'), ROUND_TIMEOUT_MS);
    try {
      const [message] = (await Promise.race([
        once(process_, 'message', { signal: abort.signal }),
        died,
      ])) as [unknown];
      return message;
    } finally {
      clearTimeout(timeout);
      died.catch(() => undefined);
      abort.abort();
    }
  };
  let isReady = false;
  return {
    async round(operations) {
      // Its first message says that it is ready.
      if (!isReady) await next();
      isReady = true;
      process_.send({ operations });
      const response = (await next()) as Response;
      if ('error' in response) throw new Error(`${who}: ${response.error}`);
      const { count, ...measured }: Measured = response;
      verify(who, operations, count);
      return { operations, ...measured };
    },
    async close() {
      if (process_.exitCode !== null || process_.signalCode !== null) return;
      const ended = once(process_, 'exit');
      process_.disconnect();
      await ended;
    },
  };
}
