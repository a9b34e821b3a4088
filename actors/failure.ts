/**
 * Failures: why a task was not done, as data that a supervisor, a planner or a person can act on.
 */
import { TroupeError, type Budget } from '../runtime/index.ts';
import { digestOf } from './digest.ts';
import { ACTORS_LIMITS } from './limits.ts';
import type { Task } from './task.ts';

/** What kind of thing went wrong; a closed list. */
export type FailureKind =
  | 'timeout'
  | 'crash'
  | 'rateLimited'
  | 'unavailable'
  | 'invalidInput'
  | 'invalidOutput'
  | 'toolError'
  | 'modelRefusal'
  | 'guardDenied'
  | 'approvalRejected'
  | 'approvalExpired'
  | 'budgetExceeded'
  | 'hopLimit'
  | 'loopDetected'
  | 'deadlock'
  | 'dependencyFailed'
  | 'capabilityMissing'
  | 'cancelled'
  /** Something outside does not let us: a CAPTCHA, a 403. */
  | 'blockedExternally'
  | 'bug';

/** Whether it is worth another try. */
export interface RetryAdvice {
  readonly retryable: boolean;
  /** Not earlier than after so many milliseconds. */
  readonly afterMs?: number;
  readonly sameInputWillFail: boolean;
  readonly strategiesTried: readonly string[];
  readonly strategiesLeft: readonly string[];
}

/** Whether anything was done before it failed. */
export type EffectState = 'none' | 'partial' | 'committed' | 'unknown';

/** What there was left at the time. */
export interface ResourcesLeft {
  readonly deadlineMs: number;
  readonly budget: Budget;
  readonly hops: number;
}

/** One failure: plain data, fit for the wire. */
export interface Failure {
  readonly kind: FailureKind;
  /** In words, without stacks, cut to `messageCharsMax`. */
  readonly message: string;
  /** The stable code of the error behind it. */
  readonly code?: string;
  readonly taskId: string;
  /** The step of a pattern that failed: a stage, a branch, a step of a plan. */
  readonly step?: string;
  /** The address of who failed. */
  readonly agent: string;
  readonly attempt: number;
  readonly attemptsMax: number;
  /** The clock's monotonic milliseconds where it was noticed. */
  readonly atMs: number;
  readonly retry: RetryAdvice;
  readonly effect: EffectState;
  readonly causes: readonly Failure[];
  /** What there is of a result. */
  readonly partial?: unknown;
  readonly invalidatedAssumptions?: readonly string[];
  /** The steps or tasks that could not run for it. */
  readonly blocked: readonly string[];
  readonly dependsOn: readonly { readonly id: string; readonly status: string }[];
  readonly resources: ResourcesLeft;
  /** The same for the same agent, input, kind and code: two of them say that nothing was learned. */
  readonly fingerprint: string;
}

/** What can be said of a failure where it is thrown; the rest has defaults by its kind. */
export interface FailureParts extends Partial<
  Pick<
    Failure,
    | 'code'
    | 'step'
    | 'effect'
    | 'causes'
    | 'partial'
    | 'invalidatedAssumptions'
    | 'blocked'
    | 'dependsOn'
  >
> {
  readonly kind: FailureKind;
  readonly message: string;
  readonly retry?: Partial<RetryAdvice>;
}

/** Thrown by work that cannot be done, when more can be said than a message. */
export class TaskFailed extends TroupeError {
  readonly code = 'TASK_FAILED';
  readonly parts: FailureParts;

  constructor(parts: FailureParts, options?: ErrorOptions) {
    super(parts.message, { kind: parts.kind, step: parts.step }, options);
    this.parts = parts;
  }
}

/** Where and for what a failure was noticed. */
export interface FailureSite {
  readonly task: Task;
  readonly agent: string;
  readonly atMs: number;
  readonly attempt?: number;
  readonly attemptsMax?: number;
  readonly resources: ResourcesLeft;
}

/** Worth another try as they are; of the others the same comes again. */
const TRANSIENT: readonly FailureKind[] = [
  'timeout',
  'crash',
  'rateLimited',
  'unavailable',
  'toolError',
  'deadlock',
  'invalidOutput',
];

