/** Nodes in processes of their own, started by `troupe node`: what they tell, and orders to them. */
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Told {
  readonly told: string;
  readonly [field: string]: unknown;
}

export const SECRET_OF_PROCESSES = 'a secret of several processes';

const command = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const module = fileURLToPath(new URL('fixtures/node.ts', import.meta.url));
const started: NodeProcess[] = [];

export class NodeProcess {
  readonly name: string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  readonly #logged: Told[] = [];
  #wake: () => void = () => undefined;

  constructor(name: string, port: string, seeds: readonly string[]) {
    this.name = name;
    const flags = ['--name', name, '--listen', port, ...seeds.flatMap((seed) => ['--seed', seed])];
    this.#child = fork(command, ['node', module, ...flags], {
      execArgv: ['--import', 'tsx', '--conditions=source'],
      env: { ...process.env, TROUPE_SECRET: SECRET_OF_PROCESSES },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const hear = (list: Told[], told: Told): void => {
      list.push(told);
      this.#wake();
    };
    this.#child.on('message', (told) => hear(this.#told, told as Told));
    createInterface(this.#child.stderr!).on('line', (line) => {
      if (!line.startsWith('{')) process.stderr.write(`${name}: ${line}\n`);
      else {
        const { msg, ...fields } = JSON.parse(line) as { msg: string };
        hear(this.#logged, { told: msg, ...fields });
      }
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    started.push(this);
  }

  order(order: object): void {
    this.#child.send(order);
  }

  /** The next thing told that has these fields; what came before it is forgotten. */
  hears(fields: object): Promise<Told> {
    return this.#find(this.#told, fields);
  }

  /** The same of its log, where each record tells its message. */
  logs(message: string): Promise<Told> {
    return this.#find(this.#logged, { told: message });
  }

  async #find(list: Told[], fields: object): Promise<Told> {
    const isIt = (told: Told): boolean =>
      Object.entries(fields).every(([key, value]) => told[key] === value);
    for (;;) {
      const at = list.findIndex(isIt);
      if (at >= 0) return list.splice(0, at + 1)[at]!;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** What it has told since. */
  get heard(): readonly string[] {
    return this.#told.map(({ told }) => told);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Starts a node and waits until it listens. */
export async function start(name: string, port: string, seeds: readonly string[]) {
  const node = new NodeProcess(name, port, seeds);
  const { address, incarnation } = await node.hears({ told: 'listening' });
  return { node, address: address as string, incarnation: incarnation as string };
}

/** Ends all that were started. */
export async function endAll(): Promise<void> {
  for (const node of started.splice(0)) {
    node.kill('SIGKILL');
    await node.ended;
  }
}
