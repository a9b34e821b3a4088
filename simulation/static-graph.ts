/**
 * The static look: who can send what to whom, read from the definitions of machines without running
 * them, and what looks wrong about it. It sees what a definition says: `sendTo`, `forwardTo`, an
 * invoked `ask`, `reply`, and what a state handles. It cannot look into functions, and says where.
 */
import type { AnyActorLogic } from 'xstate';
import { AgentRef, handlerOf, isAnswering } from '../runtime/internal.ts';
import { Run } from './run.ts';
import type { Scenario } from './scenario.ts';

/** An agent to look at: its path, or the name of an export. */
export interface StaticAgent {
  readonly name: string;
  /** The names under which it is registered. */
  readonly names?: readonly string[];
  readonly logic: AnyActorLogic;
  /** What its context is at the start; with it, targets that stand there are known. */
  readonly context?: unknown;
}

/** One agent of a {@link StaticGraph}. */
export interface StaticNode {
  readonly name: string;
  readonly kind: 'machine' | 'function' | 'other';
  /** The types that some state of it handles; `*` is any. */
  readonly handles: readonly string[];
}

/** What one agent can send to another. */
export interface StaticLink {
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly kind: 'send' | 'ask' | 'forward';
  /** Where it stands in the definition. */
  readonly at: string;
  /** On which event it is sent, if on one. */
  readonly on?: string;
}

/** What looks wrong. None of it is proved: a guard may forbid it. */
export interface StaticWarning {
  readonly kind:
    'ask cycle' | 'unhandled' | 'nobody there' | 'handoff without exit' | 'ask without timeout';
  readonly message: string;
  readonly agents: readonly string[];
}

/** Who can send what to whom. */
export interface StaticGraph {
  readonly agents: readonly StaticNode[];
  readonly links: readonly StaticLink[];
  readonly warnings: readonly StaticWarning[];
  /** What could not be seen, in words. */
  readonly unseen: readonly string[];
}

// What is read of XState's definitions; the types of XState's own are narrower.
interface StateNode {
  readonly path: readonly string[];
  readonly states: Readonly<Record<string, StateNode>>;
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly invoke: readonly { readonly id: string; readonly src: unknown }[];
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
}
interface Transition {
  readonly actions: readonly unknown[];
}
interface Machine {
  readonly root: StateNode;
  readonly implementations: {
    readonly actions: Readonly<Record<string, unknown>>;
    readonly actors: Readonly<Record<string, unknown>>;
  };
}
interface AskConfig {
  readonly type: string;
  readonly to: unknown;
  readonly timeoutMs?: number;
}

/** Looks at the agents that a scenario sets up. Nothing of it runs but its setup. */
export function scenarioGraph<W>(scenario: Scenario<W>, workload: W): StaticGraph {
  const { core } = new Run(scenario, workload);
  return staticGraph(
    [...core.cells.values()].map((cell) => ({
      name: cell.path.slice(1),
      names: [...(cell.life.names ?? [])],
      logic: cell.options.logic,
      context: (cell.snapshot() as unknown as { readonly context?: unknown }).context,
    })),
  );
}

/** Looks at agents. */
export function staticGraph(agents: readonly StaticAgent[]): StaticGraph {
  const reader = new Reader(agents);
  for (const agent of agents) reader.read(agent);
  return {
    agents: reader.nodes,
    links: reader.links,
    warnings: [...reader.warnings, ...warningsOf(reader)],
    unseen: [...reader.unseen],
  };
}

/** Whether a value is a machine, by what is read of it here. */
export function isMachine(value: unknown): value is AnyActorLogic {
  return (
    typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value
  );
}

/** Where in a definition an action stands. */
interface Place {
  readonly agent: StaticAgent;
  readonly machine: Machine;
  readonly at: string;
  readonly on?: string;
}

class Reader {
  readonly nodes: StaticNode[] = [];
  readonly links: StaticLink[] = [];
  readonly warnings: StaticWarning[] = [];
  readonly unseen = new Set<string>();
  /** For each agent and type: whether each transition on it hands the same type on. */
  readonly handsOn = new Map<string, Map<string, boolean>>();
  readonly #agents: readonly StaticAgent[];

  constructor(agents: readonly StaticAgent[]) {
    this.#agents = agents;
  }

