/**
 * A violation: what went wrong in a run, of which class, and who has part in it.
 */

/** What can go wrong. */
export type Verdict =
  /** Agents that wait for each other in a circle. */
  | 'DEADLOCK'
  /** Nothing can happen any more, and a request or task is still open. */
  | 'STUCK'
  /** A request that nobody can settle any more. */
  | 'LOST'
  /** A fair run goes round for ever while a request or task stays open, and nothing advances. */
  | 'LIVELOCK'
  /** A livelock in which a task is handed round. */
  | 'HANDOFF_LOOP'
  /** A fair run goes round for ever; others advance, and a request or task stays open. */
  | 'STARVATION'
  /** A livelock in which agents crash and are restarted. */
  | 'RESTART_STORM'
  /** An invariant, an assertion or a condition of the end does not hold. */
  | 'SAFETY'
  /** A message was handled before one that it requires. */
  | 'ORDER'
  /** Messages pile up beyond a bound. */
  | 'OVERLOAD'
  /** An agent crashed by its own fault, and nobody was told. */
  | 'CRASH'
  /** A message that nobody got carried a request. */
  | 'DEAD_LETTER'
  /** A run that does not repeat. */
  | 'NONDETERMINISTIC';

/** One thing that went wrong. */
export interface Violation {
  readonly verdict: Verdict;
  /** In one line: what is wrong, with the names of the agents and of the request. */
  readonly message: string;
  /** The agents that have part in it, by path. */
  readonly agents: readonly string[];
  /** The requests and tasks that are concerned. */
  readonly obligations: readonly string[];
  /** The agents that wait for each other, in order, when they form a circle. */
  readonly cycle?: readonly string[];
  /** Proved by this run, or only likely: no state was seen twice. */
  readonly certainty: 'proved' | 'suspected';
  /** For loops: the step where the lap begins that repeats. */
  readonly loopFrom?: number;
  readonly cause?: unknown;
}

/** What must stay the same while a failure is shrunk, so that it does not become another one. */
export function signatureOf(violation: Violation): string {
  const { verdict, agents, obligations, message } = violation;
  const open = [...obligations].sort().join();
  if (verdict === 'SAFETY' || verdict === 'ORDER') return `${verdict} ${open} ${message}`;
  // Whoever lost a message on the way has part in it, and need not in a shorter one.
  if (verdict === 'STUCK' && open !== '') return `${verdict} ${open}`;
  return `${verdict} ${open} ${[...agents].sort().join()}`;
}
