/**
 * The handoff: all that goes along when a task passes from one member of a swarm to another, so that
 * the receiver goes on where the sender stopped and asks nobody anything twice.
 *
 * The goal never changes, grants only shrink, labels and results only grow. Deadline and budget
 * travel beside it, in the lineage of the request; here stands what the receiver is promised of them.
 */
import { InvalidOption, type Budget } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { Task } from '../task.ts';
import { extended, type HistoryWindow } from './history.ts';

/** How a task moves: for good; to come back with a result; back with one; back because nobody took it; to a human. */
export type Move = 'transfer' | 'delegate' | 'return' | 'keep' | 'escalate';

/** One holder of the task, in the order of time. */
export interface Frame {
  readonly agent: string;
  /** The task of its swarm: swarms within swarms have one chain. */
  readonly taskId: string;
  readonly move: Move;
  readonly reason: string;
  /** The clock's monotonic milliseconds on the swarm's node. */
  readonly atMs: number;
  /** The digest of the task that it was given. */
  readonly fingerprint: string;
  /** How far the whole was: as declared, or the digest of all that had been gathered. */
  readonly version: string;
  readonly isDeclared: boolean;
}

/** What one member has found out. */
export interface HandoffResult {
  readonly by: string;
  readonly summary: string;
  readonly value: unknown;
  readonly digest: string;
}

/** Who the work is for. What stands here need not be asked again. */
export interface UserContext {
  readonly id?: string;
  readonly locale?: string;
  readonly preferences?: Readonly<Record<string, unknown>>;
  readonly identifiersAlreadyGiven?: Readonly<Record<string, string>>;
}

/** What the members have learnt, in words. */
export interface Notes {
  readonly decisions: readonly string[];
  readonly failedApproaches: readonly string[];
  readonly openQuestions: readonly string[];
  readonly assumptions: readonly string[];
}

/** A member that waits for a result: it gets its own task back, and what it may do. */
export interface Waiting {
  readonly agent: string;
  readonly task: unknown;
  readonly grants: readonly string[] | undefined;
}

/** The envelope; plain data, fit for the wire. */
export interface Handoff<TTask = unknown> extends Notes {
  readonly v: 1;
  /** Also its idempotency key: the same id is accepted and begun once. */
  readonly id: string;
  /** The task of the swarm. */
  readonly conversationId: string;
  readonly from: string;
  readonly to: string;
  readonly move: Move;
  readonly reason: string;
  /** What the user wants of the whole; never changes. */
  readonly goal: string;
  readonly task: TTask;
  readonly state: {
    readonly done: readonly string[];
    readonly remaining: readonly string[];
    /** Progress as a member has declared it. */
    readonly progress?: string;
  };
  readonly results: readonly HandoffResult[];
  readonly user: UserContext;
  readonly history: HistoryWindow;
  /** All holders so far, the receiver last. */
  readonly chain: readonly Frame[];
  /** Who waits for a result, the nearest last. */
  readonly returnTo: readonly Waiting[];
  readonly hops: { readonly used: number; readonly limit: number };
  readonly remainingMs: number;
  readonly budget: Budget;
  /** What the receiver may do, by name; `undefined` where nobody limits it. */
  readonly grants: readonly string[] | undefined;
  /** What is to be heeded of the content, such as `personal`. */
  readonly labels: readonly string[];
}

/** What a member may say of a handoff. What it leaves out stays as it was. */
export interface HandoverParts extends Partial<Notes> {
  readonly reason: string;
  /** Default `transfer`. After `delegate` the output of the receiver comes back to the sender. */
  readonly mode?: 'transfer' | 'delegate';
  /** Default: the task that the member has itself. */
  readonly task?: unknown;
  /** What the member has found out, and the same in words. */
  readonly result?: unknown;
  readonly summary?: string;
  /** Declared progress: the same task with the same progress at the same member is a loop at once. */
  readonly progress?: string;
  readonly done?: readonly string[];
  readonly remaining?: readonly string[];
  readonly user?: UserContext;
  /** What was said and done in its turn; added to what was said before. */
  readonly messages?: readonly unknown[];
  /** At most those that it has itself. */
  readonly grants?: readonly string[];
  readonly labels?: readonly string[];
}

/** What a member returns instead of an output: its wish to hand the task off. */
export interface Handover extends HandoverParts {
  readonly type: 'troupe.handover';
  readonly to: string;
}

const KEYS: Record<keyof HandoverParts, true> = {
  reason: true,
  mode: true,
  task: true,
  result: true,
  summary: true,
  progress: true,
  done: true,
  remaining: true,
  user: true,
  messages: true,
  grants: true,
  labels: true,
  decisions: true,
  failedApproaches: true,
  openQuestions: true,
  assumptions: true,
};

