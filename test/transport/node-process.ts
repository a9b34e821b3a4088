/** Nodes in processes of their own, started by `troupe node`: what they tell, and orders to them. */
import { spawn, type ChildProcess } from 'node:child_process';
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

  /** `within` is the command by which it is started, as `ip netns exec …`; then it is beyond this machine. */
  constructor(name: string, listen: string, seeds: readonly string[], within: readonly string[]) {
    this.name = name;
    const node = [process.execPath, '--import', 'tsx', '--conditions=source', command, 'node'];
    const flags = [
      '--name',
      name,
      '--listen',
      listen,
      ...seeds.flatMap((seed) => ['--seed', seed]),
    ];
    if (within.length > 0) flags.push('--insecure');
    const [file = '', ...args] = [...within, ...node, module, ...flags];
    this.#child = spawn(file, args, {
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

  /** All that it tells up to the next thing of a kind. */
  until(kind: string): Promise<Told[]> {
    return this.#take(this.#told, ({ told }) => told === kind);
  }

  /** The same of its log, where each record tells its message. */
  logs(message: string): Promise<Told> {
    return this.#find(this.#logged, { told: message });
  }

  async #find(list: Told[], fields: object): Promise<Told> {
    const isIt = (told: Told): boolean =>
      Object.entries(fields).every(([key, value]) => told[key] === value);
    return (await this.#take(list, isIt)).at(-1)!;
  }

  async #take(list: Told[], isIt: (told: Told) => boolean): Promise<Told[]> {
    for (;;) {
      const at = list.findIndex(isIt);
      if (at >= 0) return list.splice(0, at + 1);
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
export async function start(
  name: string,
  listen: string,
  seeds: readonly string[],
  within: readonly string[] = [],
) {
  const node = new NodeProcess(name, listen, seeds, within);
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