  read(agent: StaticAgent): void {
    const { name, logic } = agent;
    if (!isMachine(logic)) {
      const kind = handlerOf(logic) === undefined ? 'other' : 'function';
      this.nodes.push({ name, kind, handles: ['*'] });
      this.unseen.add(
        `${name} is ${kind === 'function' ? 'a function' : 'no machine'}: what it sends and handles`,
      );
      return;
    }
    const machine = logic as unknown as Machine;
    const handles = new Set<string>();
    this.#state(agent, machine, machine.root, handles);
    this.nodes.push({ name, kind: 'machine', handles: [...handles].toSorted() });
  }

  #state(agent: StaticAgent, machine: Machine, state: StateNode, handles: Set<string>): void {
    const at = state.path.join('.') || 'its root';
    const place: Place = { agent, machine, at };
    for (const action of [...state.entry, ...state.exit]) this.#action(place, action);
    for (const { src } of state.invoke) this.#invoke(place, src);
    for (const [type, transitions] of state.transitions) {
      if (!type.startsWith('xstate.')) handles.add(type);
      for (const { actions } of transitions) {
        const before = this.links.length;
        for (const action of actions) this.#action({ ...place, on: type }, action);
        const isHanded = this.links.slice(before).some((link) => link.type === type);
        const known = this.handsOn.get(agent.name) ?? new Map<string, boolean>();
        known.set(type, (known.get(type) ?? true) && isHanded);
        this.handsOn.set(agent.name, known);
      }
    }
    for (const { actions } of state.always ?? [])
      for (const action of actions) this.#action(place, action);
    for (const child of Object.values(state.states)) this.#state(agent, machine, child, handles);
  }

  #invoke({ agent, machine, at }: Place, src: unknown): void {
    const logic = typeof src === 'string' ? machine.implementations.actors[src] : src;
    const config = askConfigOf(logic);
    if (config === undefined) return;
    const to = this.#target(config.to);
    if (to === undefined) {
      this.unseen.add(`${agent.name} asks "${config.type}" in ${at}: whom`);
      return;
    }
    this.links.push({ from: agent.name, to, type: config.type, kind: 'ask', at });
    if (config.timeoutMs === undefined || config.timeoutMs === Infinity)
      this.warnings.push({
        kind: 'ask without timeout',
        message: `${agent.name} asks ${to} for "${config.type}" in ${at} without a timeout of its own: only the default ends the wait`,
        agents: [agent.name, to],
      });
  }

  #action(place: Place, given: unknown): void {
    const { agent, machine, at, on } = place;
    const name = typeof given === 'string' ? given : (given as { readonly type?: string }).type;
    const action =
      typeof given === 'function' ? given : machine.implementations.actions[name ?? ''];
    const where = on === undefined ? at : `${at} on "${on}"`;
    if (typeof action !== 'function') return;
    const builtin = action as {
      readonly type?: string;
      readonly to?: unknown;
      readonly event?: unknown;
    };
    if (builtin.type === 'xstate.sendTo') return this.#send(place, where, builtin);
    if (builtin.type === 'xstate.enqueueActions') {
      this.unseen.add(`${agent.name} enqueues actions in ${where}`);
      return;
    }
    if (builtin.type?.startsWith('xstate.') === true || isAnswering(action)) return;
    this.unseen.add(
      `${agent.name} calls ${action.name === '' ? 'a function' : action.name} in ${where}`,
    );
  }

  #send(
    { agent, at, on }: Place,
    where: string,
    { to, event }: { readonly to?: unknown; readonly event?: unknown },
  ): void {
    // To an actor of its own, by id.
    if (typeof to === 'string') return;
    const target = this.#target(asked(to, agent, on));
    const sent = asked(event, agent, on) as { readonly type?: unknown } | undefined;
    const type = typeof sent?.type === 'string' ? sent.type : undefined;
    if (target === undefined || type === undefined) {
      const what = type === undefined ? 'something' : `"${type}"`;
      this.unseen.add(
        `${agent.name} sends ${what} in ${where}: ${target === undefined ? 'to whom' : 'what'}`,
      );
      return;
    }
    const kind = type === on ? 'forward' : 'send';
    this.links.push({
      from: agent.name,
      to: target,
      type,
      kind,
      at,
      ...(on === undefined ? {} : { on }),
    });
  }

  /** The agent that a ref or a name leads to. */
  #target(to: unknown): string | undefined {
    if (to instanceof AgentRef) return to.path.slice(1);
    if (typeof to !== 'object' || to === null || !('name' in to)) return undefined;
    const name = String(to.name);
    return this.#agents.find((agent) => agent.names?.includes(name) ?? false)?.name ?? name;
  }
}

function askConfigOf(logic: unknown): AskConfig | undefined {
  const config = (logic as { readonly config?: unknown } | undefined)?.config;
  if (typeof config !== 'object' || config === null) return undefined;
  return 'type' in config && 'to' in config && typeof config.type === 'string'
    ? (config as AskConfig)
    : undefined;
}

