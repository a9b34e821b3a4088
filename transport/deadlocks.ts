/**
 * Deadlocks over several nodes, found by probes (edge chasing, after Chandy, Misra and Haas). A probe
 * goes out for a request that has waited long, along what its asker waits for: from agent to agent
 * that can do nothing until another one answers, over nodes, and it dies where somebody can go on. One
 * that comes back has gone round a circle.
 *
 * Three laps. The first finds a circle. The second finds the same requests still open: as each was
 * open in both laps, there was a moment at which all were, so that no circle is told of that never
 * was, since a request that has settled is not opened again. The third fails one of them.
 *
 * Of the requests of a circle only the one with the greatest address sends a probe round it, so that
 * one node decides which of them fails.
 */
import { keeperOf, neededAsks, type Ask, type Cell, type Core } from '../runtime/internal.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { malformed } from './scan.ts';

/** One wait of a circle: who waits, its request, and for how long. */
export interface ProbeEdge {
  readonly member: string;
  readonly request: string;
  /** The address of the request: its asker's node and number there. */
  readonly key: string;
  readonly ageMs: number;
}

/** A probe on its way. The first edge is that of the request for which it was sent. */
export interface Probe {
  readonly lap: 1 | 2 | 3;
  /** The circle, as far as it is known. */
  readonly edges: readonly ProbeEdge[];
  /** How many of the edges it has passed in this lap. */
  readonly passed: number;
  /** The key of the request that fails. */
  readonly victim: string | undefined;
}

/** A node to which requests have gone. */
export interface ProbePeer {
  /** Whether it must answer this request. */
  owes(ask: Ask): boolean;
  /** Whether it owes an answer since this time. */
  owesSince(ms: number): boolean;
  probe(ask: Ask, probe: Probe): void;
}

export class Deadlocks {
  readonly #core: Core;
  readonly #peers: () => Iterable<ProbePeer>;
  /** When a request is probed for again: its wait has doubled. */
  readonly #nextMs = new WeakMap<Ask, number>();
  readonly #sentMs = new WeakMap<Ask, number>();
  /** By the request of the probe and the edge: what a first lap has passed lately, by whatever way. */
  readonly #passed = new Set<string>();

  constructor(core: Core, peers: () => Iterable<ProbePeer>) {
    this.#core = core;
    this.#peers = peers;
  }

