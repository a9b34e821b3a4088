/**
 * Groups of agents over all nodes, as OTP's `pg`: each node keeps the memberships of its own agents
 * and tells them to its peers; what it knows of a peer's is gone with the peer. There is no leader
 * and no conflict: after a split each side sees its own, and after the heal all of them again.
 */
import type { EventObject } from 'xstate';
import { InvalidOption, type AnyRef } from '../runtime/index.ts';
import { cellOf, type Core, type Life } from '../runtime/internal.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import type { GroupReport } from './report.ts';
import { broadcastOf, routerOf, type Broadcast, type Router, type Routing } from './router.ts';

/** Who has come or gone. */
export interface GroupEvent {
  readonly type: 'join' | 'leave';
  readonly group: string;
  readonly ref: AnyRef;
}

/** A group of agents, of this node and of those that are linked with it. */
export interface Group {
  readonly name: string;
  /** Adds the present life of an agent of this node, until it ends; twice counts twice. */
  join(ref: AnyRef): void;
  /** Takes one membership back; false when there is none. */
  leave(ref: AnyRef): boolean;
  /** All members that this node knows of, its own first; one that joined twice stands there twice. */
  members(): readonly AnyRef[];
  /** Calls back at each change after the members that are returned; `end` ends it. */
  subscribe(listener: (event: GroupEvent) => void): {
    readonly members: readonly AnyRef[];
    readonly end: () => void;
  };
  /** Sends each message to one member. Throws `InvalidOption` for a routing that there is not. */
  router<TEvent extends EventObject>(routing: Routing<TEvent>): Router<TEvent>;
  /** Sends each message to all members. */
  broadcast<TEvent extends EventObject>(): Broadcast<TEvent>;
}

/** Where memberships of this node are told. */
export interface GroupPeer {
  readonly name: string;
  member(isJoin: boolean, group: string, path: string): void;
}

/** One membership of an agent of this node. */
interface Membership {
  readonly life: Life;
  readonly forget: () => void;
}

export class Groups {
  readonly #core: Core;
  readonly #peers: () => Iterable<GroupPeer>;
  readonly #own = new Map<string, Membership[]>();
  /** By node, then group: the paths of its members. */
  readonly #others = new Map<string, Map<string, string[]>>();
  /** The members of groups that have been asked for, until one comes or goes: routers ask at each message. */
  readonly #listed = new Map<string, readonly AnyRef[]>();
  /** By node: how many memberships it has told. */
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Map<string, Set<(event: GroupEvent) => void>>();

  constructor(core: Core, peers: () => Iterable<GroupPeer>) {
    this.#core = core;
    this.#peers = peers;
  }

