/**
 * A look at a whole cluster from outside: one link to one node, which asks the others on. An observer
 * proves that it knows the secret as a node does, and is a member nowhere.
 */
import { InvalidOption, type System } from '../runtime/index.ts';
import { checkOptions, coreOf, type Core } from '../runtime/internal.ts';
import { secretsOf, type JoinOptions } from './cluster.ts';
import { LinkFailed } from './errors.ts';
import { Handshake } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link } from './link.ts';
import { APART, APART_RIGHTS, Peer } from './peer.ts';
import { reportOf, type NodeReport } from './report.ts';
import { urlOf, wsLinks } from './ws-link.ts';

/** How to look at a cluster. */
export interface ObserveOptions extends Pick<
  JoinOptions,
  'secret' | 'client' | 'insecure' | 'links'
> {
  /** The node to begin with, as `ws://host:port` or `wss://host:port`. */
  readonly connect: string;
}

/** A node of the cluster: what it tells of itself, or why nothing is known of it. */
export type NodeView =
  | { readonly node: string; readonly report: NodeReport }
  | { readonly node: string; readonly error: string };

const KNOWN = ['connect', 'secret', 'client', 'insecure', 'links'];

/**
 * Looks at a cluster, and gives all nodes that anybody in it sees, by name. The system only lends
 * its name and its time: it does not join.
 *
 * @example
 * ```ts
 * const observer = createSystem({ name: 'observer' });
 * for (const view of await observeCluster(observer, {
 *   connect: 'ws://127.0.0.1:7000',
 *   secret: process.env['TROUPE_SECRET'],
 * }))
 *   console.log(view.node, 'report' in view ? view.report.peers : view.error);
 * ```
 *
 * Rejects with `InvalidOption`, and with `LinkFailed` when the node cannot be reached or refuses.
 */
export async function observeCluster(
  system: System,
  options: ObserveOptions,
): Promise<readonly NodeView[]> {
  const core = coreOf(system);
  checkOptions(options, KNOWN, 'observeCluster');
  const { connect, secret, client, insecure = false } = options;
  const secrets = secretsOf(secret);
  if (typeof connect !== 'string')
    throw new InvalidOption({ field: 'connect', given: connect, allowed: 'ws://host:port' });
  if (options.links === undefined) urlOf(connect, insecure);
  const links = options.links ?? wsLinks({ insecure, ...(client !== undefined && { client }) });
  const link = await links.dial(connect);
  const peer = await shake(core, link, secrets);
  try {
    return await lookAround(core, peer);
  } finally {
    await peer.leave();
  }
}

/** The handshake of an observer, and the node that it has reached. */
function shake(core: Core, link: Link, secrets: readonly string[]): Promise<Peer> {
  const { clock, random, timers } = core;
  const dueMs = clock.now() + TRANSPORT_LIMITS.handshakeMs;
  const timer = timers.schedule(dueMs, () => link.close(CLOSE.handshake, 'no handshake in time'));
  return new Promise((resolve, reject) => {
    link.onClose = ({ code, reason }) => {
      timers.cancel(timer);
      reject(new LinkFailed({ address: link.remote, why: `${code} ${reason}` }));
    };
    new Handshake(link, true, {
      self: { name: core.node, incarnation: random.id(), role: 'observer' },
      secrets,
      random,
      refuses: () => undefined,
      done: (identity) => {
        timers.cancel(timer);
        resolve(new Peer(core, identity, 0, link, APART_RIGHTS, APART));
      },
    });
  });
}

/** Level by level: a node that does not answer by one way may do so by another. */
async function lookAround(core: Core, peer: Peer): Promise<NodeView[]> {
  const found = new Map<string, NodeView>();
  let ways: (readonly string[])[] = [[]];
  while (ways.length > 0) {
    const looks = ways.map(async (way) => ({ way, view: await look(core, peer, way) }));
    ways = [];
    for (const { way, view } of await Promise.all(looks)) {
      const known = found.get(view.node);
      if (known !== undefined && ('report' in known || 'error' in view)) continue;
      found.set(view.node, view);
      if ('report' in view && way.length < TRANSPORT_LIMITS.lookHopsMax)
        for (const { node } of view.report.peers) ways.push([...way, node]);
    }
    ways = ways.filter((way) => !('report' in (found.get(way.at(-1) as string) ?? {})));
  }
  return [...found.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Asks the node at the end of a way for its report. */
async function look(core: Core, peer: Peer, way: readonly string[]): Promise<NodeView> {
  const { lookMs } = TRANSPORT_LIMITS;
  const node = way.at(-1) ?? peer.name;
  const { clock, timers } = core;
  const told = await new Promise<unknown>((resolve) => {
    const late = `no answer in ${lookMs} ms`;
    const timer = timers.schedule(clock.now() + lookMs, () => resolve(late));
    void peer.look(way).then((answer) => {
      timers.cancel(timer);
      resolve(answer);
    });
  });
  if (typeof told === 'string') return { node, error: told };
  try {
    return { node, report: reportOf(told) };
  } catch {
    return { node, error: 'an answer that is no report' };
  }
}
