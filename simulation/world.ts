/**
 * The world: what a property may look at, between two steps of a run.
 */
import { InvalidOption } from '../runtime/index.ts';
import type { ClusterNode } from '../transport/cluster.ts';
import type { Systems } from './systems.ts';

/** A request that code outside agents made. */
export interface RootAsk {
  readonly request: string;
  readonly target: string;
  outcome: 'open' | 'answered' | 'failed';
  reply: unknown;
  error: unknown;
}

/** What of a system its properties see. Agents are named by path, without the leading slash. */
export class World {
  readonly #core: Systems;
  readonly #nodes: ReadonlyMap<string, ClusterNode>;
  readonly #tasks: ReadonlyMap<string, 'open' | 'done'>;
  readonly #asks: readonly RootAsk[];
  /** Whose state the present property has looked at. */
  #looked: Set<string> | undefined;

  constructor(
    core: Systems,
    tasks: ReadonlyMap<string, 'open' | 'done'>,
    asks: readonly RootAsk[],
    nodes: ReadonlyMap<string, ClusterNode> = new Map(),
  ) {
    this.#nodes = nodes;
    this.#core = core;
    this.#tasks = tasks;
    this.#asks = asks;
  }

  /** @internal The same world, which notes whose state is looked at. */
  watched(looked: Set<string>): World {
    this.#looked = looked;
    return this;
  }

  /**
   * The state of a function agent, or the context of a machine. Throws when there is no such agent,
   * not yet or not any more: then the property has failed. Where that is no error, ask `isAlive` first.
   */
  state<T = unknown>(agent: string): T {
    return (this.#cell(agent).snapshot() as unknown as { context: T }).context;
  }

  /** The state value of a machine. */
  value(agent: string): unknown {
    return (this.#cell(agent).snapshot() as unknown as { value?: unknown }).value;
  }

  /** Whether somebody lives there. */
  isAlive(agent: string): boolean {
    this.#looked?.add(agent);
    return this.#core.cells.get(`/${agent}`)?.status === 'running';
  }

  /** The paths of all agents. */
  get agents(): string[] {
    return [...this.#core.cells.keys()].map((path) => path.slice(1));
  }

  /** A node of the scenario's links: who is linked with it, and its groups. */
  node(name: string): ClusterNode {
    return nodeOf(this.#nodes, name);
  }

  /** Messages that wait: of one agent, or of all. */
  queued(agent?: string): number {
    if (agent !== undefined) return this.#cell(agent).mailbox.depth;
    let queued = 0;
    for (const { mailbox } of this.#core.cells.values()) queued += mailbox.depth;
    return queued;
  }

  /** The tasks that were opened by name. */
  get tasks(): ReadonlyMap<string, 'open' | 'done'> {
    return this.#tasks;
  }

  /** What code outside agents has asked, in order. */
  get asks(): readonly RootAsk[] {
    return this.#asks;
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    const { clock } = this.#core;
    return clock.read === undefined ? clock.now() : clock.read();
  }

  #cell(agent: string) {
    this.#looked?.add(agent);
    const cell = this.#core.cells.get(`/${agent}`);
    if (cell !== undefined) return cell;
    throw new InvalidOption({
      field: 'world',
      given: agent,
      // Who is there depends on the schedule, and the error must not.
      allowed: 'an agent that is there; ask world.isAlive before',
    });
  }
}

/** Throws `InvalidOption` for a node that is in none of the scenario's links. */
export function nodeOf<TNode>(nodes: ReadonlyMap<string, TNode>, name: string): TNode {
  const node = nodes.get(name);
  if (node !== undefined) return node;
  const allowed = [...nodes.keys()].join(', ') || 'nodes, which the scenario names in `links`';
  throw new InvalidOption({ field: 'node', given: name, allowed });
}
