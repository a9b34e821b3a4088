/** Who takes part, and in what: a contender of Node has a folder, with a file per workload. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Workload } from './workload.ts';

/** One contender. */
export interface Contender {
  readonly name: string;
  /** For Erlang: the function of each workload's module that this contender is. */
  readonly erlang?: string;
}

export const CONTENDERS: readonly Contender[] = [
  { name: 'troupe' },
  { name: 'troupe-machine' },
  { name: 'troupe-spawn' },
  { name: 'floor' },
  { name: 'xstate' },
  { name: 'xstate-machine' },
  { name: 'nact' },
  { name: 'comedy' },
  { name: 'effect' },
  { name: 'langgraph' },
  { name: 'openai-agents' },
  { name: 'troupe-watched' },
  { name: 'raw-ws' },
  { name: 'raw-ws-frames' },
  { name: 'erlang', erlang: 'process' },
  { name: 'erlang-gen_server', erlang: 'gen_server' },
  { name: 'erlang-supervised', erlang: 'supervised' },
];

/** What each Erlang module exports, as a file cannot be asked for it. */
const ERLANG: Readonly<Record<string, readonly string[]>> = {
  pingpong: ['process', 'gen_server'],
  threadring: ['process', 'gen_server'],
  counting: ['process', 'gen_server'],
  'forkjoin-throughput': ['process', 'gen_server'],
  'forkjoin-create': ['process', 'gen_server', 'supervised'],
  big: ['process', 'gen_server'],
  ask: ['process', 'gen_server'],
  'bounded-buffer': ['process'],
  restart: ['process', 'supervised'],
  'idle-memory': ['process', 'gen_server'],
  'loop-delay': ['process'],
  'link-oneway': ['process'],
  'link-rtt': ['process'],
  'link-ask': ['process'],
};

/** Whether a contender has a form of a workload. */
export function takesPart({ name, erlang }: Contender, workload: Workload): boolean {
  if (erlang !== undefined) return ERLANG[workload.name]?.includes(erlang) ?? false;
  // The compiled file or, when this is read from the sources, the source.
  return ['js', 'ts'].some((ending) =>
    existsSync(new URL(`./${name}/${workload.name}.${ending}`, import.meta.url)),
  );
}

let erlangFound: boolean | undefined;

/** Whether there is an Erlang on this machine. */
export function hasErlang(): boolean {
  erlangFound ??= ['erl', 'erlc'].every((command) => {
    const { error } = spawnSync(command, ['-noshell', '-eval', 'halt().'], { stdio: 'ignore' });
    return error === undefined;
  });
  return erlangFound;
}
