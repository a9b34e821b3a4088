/**
 * Who waits for whom: agents that can never go on, because each waits for the next in a circle, or
 * because nothing can happen any more.
 *
 * What makes an edge of the graph stands in runtime/wait-for.ts, which also finds circles live.
 */
import {
  resourceCircle,
  waitsOf,
  type Ask,
  type Cell,
  type ResourceEdge,
  type WaitEdge,
} from '../runtime/internal.ts';
import type { Systems } from './systems.ts';
import { cellAt, nameOf, obligationName } from './names.ts';
import { matches } from './scenario.ts';
import type { Violation } from './violation.ts';

type Found = Pick<Violation, 'verdict' | 'message' | 'agents' | 'obligations' | 'cycle'> &
  Partial<Violation>;

interface Edge {
  readonly to: Cell;
  /** What is waited for: a request, or room in a mailbox. */
  readonly obligation: string;
}

/** A circle of deaf agents, found as soon as it closes. */
export function deadlockOf(core: Systems): Found | undefined {
  let graph: Map<Cell, Edge[]> | undefined;
  for (const cell of core.cells.values()) {
    if (!mayWait(cell)) continue;
    const edges = waitsOf(cell).map(edgeOf);
    if (edges.length > 0) (graph ??= new Map()).set(cell, edges);
  }
  return graph && circleIn(graph);
}

function mayWait({ life, isBlocked }: Cell): boolean {
  const { behavior } = life;
  if (behavior === undefined) return false;
  return behavior.wait !== undefined || !behavior.answersInTurn || isBlocked;
}

/** Nothing can happen any more: what is still open, and why. */
export function stuckOf(
  core: Systems,
  tasks: readonly string[],
  allowed: readonly string[] | undefined,
): Found | undefined {
  const open = core.ledger
    .open()
    .filter((ask) => !matches(allowed, nameOf(ask.by)) && !matches(allowed, holderName(core, ask)));
  const blocked = [...core.cells.values()].filter((cell) => [...cell.outside].length > 0);
  if (open.length === 0 && tasks.length === 0 && blocked.length === 0) return undefined;
  const graph = new Map<Cell, Edge[]>();
  for (const ask of open) {
    const from = cellAt(core, ask.by);
    const to = ask.at;
    if (from !== undefined && to !== undefined)
      graph.set(from, [...(graph.get(from) ?? []), { to, obligation: obligationOf(ask) }]);
  }
  for (const cell of core.cells.values()) {
    if (!cell.isBlocked) continue;
    const room = waitsOf(cell).map(edgeOf);
    if (room.length > 0) graph.set(cell, [...(graph.get(cell) ?? []), ...room]);
  }
  const circle = circleIn(graph);
  if (circle !== undefined) return circle;
  const held = resourceCircle(core);
  if (held !== undefined) return overResources(held, open);
  const custody = open.map((ask) => `${obligationOf(ask)} (${custodyOf(core, ask)})`);
  const obligations = [...open.map(obligationOf), ...tasks];
  const agents = new Set<string>();
  for (const ask of open) {
    if (ask.by !== undefined) agents.add(nameOf(ask.by));
    agents.add(holderName(core, ask));
  }
  for (const cell of blocked) agents.add(cell.path.slice(1));
  const what = [...custody, ...tasks.map((task) => `task ${task}`)].join(', ');
  return {
    verdict: 'STUCK',
    message: `nothing can happen any more, and this is open: ${what || `senders wait for room in ${[...agents].join(', ')}`}`,
    agents: [...agents],
    obligations,
  };
}

function edgeOf({ to, ask, envelope }: WaitEdge): Edge {
  return {
    to,
    obligation: envelope === undefined ? obligationOf(ask) : `room in ${to.path.slice(1)}`,
  };
}

/** A circle in the graph, if there is one: every member of it waits for the next. */
function circleIn(graph: ReadonlyMap<Cell, readonly Edge[]>): Found | undefined {
  const state = new Map<Cell, 'on the way' | 'done'>();
  const way: { cell: Cell; edge: Edge }[] = [];
  const visit = (cell: Cell): { cell: Cell; edge: Edge }[] | undefined => {
    state.set(cell, 'on the way');
    for (const edge of graph.get(cell) ?? []) {
      way.push({ cell, edge });
      const seen = state.get(edge.to);
      if (seen === 'on the way') return way.slice(way.findIndex((step) => step.cell === edge.to));
      const found = seen === undefined && graph.has(edge.to) ? visit(edge.to) : undefined;
      if (found !== undefined) return found;
      way.pop();
    }
    state.set(cell, 'done');
    return undefined;
  };
  for (const cell of graph.keys()) {
    const circle = state.has(cell) ? undefined : visit(cell);
    if (circle === undefined) continue;
    const cycle = circle.map((step) => step.cell.path.slice(1));
    const waits = circle.map(
      ({ cell: waiting, edge }) =>
        `${waiting.path.slice(1)} waits for ${edge.to.path.slice(1)} (${edge.obligation})`,
    );
    return {
      verdict: 'DEADLOCK',
      message: waits.join(', '),
      agents: cycle,
      obligations: circle.map(({ edge }) => edge.obligation),
      cycle,
    };
  }
  return undefined;
}

/** No agent waits for another, and yet each wants what the next one says that it holds. */
function overResources(circle: readonly ResourceEdge[], open: readonly Ask[]): Found {
  const cycle = circle.map(({ from }) => from.path.slice(1));
  const waits = circle.map(
    ({ from, to, resource }) =>
      `${from.path.slice(1)} waits for ${nameOf(resource)}, which ${to.path.slice(1)} holds`,
  );
  const obligations = circle.map(({ from, resource }) => {
    const own = open.find(({ by }) => by === from.address);
    return own === undefined ? resource : obligationOf(own);
  });
  return { verdict: 'DEADLOCK', message: waits.join(', '), agents: cycle, obligations, cycle };
}

/** Whoever must answer: the agent that has taken the request, or in whose mailbox it waits. */
function holderOf(core: Systems, ask: Ask): Cell | undefined {
  return cellAt(core, ask.holder?.address ?? ask.target);
}

function holderName(core: Systems, ask: Ask): string {
  return holderOf(core, ask)?.path.slice(1) ?? nameOf(ask.target);
}

function custodyOf(core: Systems, ask: Ask): string {
  const holder = holderOf(core, ask);
  const who = nameOf(ask.holder?.address ?? ask.target);
  if (holder === undefined) return `${who} is gone`;
  if (ask.holder === undefined) return `not handled by ${who}`;
  return holder.life.behavior?.wait === undefined
    ? `held by ${who}, which is idle`
    : `held by ${who}, which waits`;
}

function obligationOf(ask: Ask): string {
  return obligationName(ask.by, ask.target, ask.request);
}