/** A value, or what its function gives for the context of the start; undefined when it needs more. */
function asked(value: unknown, { context }: StaticAgent, on: string | undefined): unknown {
  if (typeof value !== 'function') return value;
  try {
    return (value as (args: object) => unknown)({ context, event: { type: on } });
  } catch {
    return undefined;
  }
}

// ── What looks wrong ──────────────────────────────────────────────────────────────────────────

function warningsOf({ nodes, links, handsOn }: Reader): StaticWarning[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const warnings: StaticWarning[] = [];
  for (const cycle of cyclesIn(links.filter(({ kind }) => kind === 'ask'))) {
    const way = cycle.map(({ from, type }) => `${from} ─${type}→ `).join('');
    warnings.push({
      kind: 'ask cycle',
      message: `${way}${cycle[0]?.from ?? ''}: each may wait for the next`,
      agents: cycle.map(({ from }) => from),
    });
  }
  for (const { from, to, type, at } of links) {
    const node = byName.get(to);
    if (node === undefined) {
      warnings.push({
        kind: 'nobody there',
        message: `${from} sends "${type}" to ${to} in ${at}, and ${to} is not among the agents`,
        agents: [from, to],
      });
      continue;
    }
    if (isHandled(node.handles, type)) continue;
    warnings.push({
      kind: 'unhandled',
      message: `${from} sends "${type}" to ${to} in ${at}, and no state of ${to} handles it`,
      agents: [from, to],
    });
  }
  const handed = links.filter(
    ({ kind, from, type }) => kind === 'forward' && handsOn.get(from)?.get(type) === true,
  );
  for (const type of new Set(handed.map((link) => link.type)))
    for (const cycle of cyclesIn(handed.filter((link) => link.type === type)))
      warnings.push({
        kind: 'handoff without exit',
        message: `"${type}" goes ${cycle.map(({ from }) => `${from} → `).join('')}${cycle[0]?.from ?? ''}, and none of them ever keeps it`,
        agents: cycle.map(({ from }) => from),
      });
  return warnings;
}

/** Whether one of the descriptors takes the type; `a.*` is any that begins with `a.`. */
function isHandled(handles: readonly string[], type: string): boolean {
  return handles.some(
    (descriptor) =>
      descriptor === '*' ||
      descriptor === type ||
      (descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1))),
  );
}

/** A cycle for each group of agents that reach each other, the shortest way round its first link. */
function cyclesIn(links: readonly StaticLink[]): StaticLink[][] {
  const cycles: StaticLink[][] = [];
  const covered = new Set<string>();
  for (const first of links) {
    if (covered.has(first.from)) continue;
    const way = wayBack(links, first);
    if (way === undefined) continue;
    cycles.push(way);
    for (const { from } of way) covered.add(from);
  }
  return cycles;
}

function wayBack(links: readonly StaticLink[], first: StaticLink): StaticLink[] | undefined {
  const queue: StaticLink[][] = [[first]];
  const seen = new Set<string>();
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    const { to } = way.at(-1) as StaticLink;
    if (to === first.from) return way;
    if (seen.has(to)) continue;
    seen.add(to);
    for (const next of links) if (next.from === to) queue.push([...way, next]);
  }
  return undefined;
}

// ── Text ──────────────────────────────────────────────────────────────────────────────────────

/** The graph as a Mermaid `graph LR`: asks are thick, handoffs dotted, functions round. */
export function mermaidGraph({ agents, links }: StaticGraph): string {
  const ids = new Map(agents.map(({ name }, index) => [name, `a${index}`]));
  for (const { to } of links) if (!ids.has(to)) ids.set(to, `a${ids.size}`);
  const kinds = new Map(agents.map(({ name, kind }) => [name, kind]));
  const lines = ['graph LR'];
  for (const [name, id] of ids) {
    const label = `"${name.replaceAll('"', '#quot;')}"`;
    lines.push(`  ${id}${kinds.get(name) === 'machine' ? `[${label}]` : `(${label})`}`);
  }
  const arrows = { send: '-->', ask: '==>', forward: '-.->' } as const;
  const drawn = new Set(
    links.map(({ from, to, type, kind }) => {
      const text = type.replaceAll('"', '#quot;');
      return `  ${ids.get(from) ?? ''} ${arrows[kind]}|"${text}"| ${ids.get(to) ?? ''}`;
    }),
  );
  return [...lines, ...drawn].join('\n');
}
