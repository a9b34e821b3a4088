/**
 * A node: a system that has joined others. It keeps the links to its peers, tells who is there, and
 * is the network of its system.
 */
import {
  InvalidOption,
  type AgentName,
  type AnyRef,
  type ExitReason,
  type Network,
  type StopOptions,
  type System,
} from '../runtime/index.ts';
import {
  NOCONNECTION,
  checkFunction,
  checkOptions,
  LogThrottle,
  coreOf,
  nameOf,
  type Cell,
  type Core,
  type Envelope,
  type Life,
  type Remote,
  type RemoteEnd,
  type Timer,
} from '../runtime/internal.ts';
import { Callers } from './callers.ts';
import { checkPayload } from './codec.ts';
import { Dialer, type Dialing } from './dialer.ts';
import { Deadlocks } from './deadlocks.ts';
import { LinkFailed } from './errors.ts';
import { Groups, type Group } from './groups.ts';
import { NameClaims, keepFirst, type ClusterNames, type NameResolver } from './names.ts';
import { Handshake, type Identity } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link, type LinkClose, type Links, type Listener } from './link.ts';
import { NodeListeners, type NodeEvents } from './node-events.ts';
import { APART, APART_RIGHTS, Peer, lost, type PeerEnd } from './peer.ts';
import { systemReport, type NodeInfo, type NodeReport } from './report.ts';
import { maySee, rightsOf, type Rights } from './rights.ts';
import { urlOf, wsLinks, type WsOptions } from './ws-link.ts';

/** How a system joins others. */
export interface JoinOptions {
  /** The node's name; default, and nothing else allowed: the system's. */
  readonly name?: string;
  /** Where other nodes reach this one; absent: they do not, it only dials. */
  readonly listen?: Pick<WsOptions, 'port' | 'host' | 'tls'>;
  /** Nodes to be linked with, as `ws://host:port` or `wss://host:port`: tried for ever. */
  readonly seeds?: readonly string[];
  /**
   * What all nodes know, at least 16 characters; it never travels. Of several the first is shown and
   * each is accepted; `changeSecret` changes them.
   */
  readonly secret: string | readonly string[] | undefined;
  /** What peers may do here; default: all nodes may connect and send, none may stop agents. */
  readonly peers?: Rights;
  /** What a dialed `wss` server must show, and the certificate shown to it. */
  readonly client?: WsOptions['client'];
  /** Allows plain `ws` beyond this machine: only the handshake is authenticated then. */
  readonly insecure?: boolean;
  /** Who keeps a name of the cluster that two sides of a split hold; the same on all nodes; default `keepFirst`. */
  readonly onNameConflict?: NameResolver;
  /** Another way to make links than WebSockets; `listen: {}` then means to listen. */
  readonly links?: Links;
}

/** A system that has joined others. */
export interface ClusterNode extends AsyncDisposable {
  readonly name: string;
  /** Which start of this node it is. */
  readonly incarnation: string;
  /** What other nodes name as a seed; undefined when it does not listen. */
  readonly address: string | undefined;
  /** The ref to whoever holds a name on a node, found there at each use. */
  whereis<TRef extends AnyRef>(node: string, name: AgentName<TRef>): TRef;
  whereis(node: string, name: string): AnyRef;
  /** The ref to `node/path`, whoever lives there. */
  ref(address: string): AnyRef;
  /** A group of agents over all nodes, by its name. */
  group(name: string): Group;
  /** The names of the groups in which this node knows of somebody, sorted. */
  groups(): readonly string[];
  /** The names of the cluster, each of which one agent holds. */
  readonly names: ClusterNames;
  /** The nodes that are linked with this one, by name. */
  nodes(): readonly NodeInfo[];
  /**
   * What later handshakes use; links that are up stay. Nodes go through it in three steps, each on all
   * nodes before the next: the old secret and the new one, the new one and the old, the new one alone.
   * Throws `InvalidOption` as `joinCluster` does.
   */
  changeSecret(secret: string | readonly string[]): void;
  /** Calls back at each event of a type; returns what ends it. */
  on<TType extends keyof NodeEvents>(
    type: TType,
    listener: (event: NodeEvents[TType]) => void,
  ): () => void;
  /** Says farewell to all nodes, and closes. The system goes on alone; its stop does this too. */
  leave(): Promise<void>;
}

