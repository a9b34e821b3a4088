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

/** An error, in one line. */
export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** What a violation is called when it is counted or compared: the same for the same bug in another schedule. */
export function signatureOf(violation: Violation): string {
  const { verdict, message } = violation;
  if (isNamedByText(verdict)) return `${verdict} ${unnumbered(message)}`;
  return `${verdict} ${kindsOf(violation).join()} ${[...violation.agents].sort().join()}`;
}

/**
 * Whether a schedule that was made smaller still shows the bug that it showed before, and not
 * another one. Of what stays open and who has part, it may show less or more, but nothing else
 * instead.
 */
export function isSameBug(smaller: Violation, original: Violation): boolean {
  if (smaller.verdict !== original.verdict || smaller.certainty !== original.certainty)
    return false;
  if (isNamedByText(original.verdict) || original.cycle !== undefined)
    return signatureOf(smaller) === signatureOf(original);
  return (
    isPartOrWhole(kindsOf(smaller), kindsOf(original)) &&
    isPartOrWhole(smaller.agents, original.agents)
  );
}

/** Whether all of one list stand in the other. */
function isPartOrWhole(a: readonly string[], b: readonly string[]): boolean {
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  return few.every((item) => many.includes(item)) && few.length > 0 === many.length > 0;
}

/** These say in their text which property or agent they are about; the others say it by their obligations. */
function isNamedByText(verdict: Verdict): boolean {
  return ['SAFETY', 'ORDER', 'OVERLOAD', 'CRASH', 'NONDETERMINISTIC'].includes(verdict);
}

/** The requests and tasks by kind: who of many clients made one does not matter, nor its number. */
function kindsOf({ obligations }: Violation): string[] {
  const kinds = obligations.map((name) => unnumbered(name.slice(name.indexOf('⇒') + 1)));
  return [...new Set(kinds)].sort();
}

/** Counts, ids and values differ between schedules of one bug. */
function unnumbered(text: string): string {
  return text.replaceAll(/#\d+|\b\d+(?:\.\d+)?/g, '#');
}
