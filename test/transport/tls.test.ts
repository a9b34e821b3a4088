// Nodes over TLS on loopback: who is taken, who is not, and what both sides are told; and the change
// of the secret. The certificates are those of fixtures/tls.

import { readFileSync } from 'node:fs';
import { createSystem, type Log, type Ref, type System } from 'troupe';
import { CLOSE, joinCluster, type ClusterNode, type JoinOptions } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, echo, type EchoEvent } from './cast.ts';

const pem = (name: string): string =>
  readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
const authority = pem('authority');
/** A certificate with its key. */
const shown = (name: string) => ({
  cert: pem(`${name}.test-only`),
  key: pem(`${name}.test-only`),
});

type Line = { readonly [field: string]: unknown };
const ignore = (): void => undefined;
const systems: System[] = [];

async function join(
  name: string,
  options: Partial<JoinOptions> = {},
): Promise<{ system: System; node: ClusterNode; logged: Promise<Line> }> {
  let line: (fields: object) => void = ignore;
  const logged = new Promise<Line>((resolve) => (line = (fields) => resolve({ ...fields })));
  const log: Log = { debug: ignore, info: ignore, warn: line, error: line, child: () => log };
  const system = createSystem({ name, log });
  systems.push(system);
  return { system, node: await joinCluster(system, { secret: SECRET, ...options }), logged };
}

/** The next event of a type. */
function next<TType extends 'nodeup' | 'unreachable'>(node: ClusterNode, type: TType) {
  return new Promise<Parameters<Parameters<typeof node.on<TType>>[1]>[0]>((resolve) => {
    const end = node.on(type, (event) => {
      end();
      resolve(event);
    });
  });
}

afterEach(async () => {
  for (const system of systems.splice(0).reverse()) await system.stop();
});

describe('a cluster over wss with certificates of clients', () => {
  const listening = (certificate: string): Partial<JoinOptions> => ({
    listen: { tls: { ...shown(certificate), ca: authority, requestCert: true } },
  });
  const dialing = (seed: string, certificate?: string, ca = authority): Partial<JoinOptions> => ({
    seeds: [seed],
    client: { ca, ...(certificate !== undefined && shown(certificate)) },
  });

  it('links who has what is asked for', async () => {
    const core = await join('core', listening('core'));
    core.system.spawn(echo(), { id: 'echo' });
    expect(core.node.address).toMatch(/^wss:/);
    const edge = await join('edge', dialing(core.node.address!, 'edge'));
    if (edge.node.nodes().length === 0) await next(edge.node, 'nodeup');
    const far = edge.node.ref('core/echo') as Ref<EchoEvent>;
    expect(await far.ask({ type: 'echo', value: 1n })).toEqual({ type: 'echoed', value: 1n });
  });

  it.each<[string, string, string | undefined, string | undefined, RegExp]>([
    [
      'a server of another authority',
      'rogue',
      'edge',
      undefined,
      /UNABLE_TO|self-signed|unable to/,
    ],
    [
      'a server with an expired certificate',
      'expired',
      'edge',
      undefined,
      /certificate has expired/,
    ],
    [
      'a server with a certificate for another host',
      'elsewhere',
      'edge',
      undefined,
      /does not match/,
    ],
    [
      'a server whose authority it does not know',
      'core',
      'edge',
      'stranger',
      /self-signed|unable to/,
    ],
  ])('does not let a node be linked with %s', async (_, server, client, ca, why) => {
    const core = await join('core', listening(server));
    const trusted = ca === undefined ? authority : pem(ca);
    const edge = await join('edge', dialing(core.node.address!, client, trusted));
    const { error } = await next(edge.node, 'unreachable');
    expect((error as Error).message).toMatch(why);
    expect([...core.node.nodes(), ...edge.node.nodes()]).toEqual([]);
  });

  it.each<[string, string | undefined, RegExp]>([
    ['no certificate', undefined, /did not return a certificate/],
    ['a certificate of another authority', 'rogue', /UNABLE_TO_VERIFY|SELF_SIGNED/],
    ['an expired certificate', 'expired', /CERT_HAS_EXPIRED/],
  ])('turns a client with %s away, with a line in the log', async (_, client, why) => {
    const core = await join('core', listening('core'));
    const edge = await join('edge', dialing(core.node.address!, client));
    await next(edge.node, 'unreachable');
    expect([...core.node.nodes(), ...edge.node.nodes()]).toEqual([]);
    expect(core.system.stats().delivered).toBe(0);
    expect(String((await core.logged)['reason'])).toMatch(why);
  });

  it('asks for the secret, too', async () => {
    const core = await join('core', listening('core'));
    const secret = 'another secret of 26 ch';
    const edge = await join('edge', { ...dialing(core.node.address!, 'edge'), secret });
    const { error } = await next(edge.node, 'unreachable');
    expect((error as Error).message).toContain(String(CLOSE.secret));
    expect(await core.logged).toMatchObject({ code: CLOSE.secret });
  });

  it('is not reached by plain ws', async () => {
    const core = await join('core', listening('core'));
    const edge = await join('edge', { seeds: [core.node.address!.replace('wss:', 'ws:')] });
    await next(edge.node, 'unreachable');
    await core.logged;
    expect(core.node.nodes()).toEqual([]);
  });
});