const KNOWN = [
  'name',
  'listen',
  'seeds',
  'secret',
  'peers',
  'client',
  'insecure',
  'links',
  'onNameConflict',
];
const SECRET_MIN = 16;

/**
 * Makes a system a node among others.
 *
 * @example
 * ```ts
 * const node = await joinCluster(system, {
 *   listen: { port: 7001 },
 *   seeds: ['ws://127.0.0.1:7000'],
 *   secret: process.env['TROUPE_SECRET'],
 * });
 * const answer = await node.whereis('core-1', Editor).ask({ type: 'edit', text: 'hi' });
 * ```
 *
 * Rejects with `InvalidOption`, and with `LinkFailed` when the port is taken. A seed that cannot be
 * reached is an event, `unreachable`.
 */
export async function joinCluster(system: System, options: JoinOptions): Promise<ClusterNode> {
  const core = coreOf(system);
  checkOptions(options, KNOWN, 'joinCluster');
  const { name = core.node, seeds = [], secret, insecure = false } = options;
  if (name !== core.node) {
    const allowed = `"${core.node}", the name of the system, which stands in its addresses`;
    throw new InvalidOption({ field: 'name', given: name, allowed });
  }
  if (core.network.remote !== undefined)
    throw new InvalidOption({ field: 'system', given: name, allowed: 'one that has not joined' });
  const secrets = secretsOf(secret);
  const links =
    options.links ??
    wsLinks({
      ...options.listen,
      insecure,
      ...(options.client !== undefined && { client: options.client }),
    });
  if (options.links === undefined) for (const seed of seeds) urlOf(seed, insecure);
  const node = new Node(system, links, secrets, options);
  if (options.listen !== undefined) await node.listen();
  node.open(seeds);
  return node;
}

/** The secrets that are given. Throws `InvalidOption`. */
export function secretsOf(secret: JoinOptions['secret']): readonly string[] {
  const secrets = typeof secret === 'string' ? [secret] : (secret ?? []);
  const isGood = (one: unknown): boolean => typeof one === 'string' && one.length >= SECRET_MIN;
  if (Array.isArray(secrets) && secrets.length > 0 && secrets.every(isGood)) return secrets;
  // What was given stays out of the message: it may be a secret.
  const given = secret === undefined ? undefined : '(hidden)';
  const allowed = `a string of at least ${SECRET_MIN} characters, or several`;
  throw new InvalidOption({ field: 'secret', given, allowed });
}

/** A node that neither listens nor dials nor looks at its links by itself: a simulation does that. */
export interface DrivenNode extends ClusterNode {
  /** A link is there, which this node has dialed or not. */
  meet(link: Link, isDialed: boolean): void;
}

/** Makes a system a node that a simulation drives. */
export function drivenNode(system: System, secret: string): DrivenNode {
  const none = (): Promise<never> => Promise.reject(new Error('links are made by the simulation'));
  const node = new Node(system, { listen: none, dial: none }, [secret], { secret });
  node.join();
  return node;
}

const UNCONCERNED: Dialing = {
  reached: () => undefined,
  linked: () => undefined,
  failed: () => undefined,
};

class Node implements ClusterNode, Remote {
  readonly name: string;
  readonly incarnation: string;
  readonly names: NameClaims;
  readonly #system: System;
  readonly #core: Core;
  readonly #links: Links;
  #secrets: readonly string[];
  readonly #rights: Rights | undefined;
  readonly #listeners: NodeListeners;
  readonly #alone: Network;
  readonly #groups: Groups;
  readonly #deadlocks: Deadlocks;
  readonly #peers = new Map<string, Peer>();
  /** Those who look at the cluster and are no part of it. */
  readonly #observers = new Set<Peer>();
  readonly #suspected = new Set<string>();
  readonly #handshakes = new Set<{ readonly handshake: Handshake; readonly link: Link }>();
  readonly #callers = new Callers<Link>((link) => link.close(CLOSE.handshake, 'too many callers'));
  /** Strangers must not fill the log, either. */
  readonly #strangers: LogThrottle;
  /** Links that have come up: what tells an earlier one from a later one. */
  #ups = 0;
  readonly #dialers: Dialer[] = [];
  #listener: Listener | undefined;
  #timer: Timer | undefined;
  #tickDueMs = 0;
  #left: Promise<void> | undefined;

