/**
 * Whether a handoff may be: pure rules, asked before it is offered to anybody. Hops are counted; the
 * same task at the same member with the same progress is a loop; so is one visit too many.
 */
import type { FailureParts } from '../failure.ts';
import { chainText, type Frame, type Handoff } from './handoff.ts';

/** Members that may pass a task round among themselves, so often and no more: a writer and a reviewer. */
export interface Cycle {
  readonly of: readonly string[];
  readonly roundsMax: number;
}

/** The bounds of a swarm. */
export interface LoopBounds {
  readonly visitsMax: number;
  readonly cycles: readonly Cycle[];
}

/** Why a handoff must not be, or undefined. Its last frame is that of the receiver. */
export function loopOf(handoff: Handoff, bounds: LoopBounds): FailureParts | undefined {
  const { chain, hops, move } = handoff;
  const next = chain.at(-1)!;
  const past = chain.slice(0, -1).filter(({ taskId }) => taskId === next.taskId);
  // Going back up is no further hop: each return answers a delegation that was counted.
  if (move === 'return' || move === 'escalate') return undefined;
  const said = `: ${chainText(chain)}`;
  if (hops.used > hops.limit)
    return refusal('hopLimit', `${hops.limit} handoffs are allowed, and this is one more${said}`);
  // The floor goes back to the sender; nothing is repeated but its own turn, with why nobody took it.
  if (move === 'keep') return undefined;
  const cycle = bounds.cycles.find(
    ({ of }) => of.includes(next.agent) && of.includes(handoff.from),
  );
  if (cycle !== undefined) {
    const rounds = visits(past, next.agent);
    if (rounds < cycle.roundsMax) return undefined;
    const message = `the cycle of ${cycle.of.join(' and ')} has had its ${cycle.roundsMax} rounds`;
    return refusal('loopDetected', message + said);
  }
  const same = past.filter((frame) => isSame(frame, next)).length;
  // What nobody has declared as progress may be missed once: there it takes a second lap.
  if (same >= (next.isDeclared ? 1 : 2)) {
    const message = `${next.agent} has had this task before, and nothing has changed since`;
    return refusal('loopDetected', message + said);
  }
  if (visits(past, next.agent) >= bounds.visitsMax) {
    const message = `${next.agent} has had this task ${bounds.visitsMax} times`;
    return refusal('loopDetected', message + said);
  }
  return undefined;
}

function isSame(one: Frame, other: Frame): boolean {
  return (
    one.agent === other.agent &&
    one.fingerprint === other.fingerprint &&
    one.version === other.version
  );
}

function visits(chain: readonly Frame[], member: string): number {
  return chain.filter(({ agent, move }) => agent === member && move !== 'return').length;
}

function refusal(kind: 'hopLimit' | 'loopDetected', message: string): FailureParts {
  return { kind, message, effect: 'none', retry: { sameInputWillFail: true } };
}