describe('beyond this machine', () => {
  it.each<[string, Partial<JoinOptions>]>([
    ['tls', { listen: { host: '0.0.0.0', tls: shown('core') } }],
    ['insecure: true', { listen: { host: '0.0.0.0' }, insecure: true }],
  ])('a node listens with %s', async (_, options) => {
    const { node } = await join('core', options);
    expect(node.address).toMatch(/0\.0\.0\.0:\d+$/);
  });
});

describe('a change of the secret', () => {
  const [old, fresh, third] = [
    'the old secret of all',
    'the new secret of all',
    'a third secret for all',
  ] as const;
  let core: { system: System; node: ClusterNode; logged: Promise<Line> };

  beforeEach(async () => {
    core = await join('core', { listen: {}, secret: old });
  });

  it('takes place without a restart: first both are taken, then only the new one', async () => {
    let count = 0;
    const knock = async (secret: string): Promise<string> => {
      const name = `edge-${(count += 1)}`;
      const edge = await join(name, { secret, seeds: [core.node.address!] });
      const up = next(edge.node, 'nodeup').then(() => 'linked');
      const failed = next(edge.node, 'unreachable').then(({ error }) => String(error));
      const came = edge.node.nodes().length > 0 ? 'linked' : await Promise.race([up, failed]);
      await edge.node.leave();
      return came;
    };
    const first = await join('first', { secret: old, seeds: [core.node.address!] });
    if (first.node.nodes().length === 0) await next(first.node, 'nodeup');
    expect(await knock(fresh)).toContain(String(CLOSE.secret));
    core.node.changeSecret([old, fresh]);
    expect(await knock(old)).toBe('linked');
    // It shows the old one still, which who knows only the new one cannot check.
    expect(await knock(fresh)).toContain(String(CLOSE.secret));
    core.node.changeSecret([fresh, old]);
    expect(await knock(fresh)).toBe('linked');
    core.node.changeSecret(fresh);
    expect(await knock(fresh)).toBe('linked');
    expect(await knock(old)).toContain(String(CLOSE.secret));
    expect(await knock(third)).toContain(String(CLOSE.secret));
    // Who was linked is linked: a secret is asked for at the door.
    expect(core.node.nodes().map(({ node }) => node)).toEqual(['first']);
  });

  it('keeps all linked who go through its three steps at any pace', async () => {
    const steps = [[old], [old, fresh], [fresh, old], [fresh]];
    const edge = await join('edge', { secret: old, seeds: [core.node.address!] });
    if (edge.node.nodes().length === 0) await next(edge.node, 'nodeup');
    for (let step = 1; step < steps.length; step += 1)
      for (const node of [core.node, edge.node]) {
        node.changeSecret(steps[step]!);
        // A new handshake, one of the two a step ahead.
        const again = await join(`again-${step}-${node.name}`, {
          secret: steps[node === core.node ? step - 1 : step]!,
          seeds: [core.node.address!],
        });
        if (again.node.nodes().length === 0) await next(again.node, 'nodeup');
        await again.node.leave();
      }
    expect(edge.node.nodes()).toHaveLength(1);
  });

  it.each([
    ['no secret', undefined],
    ['an empty list', []],
    ['a short one', ['short']],
  ])('to %s is refused, and the former one stays', async (_, secret) => {
    expect(() => core.node.changeSecret(secret as never)).toThrow('at least 16 characters');
    const edge = await join('edge', { secret: old, seeds: [core.node.address!] });
    if (edge.node.nodes().length === 0) await next(edge.node, 'nodeup');
  });
});