/** The failure that an error means: of an ask, of work, or one thrown as {@link TaskFailed}. */
export function failureOf(error: unknown, site: FailureSite): Failure {
  const { task, agent, atMs, attempt = 1, attemptsMax = 1, resources } = site;
  const parts = partsOf(error);
  const { kind, retry, causes = [], ...rest } = parts;
  const code = parts.code ?? codeOf(error);
  return {
    taskId: task.id,
    agent,
    attempt,
    attemptsMax,
    atMs,
    effect: 'unknown',
    blocked: [],
    dependsOn: [],
    resources,
    ...rest,
    ...(code === undefined ? {} : { code }),
    kind,
    message: parts.message.slice(0, ACTORS_LIMITS.messageCharsMax),
    retry: {
      retryable: TRANSIENT.includes(kind),
      sameInputWillFail: false,
      strategiesTried: [],
      strategiesLeft: [],
      ...retry,
    },
    causes: causes.slice(0, ACTORS_LIMITS.causesMax),
    fingerprint: fingerprintOf(agent, task.input, kind, code),
  };
}

function fingerprintOf(agent: string, input: unknown, ...rest: readonly unknown[]): string {
  try {
    return digestOf([agent, input, ...rest]);
  } catch {
    // An input without an end, or one that throws, must not keep its failure from being told.
    return digestOf([agent, ...rest]);
  }
}

function partsOf(error: unknown): FailureParts {
  if (error instanceof TaskFailed) return error.parts;
  const message = messageOf(error);
  const code = codeOf(error);
  const known = code === undefined ? undefined : BY_CODE[code];
  if (known !== undefined) return { message, ...known(error as FieldsOfError) };
  if (error instanceof Error && error.name === 'AbortError') return { kind: 'cancelled', message };
  const isBug =
    error instanceof TypeError || error instanceof ReferenceError || error instanceof SyntaxError;
  return { kind: isBug ? 'bug' : 'crash', message };
}

interface FieldsOfError {
  readonly progress?: string;
  readonly reason?: { readonly type: string; readonly error?: unknown };
}

type Known = (error: FieldsOfError) => Pick<FailureParts, 'kind' | 'effect' | 'retry'>;

const ofKind =
  (kind: FailureKind, effect: EffectState = 'none', retry: Partial<RetryAdvice> = {}) =>
  (): ReturnType<Known> => ({ kind, effect, retry });

/** By code and not by class: an error from another node keeps its code only. */
const BY_CODE: Readonly<Record<string, Known | undefined>> = {
  ASK_TIMEOUT: ({ progress }) => ({
    kind: 'timeout',
    effect: progress === 'started' ? 'unknown' : 'none',
  }),
  ACTOR_ENDED: ({ reason }) => ({
    kind: reason?.type === 'crash' ? 'crash' : 'unavailable',
    effect: 'unknown',
  }),
  NO_SUCH_ACTOR: ofKind('unavailable'),
  MAILBOX_FULL: ofKind('unavailable'),
  SYSTEM_STOPPED: ofKind('unavailable', 'none', { retryable: false }),
  INTERRUPTED: ofKind('unavailable', 'unknown'),
  HOP_LIMIT: ofKind('hopLimit', 'none', { sameInputWillFail: true }),
  DEADLOCK: ofKind('deadlock', 'unknown'),
  UNHANDLED: ofKind('capabilityMissing', 'none', { sameInputWillFail: true }),
  REQUEST_LOST: ofKind('bug', 'unknown'),
  UNFIT_PAYLOAD: ofKind('invalidInput', 'none', { sameInputWillFail: true }),
  ACCESS_DENIED: ofKind('guardDenied', 'none', { sameInputWillFail: true }),
  INVALID_OPTION: ofKind('bug', 'none', { sameInputWillFail: true }),
};

function codeOf(error: unknown): string | undefined {
  if (error instanceof TaskFailed || typeof error !== 'object' || error === null) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What an error says, without its stack. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : `something was thrown that is no error`;
}
