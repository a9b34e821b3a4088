// `troupe cluster` in a process of its own, before nodes of this one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createSystem, fromHandler, type System } from 'troupe';
import { joinCluster, type ClusterNode, type NodeView } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oneSided, textOfCluster } from '../../cli/cluster-text.ts';
import { root, troupeWith, type Ended } from './run.ts';

const secret = 'a secret of the tests';
const env = { ...process.env, TROUPE_SECRET: secret };
const changing = 'the secret of yesterday';
const systems: System[] = [];
let core: ClusterNode;

/** The command in a process that this one goes on beside: its nodes have to answer. */
function cluster(...flags: string[]): Promise<Ended> {
  const both = { ...env, TROUPE_SECRET_ALSO: changing };
  const args = [
    '--import',
    'tsx',
    '--conditions=source',
    `${root}cli/main.ts`,
    'cluster',
    ...flags,
  ];
  const child = spawn(process.execPath, args, { cwd: root, env: both });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

async function join(name: string, seeds: string[]): Promise<ClusterNode> {
  const system = createSystem({ name, log: false });
  systems.push(system);
  const node = await joinCluster(system, { listen: {}, seeds, secret });
  if (seeds.length > 0) await new Promise((resolve) => node.on('nodeup', resolve));
  return node;
}

beforeEach(async () => {
  core = await join('core', []);
  const edge = await join('edge', [core.address!]);
  await join('far', [edge.address!]);
  const slow = systems[1]!.spawn(
    fromHandler<undefined, { type: 'note' }>({ receive: () => undefined }),
    { id: 'slow' },
  );
  edge.group('slow ones').join(slow);
  await slow.started();
  systems[1]!.suspend(slow);
  for (let count = 0; count < 3; count += 1) slow.send({ type: 'note' });
});
afterEach(async () => {
  for (const system of systems.splice(0)) await system.stop();
});

describe('troupe cluster', { timeout: 60_000 }, () => {
  it('shows who sees whom as a matrix, and queues and groups as tables', async () => {
    const { status, stdout } = await cluster('--connect', core.address!);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      'sees  core  edge  far',
      'core  ·     ✓     –',
      'edge  ✓     ·     ✓',
      'far   –     ✓     ·',
    ]);
    expect(stdout).toMatch(/^edge +1 +3 +0 .*ws:\/\/127/m);
    expect(stdout).toMatch(/^edge\/slow +3 +[\d.]+ m?s$/m);
    expect(stdout).toMatch(/^slow ones +1 +all +edge\/slow$/m);
    expect(status).toBe(0);
  });

  it('writes the same as JSON, and is no member itself', async () => {
    const { status, stdout } = await cluster('--connect', core.address!, '--json');
    const { nodes, oneSided } = JSON.parse(stdout) as { nodes: NodeView[]; oneSided: object[] };
    expect(nodes.map(({ node }) => node)).toEqual(['core', 'edge', 'far']);
    expect(nodes[1]).toMatchObject({
      report: { queuedMessages: 3, mailboxes: [{ path: '/slow', messages: 3 }] },
    });
    expect(oneSided).toEqual([]);
    expect(status).toBe(0);
  });

  it('watches: a line of JSON for each look, with what has changed', async () => {
    const flags = ['cluster', '--connect', core.address!, '--watch', '--json'];
    const args = ['--import', 'tsx', '--conditions=source', `${root}cli/main.ts`, ...flags];
    const child = spawn(process.execPath, args, { cwd: root, env });
    const seen: number[] = [];
    for await (const line of createInterface(child.stdout)) {
      seen.push((JSON.parse(line) as { nodes: NodeView[] }).nodes.length);
      if (seen.length === 1) await systems.pop()!.stop();
      else break;
    }
    child.kill();
    expect(seen).toEqual([3, 2]);
  });

  it('ends with 1 when there is no cluster, and with 2 for a wrong URL or secret', async () => {
    const none = await cluster('--connect', 'ws://127.0.0.1:9');
    expect(none.stderr).toContain('troupe: no link to ws://127.0.0.1:9: connect ECONNREFUSED');
    expect(none.status).toBe(1);
    const wrong = await cluster('--connect', 'edge:7000');
    expect(wrong.stderr).toContain('ws://host:port or wss://host:port');
    expect(wrong.status).toBe(2);
    const { status, stderr } = troupeWith(
      { ...env, TROUPE_SECRET: '' },
      'cluster',
      '--connect',
      'ws://127.0.0.1:9',
    );
    expect(stderr).toContain('TROUPE_SECRET is not set');
    expect(status).toBe(2);
  });
});

describe('a cluster over wss', { timeout: 60_000 }, () => {
  const pem = (name: string): string => `${root}test/transport/fixtures/tls/${name}.pem`;
  const shown = ['--cert', pem('core.test-only'), '--key', pem('core.test-only')];

  it('is shown to who has a certificate, also while its secret is being changed', async () => {
    const node = ['node', 'test/cli/fixtures/root.ts', '--name', 'safe', '--listen', '0'];
    const command = ['--import', 'tsx', '--conditions=source', `${root}cli/main.ts`, ...node];
    const child = spawn(process.execPath, [...command, ...shown, '--ca', pem('authority')], {
      cwd: root,
      env: { ...env, TROUPE_SECRET: changing, TROUPE_SECRET_ALSO: secret },
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const [line] = (await once(createInterface(child.stderr), 'line')) as [string];
    const { address } = JSON.parse(line) as { address: string };
    expect(address).toMatch(/^wss:/);
    const look = await cluster('--connect', address, ...shown, '--ca', pem('authority'));
    expect(look.stdout).toContain('safe');
    expect(look.status).toBe(0);
    const without = await cluster('--connect', address, '--ca', pem('authority'));
    expect(without.stderr).toContain(`troupe: no link to ${address}`);
    expect(without.status).toBe(1);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

it('a link that only one side has, and a node that does not answer, stand out', () => {
  const report = (node: string, sees: readonly string[]): NodeView => ({
    node,
    report: {
      node,
      incarnation: 'i',
      address: '',
      agents: 0,
      queuedMessages: 0,
      openRequests: 0,
      deadLetters: 0,
      crashes: 0,
      restarts: 0,
      loopLagMs: 0,
      peers: sees.map((each) => ({
        node: each,
        incarnation: 'i',
        suspected: each === 'c',
        silentMs: 0,
        waitingBytes: 0,
      })),
      groups: [],
      mailboxes: [],
    },
  });
  const views = [
    report('a', ['b', 'c']),
    report('b', []),
    { node: 'c', error: 'no answer in 2000 ms' },
  ];
  expect(oneSided(views)).toEqual([{ node: 'a', sees: 'b' }]);
  expect(textOfCluster(views).split('\n')).toEqual(
    expect.arrayContaining([
      'sees  a  b  c',
      'a     ·  ✓  ~',
      'b     –  ·  –',
      'c     ?  ?  ·',
      '! c: no answer in 2000 ms',
      '! a sees b, which does not see it',
    ]),
  );
});