  /** A regular look: probes go out for requests that have waited long. */
  tick(): void {
    this.#passed.clear();
    const nowMs = this.#core.clock.now();
    const sinceMs = nowMs - TRANSPORT_LIMITS.probeAfterMs;
    if (![...this.#peers()].some((peer) => peer.owesSince(sinceMs))) return;
    for (const ask of this.#core.ledger.open()) {
      if (ask.madeAtMs > sinceMs || nowMs < (this.#nextMs.get(ask) ?? 0)) continue;
      const asker = this.#core.cellAt(ask.by);
      if (asker === undefined || !waitsFor(asker).includes(ask)) continue;
      this.#nextMs.set(ask, nowMs + (nowMs - ask.madeAtMs));
      this.#sentMs.set(ask, nowMs);
      this.#pass({ lap: 1, edges: [], passed: 0, victim: undefined }, asker, ask);
    }
  }

  /** A probe has come in, for a request that an agent of this node has, or that has gone on from here. */
  follow(probe: Probe, ask: Ask): void {
    if (ask.state !== 'open') return;
    const keeper = keeperOf(ask);
    if (keeper !== undefined) this.#reach(probe, keeper);
    else for (const peer of this.#peers()) if (peer.owes(ask)) peer.probe(ask, probe);
  }

  /** A probe has come to an agent: it goes on along all that the agent waits for. */
  #reach(probe: Probe, cell: Cell): void {
    const { lap, edges, passed } = probe;
    for (const ask of waitsFor(cell)) {
      const key = ask.address;
      const isRound = key === edges[0]?.key;
      if (isRound && passed === edges.length) this.#closed(probe, cell, ask);
      else if (lap === 1 ? this.#isNew(probe, cell, key) : key === edges[passed]?.key)
        this.#pass(probe, cell, ask);
    }
  }

  /** Whether a first lap goes on here: not against the order, not in circles, and not where it has been. */
  #isNew({ edges }: Probe, { address }: Cell, key: string): boolean {
    const first = edges[0]?.key ?? key;
    const way = `${first} ${key}`;
    if (key >= first || this.#passed.has(way)) return false;
    if (edges.length >= TRANSPORT_LIMITS.probeEdgesMax) return false;
    if (edges.some(({ member }) => member === address)) return false;
    this.#passed.add(way);
    return true;
  }

  #pass(probe: Probe, cell: Cell, ask: Ask): void {
    const { lap, edges, victim } = probe;
    const passed = probe.passed + 1;
    if (lap === 3 && victim === ask.address) {
      const members = edges.map(({ member }) => member);
      const requests = edges.map(({ request }) => request);
      this.#core.breakCircle(cell, { ask, envelope: undefined }, members, requests);
      return;
    }
    if (lap !== 1) return this.follow({ ...probe, passed }, ask);
    const { request, address: key } = ask;
    const ageMs = this.#core.clock.now() - ask.madeAtMs;
    const edge = { member: cell.address, request, key, ageMs };
    this.follow({ ...probe, edges: [...edges, edge], passed }, ask);
  }

  /** A probe for a request of this node has come round. */
  #closed(probe: Probe, cell: Cell, ask: Ask): void {
    const { lap, edges } = probe;
    const { node } = this.#core;
    // A circle within one node is found there at once, by its own graph.
    if (edges.every(({ member }) => member.startsWith(`${node}/`))) return;
    if (lap === 1) {
      const victim = this.#youngest(edges, ask);
      this.#pass({ lap: 2, edges, passed: 0, victim }, cell, ask);
    } else if (lap === 2) this.#pass({ ...probe, lap: 3, passed: 0 }, cell, ask);
  }

  /** The youngest request of a circle. Ages were taken on the way, which is taken off as if all parts of it were alike. */
  #youngest(edges: readonly ProbeEdge[], ask: Ask): string {
    const wayMs = this.#core.clock.now() - (this.#sentMs.get(ask) ?? 0);
    let youngest = { key: ask.address, ageMs: Infinity };
    edges.forEach(({ key, ageMs: takenMs }, at) => {
      const ageMs = takenMs - (wayMs * at) / edges.length;
      if (ageMs < youngest.ageMs) youngest = { key, ageMs };
    });
    return youngest.key;
  }
}

/** The requests without whose answers an agent cannot go on. */
function waitsFor(cell: Cell): readonly Ask[] {
  // What it has sent may still be on its way out, answers among it.
  return cell.isHeld ? [] : neededAsks(cell);
}

/** A probe as it travels. */
export function wireProbe({ lap, edges, passed, victim }: Probe): readonly unknown[] {
  const rows = edges.map(({ member, request, key, ageMs }) => [member, request, key, ageMs]);
  return [lap, passed, victim ?? null, rows];
}

/** Reads a probe. Throws `MalformedFrame`. */
export function probeOf(wire: unknown): Probe {
  const [lap, passed, victim, rows] = Array.isArray(wire) ? (wire as unknown[]) : [];
  const isProbe =
    (lap === 1 || lap === 2 || lap === 3) &&
    Number.isSafeInteger(passed) &&
    (victim === null || typeof victim === 'string') &&
    Array.isArray(rows) &&
    rows.length <= TRANSPORT_LIMITS.probeEdgesMax;
  if (!isProbe) throw malformed('a probe');
  const edges = rows.map((row: unknown): ProbeEdge => {
    const [member, request, key, ageMs] = Array.isArray(row) ? (row as unknown[]) : [];
    const isEdge =
      typeof member === 'string' &&
      typeof request === 'string' &&
      typeof key === 'string' &&
      typeof ageMs === 'number';
    if (!isEdge) throw malformed('a wait of a probe');
    return { member, request, key, ageMs };
  });
  return { lap, edges, passed: passed as number, victim: victim ?? undefined };
}
