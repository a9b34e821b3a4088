// Runs the command as a user does: in a process of its own, from the sources.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const fixture = (name: string): string => `test/cli/fixtures/${name}.ts`;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function troupe(...args: string[]): Ended {
  return troupeWith(process.env, ...args);
}

/** The same in another environment. */
export function troupeWith(env: NodeJS.ProcessEnv, ...args: string[]): Ended {
  const command = ['--import', 'tsx', '--conditions=source', `${root}cli/main.ts`, ...args];
  return spawnSync(process.execPath, command, { cwd: root, env, encoding: 'utf8' });
}

/** `troupe check` that leaves nothing beside the fixtures. */
export function check(...args: string[]): Ended {
  return troupe('check', '--no-store', ...args);
}
