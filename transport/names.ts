/**
 * Names of the whole cluster: one agent holds each. A node claims a name, its peers agree, and nobody
 * locks anything: as long as all nodes are linked a registration is settled after one round trip. Two
 * sides of a split can both hold a name; when they meet again, each asks the same resolver and comes
 * to the same result.
 *
 *     claimed -> held -> free            its life ends, it is given back, or a conflict is lost
 *          \____________/ refused        another one has claimed it at the same time
 */
import {
  InvalidOption,
  NameTaken,
  NoSuchActor,
  type AgentName,
  type AnyRef,
} from '../runtime/index.ts';
import { Envelope, cellOf, checkFunction, nameOf, type Core } from '../runtime/internal.ts';
import { NotAllowed } from './errors.ts';
import { lifeHere } from './groups.ts';
import { TRANSPORT_LIMITS } from './limits.ts';

/** What a node says of a name: an agent of its own holds it. */
export interface NameClaim {
  readonly node: string;
  readonly ref: AnyRef;
  /** A logical time: a claim by somebody who knew of another one has a higher number. */
  readonly order: number;
}

/**
 * Who keeps a name that several nodes claim, or undefined when nobody does. The claims come sorted by
 * node. It runs on every node and must come to the same result there: of the same claims the same, and
 * of fewer of them the same if it is still among them.
 */
export type NameResolver = (name: string, claims: readonly NameClaim[]) => NameClaim | undefined;

/** The default: whose claim has the lowest number keeps the name; of equal ones, whose node comes first. */
export const keepFirst: NameResolver = (_name, claims) =>
  claims.reduce((kept, claim) => (claim.order < kept.order ? claim : kept));

/** What both sides are told of a conflict: their agents as a message, and the listeners of their nodes. */
export interface NameConflict {
  readonly type: 'troupe.nameConflict';
  readonly name: string;
  /** Who has the name now; undefined when the resolver kept nobody. */
  readonly kept: AnyRef | undefined;
  /** Who had it, and has it no more. */
  readonly lost: readonly AnyRef[];
}

/** The names of a cluster, as one node sees them. */
export interface ClusterNames {
  /**
   * Gives a name to the present life of an agent of this node, until it ends. Resolves when all linked
   * nodes have agreed. Rejects with `InvalidOption`; with `NameTaken`, also when another node claims it at the same time and
   * keeps it; with `NotAllowed` when a peer does not let this node have it; with `NoSuchActor` when the
   * agent ends before.
   */
  register(name: AgentName | string, ref: AnyRef): Promise<void>;
  /** Gives a name back that an agent of this node has; false when none has. */
  unregister(name: AgentName | string): boolean;
  /** Who has a name, as far as this node knows. */
  whereis<TRef extends AnyRef>(name: AgentName<TRef>): TRef | undefined;
  whereis(name: string): AnyRef | undefined;
  /** All names that this node knows of, sorted. */
  list(): readonly { readonly name: string; readonly ref: AnyRef }[];
}

/** A node to which claims are told. */
export interface NamePeer {
  readonly name: string;
  /** `id` comes back with the answer; 0 when none is waited for. */
  claim(id: number, name: string, path: string, order: number): void;
  claimed(id: number, name: string, isAllowed: boolean): void;
  unclaim(name: string): void;
}

/** A claim of this node. */
interface OwnClaim extends NameClaim {
  readonly id: number;
  /** Peers that have not agreed yet. */
  readonly waitsFor: Set<string>;
  /** All have agreed. */
  held: boolean;
  readonly settle: (error: Error | undefined) => void;
  readonly forget: () => void;
}

/** Far from where numbers lose their units: no peer can bring others there. */
const ORDER_MAX = 2 ** 50;

export class NameClaims implements ClusterNames {
  readonly #core: Core;
  readonly #peers: () => Iterable<NamePeer>;
  readonly #resolver: NameResolver;
  readonly #told: (conflict: NameConflict) => void;
  readonly #own = new Map<string, OwnClaim>();
  /** By node, then name. */
  readonly #others = new Map<string, Map<string, NameClaim>>();
  #order = 0;
  #nextId = 1;

  constructor(
    core: Core,
    peers: () => Iterable<NamePeer>,
    resolver: NameResolver,
    told: (conflict: NameConflict) => void,
  ) {
    checkFunction('onNameConflict', resolver);
    this.#core = core;
    this.#peers = peers;
    this.#resolver = resolver;
    this.#told = told;
  }

  // ── For users ───────────────────────────────────────────────────────────────────────────────