  constructor(system: System, links: Links, secrets: readonly string[], options: JoinOptions) {
    const core = coreOf(system);
    this.#system = system;
    this.#core = core;
    this.#links = links;
    this.#secrets = secrets;
    this.#rights = options.peers;
    this.name = core.node;
    this.incarnation = core.random.id();
    this.#listeners = new NodeListeners((callback) => core.guard(callback));
    this.#alone = core.network;
    this.#strangers = new LogThrottle(core.log);
    const peers = (): Iterable<Peer> => this.#peers.values();
    this.#groups = new Groups(core, peers);
    this.#deadlocks = new Deadlocks(core, peers);
    this.names = new NameClaims(core, peers, options.onNameConflict ?? keepFirst, (conflict) => {
      const { name, kept, lost: losers } = conflict;
      const addresses = losers.map(({ address }) => address);
      core.log.warn({ name, kept: kept?.address, lost: addresses }, 'a name was held twice');
      this.#listeners.tell('nameConflict', conflict);
    });
  }

  async listen(): Promise<void> {
    const { clock } = this.#core;
    this.#listener = await this.#links.listen(
      (link) => this.#shake(link, undefined),
      (remote, reason) =>
        this.#strangers.warn(clock.now(), { remote, reason }, 'a caller was turned away'),
    );
  }

  /** Becomes the network of its system. */
  join(): void {
    const alone = this.#alone;
    this.#core.network = {
      node: this.name,
      send: (node, envelope) => this.send(node, envelope),
      ...(alone.carry !== undefined && { carry: alone.carry.bind(alone) }),
      remote: this,
    };
  }

  open(seeds: readonly string[]): void {
    this.join();
    for (const seed of seeds) {
      const dialer = new Dialer(seed, this.#core, this.#links, {
        dialed: (link) => this.#shake(link, dialer),
        unreachable: (at, error, attempts) =>
          this.#listeners.tell('unreachable', { seed: at, attempts, error }),
      });
      this.#dialers.push(dialer);
      dialer.dial();
    }
    this.#tickLater();
  }

  // ── For users ───────────────────────────────────────────────────────────────────────────────

  get address(): string | undefined {
    return this.#listener?.address;
  }

  whereis<TRef extends AnyRef>(node: string, name: AgentName<TRef> | string): TRef {
    return this.#core.refAt(`${node}/(name ${nameOf(name)})`) as unknown as TRef;
  }

  ref(address: string): AnyRef {
    return this.#core.refAt(address);
  }

  group(name: string): Group {
    return this.#groups.group(name);
  }

  groups(): readonly string[] {
    return this.#groups.names();
  }

  nodes(): NodeInfo[] {
    const nowMs = this.#core.clock.now();
    return [...this.#peers.values()]
      .map((peer) => ({
        node: peer.name,
        incarnation: peer.identity.incarnation,
        suspected: this.#suspected.has(peer.name),
        silentMs: nowMs - peer.heardAtMs,
        waitingBytes: peer.waitingBytes,
      }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  changeSecret(secret: string | readonly string[]): void {
    this.#secrets = secretsOf(secret);
  }

  on<TType extends keyof NodeEvents>(
    type: TType,
    listener: (event: NodeEvents[TType]) => void,
  ): () => void {
    checkFunction('listener', listener);
    return this.#listeners.add(type, listener);
  }

  leave(): Promise<void> {
    return (this.#left ??= this.#leave());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #leave(): Promise<void> {
    for (const dialer of this.#dialers) dialer.stop();
    if (this.#timer !== undefined) this.#core.timers.cancel(this.#timer);
    for (const { link } of this.#handshakes) link.close(CLOSE.left, 'left');
    const leaving = this.#linked().map((peer) => peer.leave());
    this.#core.network = this.#alone;
    await Promise.all(leaving);
    await this.#listener?.close();
  }

  // ── The network of the system ───────────────────────────────────────────────────────────────

  send(node: string, envelope: Envelope): boolean {
    const peer = this.#peers.get(node);
    if (peer !== undefined) peer.send(envelope);
    else if (envelope.ask === undefined) return false;
    else envelope.ask.fail(lost(envelope.to.address, envelope.type));
    return true;
  }

  check(message: object): void {
    checkPayload(message, 'message');
  }

  monitor(ref: AnyRef, tell: RemoteEnd): (() => void) | undefined {
    return this.#peers.get(ref.node)?.monitor(ref, tell);
  }

  link(life: Life, to: AnyRef): boolean {
    const peer = this.#peers.get(to.node);
    peer?.link(life, to);
    return peer !== undefined;
  }

  unlink(life: Life, from: AnyRef): void {
    this.#peers.get(from.node)?.unlink(life, from);
  }

  exit(from: Cell, to: AnyRef, reason: ExitReason): void {
    this.#peers.get(to.node)?.exit(from, to, reason);
  }

  async stop(ref: AnyRef, how: StopOptions | 'kill'): Promise<ExitReason> {
    return this.#peers.get(ref.node)?.stop(ref, how) ?? NOCONNECTION;
  }

  close(): Promise<void> {
    return this.leave();
  }

  // ── Links ───────────────────────────────────────────────────────────────────────────────────

  meet(link: Link, isDialed: boolean): void {
    // How long is too long is for the simulation to say.
    this.#shake(link, isDialed ? UNCONCERNED : undefined, Infinity);
  }

  #shake(
    link: Link,
    dialer: Dialing | undefined,
    handshakeMs: number = TRANSPORT_LIMITS.handshakeMs,
  ): void {
    const { clock, random, timers, log } = this.#core;
    if (this.#left !== undefined) {
      link.close(CLOSE.left, 'left');
      return;
    }
    let leave = (): void => undefined;
    const upsBefore = this.#ups;
    const dueMs = clock.now() + handshakeMs;
    const timer = timers.schedule(dueMs, () => link.close(CLOSE.handshake, 'no handshake in time'));
    const over = (): void => {
      timers.cancel(timer);
      this.#handshakes.delete(entry);
      leave();
    };
    link.onClose = ({ code, reason }) => {
      over();
      const peer = handshake.peer?.name;
      const fields = { remote: link.remote, peer, code, reason };
      if (code !== CLOSE.connected && code !== CLOSE.left) {
        if (dialer !== undefined) log.warn(fields, 'a handshake failed');
        else this.#strangers.warn(clock.now(), fields, 'a handshake of a caller failed');
      }
      if (code === CLOSE.connected) dialer?.linked();
      else dialer?.failed(new LinkFailed({ address: link.remote, why: `${code} ${reason}` }));
    };
    const handshake = new Handshake(link, dialer !== undefined, {
      self: { name: this.name, incarnation: this.incarnation, role: 'node' },
      secrets: this.#secrets,
      random,
      refuses: (peer, dialing) => this.#refuses(peer, dialing, upsBefore),
      done: (peer) => {
        over();
        if (peer.role === 'observer') this.#observed(peer, link);
        else this.#up(peer, link, dialer);
      },
    });
    const entry = { handshake, link };
    this.#handshakes.add(entry);
    // Last, since it may turn another caller away.
    if (dialer === undefined) leave = this.#callers.enter(link.remote, link);
  }

  /** Whether a node that has proved itself may not be linked now, and why. */
  #refuses(peer: Identity, dialing: boolean, upsBefore: number): LinkClose | undefined {
    const { name, incarnation, role } = peer;
    const rights = rightsOf(this.#rights, name);
    if (rights === undefined || (role === 'observer' && !maySee(rights)))
      return { code: CLOSE.refused, reason: 'not allowed' };
    if (role === 'observer') return undefined;
    if (name === this.name) {
      this.#listeners.tell('conflict', { node: name, incarnation });
      return { code: CLOSE.refused, reason: 'the same name' };
    }
    const known = this.#peers.get(name);
    // Who dials has looked at its own links: when it goes on, the link from before is gone for it,
    // though its end may not have come here. A link that came up meanwhile it may not know yet.
    const isNewer = known !== undefined && (dialing || known.upAt > upsBefore);
    if (isNewer && known.identity.incarnation === incarnation)
      return { code: CLOSE.connected, reason: 'linked already' };
    // Two handshakes at a time: of two that are dialed here the first stays; when both nodes dial,
    // the one that is dialed by the node whose name comes first.
    for (const { handshake, link } of this.#handshakes) {
      if (!handshake.proved || handshake.peer?.name !== name) continue;
      if (dialing || this.name < name)
        return { code: CLOSE.connected, reason: 'being linked already' };
      link.close(CLOSE.connected, 'being linked already');
    }
    return undefined;
  }

  #up(identity: Identity, link: Link, dialer: Dialing | undefined): void {
    const { name, incarnation } = identity;
    // Its former connection ends first: nothing of the new one arrives before.
    this.#peers.get(name)?.close(CLOSE.replaced, 'replaced by a newer link');
    dialer?.reached();
    const rights = rightsOf(this.#rights, name) ?? {};
    const gone = (peer: Peer): void => {
      if (this.#peers.get(name) === peer) this.#peers.delete(name);
      this.#suspected.delete(name);
    };
    const down = ({ code, reason, here }: PeerEnd): void => {
      this.#groups.down(name);
      this.names.down(name);
      // Who has said goodbye is no trouble.
      const level = code === CLOSE.left ? 'info' : 'warn';
      this.#core.log[level]({ peer: name, code, reason }, 'node down');
      this.#listeners.tell('nodedown', { node: name, incarnation, code, reason });
      // Whoever is replaced by the other side does not fight for its place: another has its name.
      if (code === CLOSE.replaced && !here)
        this.#listeners.tell('conflict', { node: name, incarnation });
      else dialer?.failed(new LinkFailed({ address: link.remote, why: reason }));
    };
    const peer = new Peer(this.#core, identity, (this.#ups += 1), link, rights, {
      gone,
      lost: down,
      stalled: (stalledMs) => this.#listeners.tell('stalled', { node: name, stalledMs }),
      member: (isJoin, group, path) => this.#groups.told(name, isJoin, group, path),
      claim: (from, id, claimed, path, order) => this.names.claim(from, id, claimed, path, order),
      claimed: (id, claimed, isAllowed) => this.names.claimed(name, id, claimed, isAllowed),
      probe: (ask, probe) => this.#deadlocks.follow(probe, ask),
      unclaim: (claimed) => this.names.unclaim(name, claimed),
      look: (way) => this.#look(way),
    });
    this.#peers.set(name, peer);
    this.#listeners.tell('nodeup', { node: name, incarnation });
    this.#groups.up(peer);
    this.names.up(peer);
  }

  // ── Observers ───────────────────────────────────────────────────────────────────────────────

  #observed(identity: Identity, link: Link): void {
    const observer = new Peer(this.#core, identity, this.#ups, link, APART_RIGHTS, {
      ...APART,
      gone: () => void this.#observers.delete(observer),
      look: (way) => this.#look(way),
    });
    this.#observers.add(observer);
  }

  async #look([next, ...rest]: readonly string[]): Promise<unknown> {
    if (next === undefined) return this.#reportNow();
    if (rest.length >= TRANSPORT_LIMITS.lookHopsMax) return 'a way too long';
    const peer = this.#peers.get(next);
    if (peer === undefined) return `${this.name} is not linked with it`;
    return peer.look(rest);
  }

  #reportNow(): NodeReport {
    return {
      node: this.name,
      incarnation: this.incarnation,
      address: this.address ?? '',
      ...systemReport(this.#system),
      peers: this.nodes(),
      groups: this.#groups.report(),
    };
  }

  // ── Liveness ────────────────────────────────────────────────────────────────────────────────

  #linked(): Peer[] {
    return [...this.#peers.values(), ...this.#observers];
  }

  #tickLater(): void {
    const { clock, timers } = this.#core;
    this.#tickDueMs = clock.now() + TRANSPORT_LIMITS.pingMs;
    this.#timer = timers.schedule(this.#tickDueMs, () => this.#tick());
  }

  #tick(): void {
    const { suspectMs, downMs, pingMs } = TRANSPORT_LIMITS;
    const nowMs = this.#core.clock.now();
    const lateMs = nowMs - this.#tickDueMs;
    if (lateMs >= pingMs) {
      for (const peer of this.#linked()) peer.stoodStill(lateMs);
      this.#listeners.tell('stalled', { node: this.name, stalledMs: lateMs });
    }
    for (const peer of this.#linked()) {
      const { name } = peer;
      const silentMs = nowMs - peer.heardAtMs;
      if (silentMs >= downMs) {
        peer.close(CLOSE.silent, `silent for ${Math.round(silentMs)} ms`);
        continue;
      }
      peer.tick();
      if (this.#observers.has(peer)) continue;
      if (silentMs >= suspectMs && !this.#suspected.has(name)) {
        this.#suspected.add(name);
        this.#listeners.tell('suspect', { node: name, silentMs });
      } else if (silentMs < suspectMs && this.#suspected.delete(name))
        this.#listeners.tell('alive', { node: name });
    }
    this.#deadlocks.tick();
    this.#tickLater();
  }
}