  group(name: string): Group {
    const { textCharsMax } = TRANSPORT_LIMITS;
    if (typeof name !== 'string' || name === '' || name.length > textCharsMax) {
      const allowed = `a string of 1 to ${textCharsMax} characters`;
      throw new InvalidOption({ field: 'group', given: name, allowed });
    }
    const members = (): readonly AnyRef[] => this.#members(name);
    const routed = { name, members, random: () => this.#core.random.float() };
    return {
      name,
      join: (ref) => this.#join(name, ref),
      leave: (ref) => this.#leave(name, ref),
      members,
      router: (routing) => routerOf(routed, routing),
      broadcast: () => broadcastOf(routed),
      subscribe: (listener) => {
        let own = this.#listeners.get(name);
        if (own === undefined) this.#listeners.set(name, (own = new Set()));
        own.add(listener);
        return { members: members(), end: () => void own.delete(listener) };
      },
    };
  }

  #join(group: string, ref: AnyRef): void {
    const life = lifeHere(this.#core, ref);
    const { path } = life.cell;
    const membership: Membership = {
      life,
      forget: life.whenOver(() => this.#remove(group, membership)),
    };
    const own = this.#own.get(group);
    if (own === undefined) this.#own.set(group, [membership]);
    else own.push(membership);
    for (const peer of this.#peers()) peer.member(true, group, path);
    this.#tell('join', group, ref);
  }

  #leave(group: string, ref: AnyRef): boolean {
    const life = cellOf(ref)?.life;
    const membership = this.#own.get(group)?.find((each) => each.life === life);
    if (membership === undefined) return false;
    membership.forget();
    this.#remove(group, membership);
    return true;
  }

  #remove(group: string, membership: Membership): void {
    const own = this.#own.get(group) ?? [];
    own.splice(own.indexOf(membership), 1);
    if (own.length === 0) this.#own.delete(group);
    const { ref, path } = membership.life.cell;
    for (const peer of this.#peers()) peer.member(false, group, path);
    this.#tell('leave', group, ref);
  }

  #members(group: string): readonly AnyRef[] {
    const known = this.#listed.get(group);
    if (known !== undefined) return known;
    const own = (this.#own.get(group) ?? []).map(({ life }) => life.cell.ref as AnyRef);
    const others = [...this.#others].flatMap(([node, groups]) =>
      (groups.get(group) ?? []).map((path) => this.#core.refAt(`${node}${path}`) as AnyRef),
    );
    const members = [...own, ...others];
    if (members.length > 0) this.#listed.set(group, members);
    return members;
  }

  /** The groups in which somebody is, sorted. */
  names(): string[] {
    const names = new Set(this.#own.keys());
    for (const groups of this.#others.values()) for (const name of groups.keys()) names.add(name);
    return [...names].sort();
  }

  /** The groups that this node knows of, by name. */
  report(): GroupReport[] {
    const { reportRowsMax } = TRANSPORT_LIMITS;
    return this.names()
      .slice(0, reportRowsMax)
      .map((group) => {
        const members = this.#members(group);
        const named = members.slice(0, reportRowsMax).map(({ address }) => address);
        return { group, count: members.length, members: named };
      });
  }

  #tell(type: GroupEvent['type'], group: string, ref: AnyRef): void {
    this.#listed.delete(group);
    for (const listener of this.#listeners.get(group) ?? [])
      this.#core.guard(() => listener({ type, group, ref }));
  }

  // ── Peers ───────────────────────────────────────────────────────────────────────────────────

  /** A peer is there: it is told all memberships of this node. */
  up(peer: GroupPeer): void {
    for (const [group, own] of this.#own)
      for (const { life } of own) peer.member(true, group, life.cell.path);
  }

  /** A peer is lost, and its members are no members any more. */
  down(node: string): void {
    const groups = this.#others.get(node) ?? new Map<string, string[]>();
    this.#others.delete(node);
    // All at once: whoever is told of one group may ask for the members of another.
    this.#listed.clear();
    this.#counts.delete(node);
    for (const [group, paths] of groups)
      for (const path of paths) this.#tell('leave', group, this.#core.refAt(`${node}${path}`));
  }

  /** A peer tells of one of its agents; false when it has told of too many. */
  told(node: string, isJoin: boolean, group: string, path: string): boolean {
    let groups = this.#others.get(node);
    if (groups === undefined) this.#others.set(node, (groups = new Map<string, string[]>()));
    const paths = groups.get(group) ?? [];
    const at = paths.indexOf(path);
    const count = this.#counts.get(node) ?? 0;
    if (isJoin) {
      if (count >= TRANSPORT_LIMITS.membersMax) return false;
      this.#counts.set(node, count + 1);
      paths.push(path);
      groups.set(group, paths);
    } else {
      if (at === -1) return true;
      this.#counts.set(node, count - 1);
      paths.splice(at, 1);
      if (paths.length === 0) groups.delete(group);
    }
    this.#tell(isJoin ? 'join' : 'leave', group, this.#core.refAt(`${node}${path}`));
    return true;
  }
}

/** The present life of an agent of this node that others can be told of. Throws `InvalidOption` for any other ref. */
export function lifeHere(core: Core, ref: AnyRef): Life {
  const cell = cellOf(ref);
  // A ref of another system in this process leads to its cell, too.
  const isHere = cell !== undefined && cell.core === core && !cell.life.over;
  const { textCharsMax } = TRANSPORT_LIMITS;
  if (isHere && cell.path.length <= textCharsMax) return cell.life;
  const allowed = isHere
    ? `a path of at most ${textCharsMax} characters`
    : 'a living agent of this node';
  throw new InvalidOption({ field: 'ref', given: ref.address, allowed });
}