  register(key: AgentName | string, ref: AnyRef): Promise<void> {
    return new Promise((resolve, reject) => {
      const name = nameOf(key);
      const { textCharsMax } = TRANSPORT_LIMITS;
      if (name.length > textCharsMax) {
        const allowed = `at most ${textCharsMax} characters`;
        throw new InvalidOption({ field: 'name', given: name, allowed });
      }
      const life = lifeHere(this.#core, ref);
      const held = this.#claims(name)[0];
      if (held !== undefined) throw taken(name, ref, (this.#holder(name) ?? held).ref);
      const peers = [...this.#peers()];
      const claim: OwnClaim = {
        node: this.#core.node,
        ref: life.cell.ref,
        order: (this.#order += 1),
        id: this.#nextId++,
        waitsFor: new Set(peers.map((peer) => peer.name)),
        held: false,
        settle: (error) => (error === undefined ? resolve() : reject(error)),
        forget: life.whenOver(() => this.#free(name, new NoSuchActor({ address: ref.address }))),
      };
      this.#own.set(name, claim);
      for (const peer of peers) peer.claim(claim.id, name, ref.path, claim.order);
      this.#agree(claim);
    });
  }

  unregister(key: AgentName | string): boolean {
    return this.#free(nameOf(key), undefined);
  }

  whereis<TRef extends AnyRef>(key: AgentName<TRef> | string): TRef | undefined {
    return this.#holder(nameOf(key))?.ref as TRef | undefined;
  }

  list(): { readonly name: string; readonly ref: AnyRef }[] {
    const names = new Set(this.#own.keys());
    for (const claims of this.#others.values()) for (const name of claims.keys()) names.add(name);
    return [...names].sort().flatMap((name) => {
      const holder = this.#holder(name);
      return holder === undefined ? [] : { name, ref: holder.ref };
    });
  }

  // ── Claims ──────────────────────────────────────────────────────────────────────────────────

  /** All claims to a name, by node. */
  #claims(name: string): NameClaim[] {
    const own = this.#own.get(name);
    const claims = own === undefined ? [] : [plain(own)];
    for (const others of this.#others.values()) {
      const claim = others.get(name);
      if (claim !== undefined) claims.push(claim);
    }
    return claims.sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Who has a name: while nodes that are not linked with each other both claim it, whom they will agree on. */
  #holder(name: string): NameClaim | undefined {
    const claims = this.#claims(name);
    if (claims.length <= 1) return claims[0];
    let kept: NameClaim | undefined;
    // A resolver that throws, or keeps a stranger, keeps nobody.
    this.#core.guard(() => (kept = this.#resolver(name, claims)));
    return claims.find((claim) => claim === kept);
  }

  /** A peer has agreed, or is not waited for any more. */
  #agree(claim: OwnClaim): void {
    if (claim.held || claim.waitsFor.size > 0) return;
    claim.held = true;
    claim.settle(undefined);
  }

  /** A name that an agent of this node has is free. */
  #free(name: string, error: Error | undefined): boolean {
    const claim = this.#own.get(name);
    if (claim === undefined) return false;
    this.#own.delete(name);
    claim.forget();
    for (const peer of this.#peers()) peer.unclaim(name);
    claim.settle(error);
    return true;
  }

  /** Another node claims a name that an agent of this one has: the same is found out there. */
  #resolve(name: string, own: OwnClaim): void {
    const kept = this.#holder(name);
    const lost = this.#claims(name).filter(({ node }) => node !== kept?.node);
    const isKept = kept?.node === own.node;
    if (!isKept) this.#free(name, taken(name, own.ref, kept?.ref));
    // A registration that is not settled yet is refused to whoever made it, and was never held.
    if (!own.held) return;
    const conflict: NameConflict = {
      type: 'troupe.nameConflict',
      name,
      kept: kept?.ref,
      lost: lost.map(({ ref }) => ref),
    };
    const core = this.#core;
    const cell = cellOf(own.ref);
    if (cell !== undefined)
      core.deliver(
        new Envelope(core.nextId(), cell, undefined, conflict, undefined, undefined, true),
        undefined,
      );
    this.#told(conflict);
  }

  // ── Peers ───────────────────────────────────────────────────────────────────────────────────

  /** A peer is there: it is told all claims of this node. */
  up(peer: NamePeer): void {
    for (const [name, { ref, order }] of this.#own) peer.claim(0, name, ref.path, order);
  }

  /** A peer is lost, and with it the names of its agents. */
  down(node: string): void {
    this.#others.delete(node);
    for (const claim of this.#own.values()) {
      claim.waitsFor.delete(node);
      this.#agree(claim);
    }
  }

  /** A peer claims a name; false when it has claimed too many. */
  claim(peer: NamePeer, id: number, name: string, path: string, order: number): boolean {
    let claims = this.#others.get(peer.name);
    if (claims === undefined) this.#others.set(peer.name, (claims = new Map<string, NameClaim>()));
    if (claims.size >= TRANSPORT_LIMITS.membersMax || order > ORDER_MAX) return false;
    this.#order = Math.max(this.#order, order);
    const ref: AnyRef = this.#core.refAt(`${peer.name}${path}`);
    claims.set(name, { node: peer.name, ref, order });
    const own = this.#own.get(name);
    if (own !== undefined) this.#resolve(name, own);
    // Behind what this node has claimed itself: who gets this knows of all that stood against it.
    peer.claimed(id, name, true);
    return true;
  }

  unclaim(node: string, name: string): void {
    this.#others.get(node)?.delete(name);
  }

  /** A peer has taken note of a claim, or does not let this node have the name. */
  claimed(node: string, id: number, name: string, isAllowed: boolean): void {
    const claim = this.#own.get(name);
    if (claim?.id !== id) return;
    if (!isAllowed) {
      const { address } = claim.ref;
      const asked = `claim the name "${name}" for`;
      this.#free(name, new NotAllowed({ address, peer: this.#core.node, asked }));
      return;
    }
    claim.waitsFor.delete(node);
    this.#agree(claim);
  }
}

/** What the resolver sees of a claim: the same on all nodes. */
function plain({ node, ref, order }: NameClaim): NameClaim {
  return { node, ref, order };
}

function taken(name: string, requestedBy: AnyRef, heldBy: AnyRef | undefined): NameTaken {
  return new NameTaken({
    name,
    requestedBy: requestedBy.address,
    heldBy: heldBy?.address ?? 'nobody: the resolver kept none of those who claimed it',
  });
}