/**
 * Hands the task to another member; for a member to return in place of an output.
 *
 * @example
 * ```ts
 * import { handoff } from 'troupe/actors';
 *
 * const triage = performer('triage', ({ input }: Task<{ text: string }>) =>
 *   /invoice|refund/.test(input.text)
 *     ? handoff('billing', { reason: 'it is about money' })
 *     : handoff('technical', { reason: 'it is about the product', labels: ['personal'] }),
 * );
 * ```
 *
 * Throws `InvalidOption`.
 */
export function handoff(to: string, parts: HandoverParts): Handover {
  checkOptions(parts, Object.keys(KEYS), 'handoff');
  for (const [field, given] of [
    ['to', to],
    ['reason', parts.reason],
  ] as const) {
    if (typeof given === 'string' && given !== '') continue;
    throw new InvalidOption({ field: `handoff.${field}`, given, allowed: 'a non-empty string' });
  }
  return { type: 'troupe.handover', to, ...parts };
}

/** Whether what a member gave is the wish to hand off. */
export function isHandover(value: unknown): value is Handover {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'troupe.handover'
  );
}

/** The handoff that a member's task came with; undefined outside a swarm. */
export function handoffOf(task: Task): Handoff | undefined {
  return task.context?.['handoff'] as Handoff | undefined;
}

/** What the sender has, with what it hands over: results, notes and labels are added, grants taken away. */
export function merged(own: Handoff, by: string, parts: Partial<HandoverParts>): Handoff {
  const { result, summary = '', progress, user = {} } = parts;
  const added = result === undefined ? [] : [resultOf(by, summary, result)];
  const preferences = { ...own.user.preferences, ...user.preferences };
  const identifiersAlreadyGiven = {
    ...own.user.identifiersAlreadyGiven,
    ...user.identifiersAlreadyGiven,
  };
  return {
    ...own,
    task: parts.task === undefined ? own.task : parts.task,
    state: {
      ...own.state,
      done: union(own.state.done, parts.done),
      remaining: parts.remaining ?? own.state.remaining,
      ...(progress === undefined ? {} : { progress }),
    },
    results: [
      ...own.results,
      ...added.filter(({ digest }) => own.results.every((known) => known.digest !== digest)),
    ],
    user: { ...own.user, ...user, preferences, identifiersAlreadyGiven },
    decisions: union(own.decisions, parts.decisions),
    failedApproaches: union(own.failedApproaches, parts.failedApproaches),
    openQuestions: parts.openQuestions ?? own.openQuestions,
    assumptions: union(own.assumptions, parts.assumptions),
    history: extended(own.history, parts.messages ?? []),
    labels: union(own.labels, parts.labels),
    grants: parts.grants ?? own.grants,
  };
}

/** The holder that a handoff makes of its receiver. */
export function frameOf(handoff: Omit<Handoff, 'chain'>, agent: string, atMs: number): Frame {
  const { move, reason, task, state, results, user, conversationId: taskId } = handoff;
  const { decisions, failedApproaches, openQuestions } = handoff;
  const isDeclared = state.progress !== undefined;
  const version =
    state.progress ??
    digestOf([results.map(({ digest }) => digest), state, user]) +
      digestOf([decisions, failedApproaches, openQuestions]);
  return { agent, taskId, move, reason, atMs, fingerprint: digestOf(task), version, isDeclared };
}

/** Throws `TaskFailed` (`invalidOutput`) when what a sender wants to hand over is too much, or more than it has. */
export function checkHandover(own: Handoff, next: Handover): void {
  const { handoffCharsMax, noteCharsMax } = ACTORS_LIMITS;
  const long = [next.reason, next.summary ?? '', ...NOTES.flatMap((key) => next[key] ?? [])].find(
    (note) => note.length > noteCharsMax,
  );
  if (long !== undefined)
    throw refused(`a note has ${long.length} characters, allowed are ${noteCharsMax}`);
  const chars = JSON.stringify({ ...next, messages: [] }).length;
  if (chars > handoffCharsMax)
    throw refused(`it has ${chars} characters, allowed are ${handoffCharsMax}: give a reference`);
  const wider = next.grants?.filter((grant) => own.grants?.includes(grant) === false) ?? [];
  if (wider.length > 0) throw refused(`it grants what its sender has not: ${wider.join(', ')}`);
}

/** The holders, one after the other, to print. */
export function chainText(chain: readonly Frame[]): string {
  return chain.map(({ agent }) => agent).join(' > ');
}

const NOTES = ['decisions', 'failedApproaches', 'openQuestions', 'assumptions'] as const;

function refused(why: string): TaskFailed {
  const message = `the handoff was not sent: ${why}`;
  return new TaskFailed({ kind: 'invalidOutput', message, effect: 'none' });
}

function resultOf(by: string, summary: string, value: unknown): HandoffResult {
  return { by, summary, value, digest: digestOf([by, value]) };
}

function union(known: readonly string[], added: readonly string[] = []): readonly string[] {
  return [...new Set([...known, ...added])];
}
