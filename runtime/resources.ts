/**
 * Resources: what agents say that they hold and want, such as locks that another agent gives out.
 *
 * Who waits for a lock waits for an answer of the agent that keeps it, which is idle and can do
 * nothing: no agent waits for another in a circle. Only the agents themselves know that it is each
 * other whom they wait for.
 */
import type { Ask } from './ask.ts';
import type { Cell } from './cell.ts';
import { InvalidOption } from './errors.ts';
import { isRef, type AnyRef } from './ref.ts';

/** What one life holds and wants, by name. */
export interface Resources {
  readonly held: Set<string>;
  readonly wanted: Set<string>;
}

/** An agent that waits for what another one holds. */
export interface ResourceEdge {
  readonly from: Cell;
  readonly to: Cell;
  readonly resource: string;
}

/** All agents and open requests: of a system, or of several. */
interface Everybody {
  readonly cells: { values(): Iterable<Cell> };
  readonly ledger: { open(): Iterable<Ask> };
  cellAt(address: string | undefined): Cell | undefined;
}

/** A resource by its own name, or as the agent that keeps it. */
export function resourceName(resource: string | AnyRef): string {
  if (typeof resource === 'string' && resource !== '') return resource;
  if (isRef(resource)) return resource.address;
  const allowed = 'the name of a resource, or the ref of the agent that keeps it';
  throw new InvalidOption({ field: 'resource', given: resource, allowed });
}

/**
 * Agents of which each wants what the next one holds, this one among them if it is given. An agent also wants the resource that another
 * keeps at which a request of its own lies. What several hold proves nothing: any of them may give
 * it back.
 */
export function resourceCircle(core: Everybody, through?: Cell): ResourceEdge[] | undefined {
  const holders = new Map<string, Cell | undefined>();
  const wants = new Map<Cell, Set<string>>();
  for (const cell of core.cells.values()) {
    if (cell.life.over) continue;

    const { held, wanted } = cell.life.context?.resources ?? NONE;
    for (const name of held) holders.set(name, holders.has(name) ? undefined : cell);
    if (wanted.size > 0) wants.set(cell, new Set(wanted));
  }
  if (holders.size === 0) return undefined;
  for (const { by, at } of core.ledger.open()) {
    const asker = core.cellAt(by);
    if (asker === undefined || at === undefined || !holders.has(at.address)) continue;
    wants.set(asker, (wants.get(asker) ?? new Set()).add(at.address));
  }
  const edgesOf = (from: Cell): ResourceEdge[] =>
    [...(wants.get(from) ?? [])].flatMap((resource) => {
      const to = holders.get(resource);
      return to === undefined ? [] : [{ from, to, resource }];
    });
  for (const start of through === undefined ? wants.keys() : [through]) {
    const circle = wayTo(start, start, edgesOf, new Set());
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** In one line: who waits for what that who holds. */
export function resourceText(circle: readonly ResourceEdge[]): string {
  return circle
    .map(
      ({ from, to, resource }) =>
        `${from.address} waits for ${resource}, which ${to.address} holds`,
    )
    .join('; ');
}

const NONE: Resources = { held: new Set(), wanted: new Set() };

function wayTo(
  goal: Cell,
  from: Cell,
  edgesOf: (cell: Cell) => readonly ResourceEdge[],
  seen: Set<Cell>,
): ResourceEdge[] | undefined {
  seen.add(from);
  for (const edge of edgesOf(from)) {
    if (edge.to === goal) return [edge];
    const way = seen.has(edge.to) ? undefined : wayTo(goal, edge.to, edgesOf, seen);
    if (way !== undefined) return [edge, ...way];
  }
  return undefined;
}
