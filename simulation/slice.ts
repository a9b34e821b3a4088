/**
 * The causal slice of a failed run: the steps that the violation depends on. It is for reading only;
 * what makes the run fail is said by its case.
 */
import type { Case } from './case.ts';
import { parseId, receiverOf } from './event-id.ts';
import type { Step } from './step.ts';
import type { Violation } from './violation.ts';

/** What happens without anything breaking. */
const ORDINARY: ReadonlySet<Step['kind']> = new Set([
  'deliver',
  'reply',
  'timer',
  'effect',
  'heal',
]);

/** The numbers of the steps that have part in a violation, in order. */
export interface Slice {
  /** What it depends on, as far as it can be known. */
  readonly all: readonly number[];
  /** The steps that it is made of, and the way to them. */
  readonly core: readonly number[];
}

/** Finds the steps that have part in the violation. */
export function sliceOf(
  steps: readonly Step[],
  violation: Violation,
  schedule: Pick<Case, 'constraints' | 'faults'> | undefined,
): Slice {
  const kept = new Set<number>();
  const add = (index: number): void => {
    for (let at = index; at >= 0 && !kept.has(at); at = steps[at]?.cause ?? -1) kept.add(at);
  };
  const named = new Set<string>();
  for (const { before, after } of schedule?.constraints ?? []) named.add(before).add(after);
  for (const fault of schedule?.faults ?? []) named.add(fault);
  steps.forEach(({ id, kind }, index) => {
    if (named.has(id) || !ORDINARY.has(kind)) add(index);
  });
  const { verdict, loopFrom, obligations } = violation;
  if (loopFrom !== undefined) for (let at = loopFrom; at < steps.length; at += 1) add(at);
  steps.forEach((step, index) => {
    if (obligations.some((name) => touches(step, name))) add(index);
  });
  const atEnd = verdict === 'STUCK' || (verdict === 'SAFETY' && violation.agents.length === 0);
  if (!atEnd) add(steps.length - 1);
  const core = [...kept].toSorted((a, b) => a - b);
  switch (verdict) {
    case 'SAFETY':
    case 'CRASH':
    case 'STUCK':
    case 'LOST':
      // What an agent does follows from all that it has handled.
      for (const index of relatedTo(steps, involved(violation, named, steps, kept))) add(index);
      break;
    default:
      break;
  }
  return { all: [...kept].toSorted((a, b) => a - b), core };
}

/** Whether the request of this name is sent, handled or answered in the step. */
function touches({ id, sent, discharged }: Step, obligation: string): boolean {
  const [, by, to, type] = /^(.*)⇒(.*?):(.*)$/.exec(obligation) ?? [];
  if (by === undefined) return discharged.includes(obligation);
  const request = `${by}>${to}:${type}#`;
  return id.startsWith(request) || sent.some((other) => other.startsWith(request));
}

function involved(
  { verdict, agents }: Violation,
  named: ReadonlySet<string>,
  steps: readonly Step[],
  kept: ReadonlySet<number>,
): Set<string> {
  const found = new Set(agents);
  for (const id of named) {
    const agent = receiverOf(id);
    if (agent !== undefined) found.add(agent);
  }
  for (const index of kept) {
    const { agent } = steps[index] as Step;
    if (agent !== undefined && verdict !== 'STUCK') found.add(agent);
  }
  if (found.size === 0) for (const { agent } of steps) if (agent !== undefined) found.add(agent);
  found.delete('env');
  return found;
}

/** The steps of some agents, and of all others that they are connected with by messages. */
function relatedTo(steps: readonly Step[], agents: Set<string>): number[] {
  for (let size = -1; size !== agents.size;) {
    size = agents.size;
    for (const { id } of steps) {
      const event = parseId(id);
      if (event.kind !== 'message' && event.kind !== 'answer') continue;
      const pair = [event.from, event.to].filter(
        (name) => name !== 'env' && name !== 'timer' && name !== 'inner',
      );
      if (pair.some((name) => agents.has(name))) for (const name of pair) agents.add(name);
    }
  }
  return steps.flatMap(({ agent }, index) =>
    agent !== undefined && agents.has(agent) ? index : [],
  );
}
