// Three nodes in processes of their own, on loopback: a ring of asks, and what they see when one of
// them is killed, comes back, or stands still. Everything is waited for by its event.

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

interface Told {
  readonly told: string;
  readonly [field: string]: unknown;
}

const script = fileURLToPath(new URL('fixtures/node.ts', import.meta.url));
const started: NodeProcess[] = [];

class NodeProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  #wake: () => void = () => undefined;

  constructor(name: string, port: string, seeds: readonly string[]) {
    this.name = name;
    const execArgv = ['--import', 'tsx', '--conditions=source'];
    this.#child = fork(script, [name, port, ...seeds], { execArgv, stdio: 'inherit' });
    this.#child.on('message', (told) => {
      this.#told.push(told as Told);
      this.#wake();
    });
    started.push(this);
  }

  order(order: object): void {
    this.#child.send(order);
  }

  /** The next thing told that has these fields; what came before it is forgotten. */
  async hears(fields: object): Promise<Told> {
    const isIt = (told: Told): boolean =>
      Object.entries(fields).every(([key, value]) => told[key] === value);
    for (;;) {
      const at = this.#told.findIndex(isIt);
      if (at >= 0) return this.#told.splice(0, at + 1)[at]!;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  get heard(): readonly string[] {
    return this.#told.map(({ told }) => told);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.kill('SIGKILL');
    await ended;
  }
}

/** Starts a node and waits until it listens. */
async function start(name: string, port: string, seeds: readonly string[]) {
  const node = new NodeProcess(name, port, seeds);
  const { address } = await node.hears({ told: 'listening' });
  return { node, address: address as string };
}

afterEach(async () => {
  for (const node of started.splice(0)) await node.end();
});

async function threeNodes() {
  const one = await start('one', '0', []);
  const two = await start('two', '0', [one.address]);
  const three = await start('three', '0', [one.address, two.address]);
  await one.node.hears({ told: 'nodeup', node: 'two' });
  await one.node.hears({ told: 'nodeup', node: 'three' });
  await two.node.hears({ told: 'nodeup', node: 'three' });
  return { one, two, three };
}

it('a ring of asks, a node killed with -9, and its return', { timeout: 120_000 }, async () => {
  const { one, two, three } = await threeNodes();
  one.node.order({ do: 'ring', ring: ['two', 'three'] });
  expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two', 'three'] });

  one.node.order({ do: 'monitor', at: 'three' });
  one.node.order({ do: 'hold', at: 'three' });
  await one.node.hears({ told: 'held' });
  three.node.kill('SIGKILL');
  // Requests and monitors first, then the node; each once.
  const down = await one.node.hears({ told: 'down' });
  expect(down).toMatchObject({ reason: 'noconnection' });
  expect(await one.node.hears({ told: 'nodedown' })).toMatchObject({ node: 'three', code: 1006 });
  expect(await one.node.hears({ told: 'ask' })).toMatchObject({ type: 'noconnection' });
  expect(await two.node.hears({ told: 'nodedown' })).toMatchObject({ node: 'three' });
  two.node.order({ do: 'ring', ring: ['three'] });
  const failed = await two.node.hears({ told: 'failed' });
  expect(failed).toMatchObject({ message: expect.stringContaining('noconnection') as string });
  two.node.order({ do: 'ring', ring: ['one'] });
  expect(await two.node.hears({ told: 'went' })).toMatchObject({ by: ['two', 'one'] });

  const { port } = new URL(three.address);
  const again = await start('three', port, [one.address, two.address]);
  await one.node.hears({ told: 'nodeup', node: 'three' });
  await again.node.hears({ told: 'nodeup', node: 'two' });
  one.node.order({ do: 'ring', ring: ['three', 'two'] });
  expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'three', 'two'] });
  expect(one.node.heard).toEqual([]);
});

it(
  'a node that stands still is suspected, then down, then linked anew',
  { timeout: 120_000 },
  async () => {
    const one = await start('one', '0', []);
    const two = await start('two', '0', [one.address]);
    await one.node.hears({ told: 'nodeup', node: 'two' });
    one.node.order({ do: 'monitor', at: 'two' });
    two.node.kill('SIGSTOP');
    const suspect = await one.node.hears({ told: 'suspect', node: 'two' });
    expect(suspect['silentMs']).toBeGreaterThanOrEqual(3_000);
    expect(one.node.heard).toEqual([]);
    await one.node.hears({ told: 'down', reason: 'noconnection' });
    expect(await one.node.hears({ told: 'nodedown' })).toMatchObject({ code: 4008 });
    two.node.kill('SIGCONT');
    // It stood still itself, and so it blames nobody; the link is gone, and it dials again.
    await two.node.hears({ told: 'nodedown', node: 'one' });
    await one.node.hears({ told: 'nodeup', node: 'two' });
    // The dialer is the later one to know of the link.
    await two.node.hears({ told: 'nodeup', node: 'one' });
    two.node.order({ do: 'ring', ring: ['one'] });
    expect(await two.node.hears({ told: 'went' })).toMatchObject({ by: ['two', 'one'] });
  },
);

it(
  'a node whose event loop stands still is told apart from one that is dead, and all goes on',
  { timeout: 120_000 },
  async () => {
    const one = await start('one', '0', []);
    const two = await start('two', '0', [one.address]);
    await one.node.hears({ told: 'nodeup', node: 'two' });
    one.node.order({ do: 'monitor', at: 'two' });
    one.node.order({ do: 'hold', at: 'two' });
    await one.node.hears({ told: 'held' });
    two.node.order({ do: 'stall' });
    await one.node.hears({ told: 'suspect', node: 'two' });
    const stalled = await one.node.hears({ told: 'stalled', node: 'two' });
    expect(stalled['stalledMs']).toBeGreaterThanOrEqual(1_000);
    await one.node.hears({ told: 'alive', node: 'two' });
    // It knows of itself, and takes nobody else for dead.
    await two.node.hears({ told: 'stalled', node: 'two' });
    one.node.order({ do: 'ring', ring: ['two'] });
    expect(await one.node.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two'] });
    expect([...one.node.heard, ...two.node.heard]).toEqual([]);
  },
);
