/**
 * The inbox of a human: an agent that takes questions of other agents, and keeps them until somebody
 * has claimed and answered them, nobody wants them any more, or their time is over.
 *
 *     task | approve -> waiting -> claimed by one -> answered | rejected, with a reason
 *                          \__________\-> expired: who asked is told
 *
 * A task that comes here makes a human a performer like any other; and a guard's approver can be an
 * inbox.
 */
import {
  InvalidOption,
  fromHandler,
  type AgentContext,
  type Down,
  type HandlerLogic,
  type Monitor,
  type Ref,
  type ReplyTo,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { TaskFailed, failureOf } from './failure.ts';
import type { ApprovalRequest } from './guard/approval.ts';
import { ACTORS_LIMITS } from './limits.ts';
import type { CancelTask, Outcome, Performs, TaskRequest } from './task.ts';

/** A question as it is shown. */
export interface Question {
  /** Names it in `claim` and `answer`. */
  readonly id: string;
  readonly kind: 'task' | 'approval';
  /** The goal of a task; the action that wants approval. */
  readonly about: string;
  readonly content: unknown;
  /** Why it is asked, where that was said. */
  readonly reason?: string;
  /** The clock's monotonic milliseconds at which it is gone. */
  readonly expiresAtMs: number;
  readonly claimedBy?: string;
}

/** Asks what waits, the oldest first. */
export interface ListQuestions {
  readonly type: 'list';
  readonly replyTo: ReplyTo<{
    readonly type: 'questions';
    readonly questions: readonly Question[];
  }>;
}
/** Takes a question, so that nobody else answers it. The same person may claim it again. */
export interface ClaimQuestion {
  readonly type: 'claim';
  readonly id: string;
  readonly by: string;
  readonly replyTo: ReplyTo<Claimed>;
}
/** Answers a question that the same person has claimed. */
export interface AnswerQuestion {
  readonly type: 'answer';
  readonly id: string;
  readonly by: string;
  /** The output of a task. */
  readonly output?: unknown;
  /** Default true; a rejection has a reason. */
  readonly isApproved?: boolean;
  readonly reason?: string;
  readonly replyTo: ReplyTo<Claimed>;
}
/** `no` says why: it is gone, somebody else has it, or it was answered. The same answer again is `yes`. */
export interface Claimed {
  readonly type: 'claimed';
  readonly isYours: boolean;
  readonly reason: string;
}

export type InboxEvent =
  | TaskRequest<unknown, unknown>
  | CancelTask
  | ApprovalRequest
  | ListQuestions
  | ClaimQuestion
  | AnswerQuestion;
export type InboxRef = Ref<InboxEvent>;

interface Waiting {
  readonly question: Question;
  readonly request: TaskRequest<unknown, unknown> | ApprovalRequest;
  readonly watch?: Monitor;
}
/** What waits in an inbox, and who has answered what. */
export interface InboxState {
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly answered: ReadonlyMap<string, string>;
  readonly count: number;
}
export type InboxLogic = HandlerLogic<InboxState, InboxEvent> & Performs<unknown, unknown>;

interface Expired {
  readonly type: 'expired';
  readonly id: string;
}
type Received = InboxEvent | Expired | Down;
type Ctx = AgentContext<Received>;

/**
 * Makes the logic of a human's inbox. A question expires with the deadline of who asks, or after
 * `expiryMs`, whichever is first; default 900,000. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * import { inbox } from 'troupe/actors';
 *
 * const desk = system.spawn(inbox({ expiryMs: 60_000 }), { id: 'desk' });
 * const { questions } = await desk.ask({ type: 'list' });
 * for (const { id } of questions) {
 *   await desk.ask({ type: 'claim', id, by: 'ada' });
 *   await desk.ask({ type: 'answer', id, by: 'ada', output: 'send a new lamp' });
 * }
 * ```
 */
export function inbox(options: { readonly expiryMs?: number } = {}): InboxLogic {
  checkOptions(options, ['expiryMs'], 'inbox');
  const { expiryMs = ACTORS_LIMITS.approvalTimeoutMs } = options;
  if (!(expiryMs > 0))
    throw new InvalidOption({ field: 'inbox.expiryMs', given: expiryMs, allowed: 'ms > 0' });
  const logic = fromHandler<InboxState, Received>({
    initial: () => ({ waiting: new Map(), answered: new Map(), count: 0 }),
    receive(state, event, ctx) {
      switch (event.type) {
        case 'task':
        case 'approve':
          return asked(state, event, ctx, expiryMs);
        case 'list': {
          const questions = [...state.waiting.values()].map(({ question }) => question);
          ctx.reply(event, { type: 'questions', questions });
          return state;
        }
        case 'claim':
          return claimed(state, event, ctx);
        case 'answer':
          return answered(state, event, ctx);
        case 'expired': {
          const gone = state.waiting.get(event.id);
          if (gone === undefined) return state;
          const message = 'no human has answered in time';
          const parts = { kind: 'approvalExpired', message, effect: 'none' } as const;
          settle(gone, ctx, () => failed(gone, new TaskFailed(parts), ctx), 'nobody', message);
          return without(state, event.id);
        }
        case 'cancel':
          return superseded(
            state,
            ctx,
            ({ request }) =>
              request.type === 'task' &&
              request.task.id === event.taskId &&
              request.by.address === event.by.address,
          );
        case 'troupe.down':
          return superseded(
            state,
            ctx,
            ({ request }) => request.type === 'task' && request.by.address === event.ref.address,
          );
        default: {
          const { type } = event satisfies never as { readonly type: string };
          ctx.log.warn({ type }, 'an inbox takes questions and answers only');
          return state;
        }
      }
    },
  });
  // Whoever uses it sees what it is asked; its own timers and notices are its own.
  return logic as unknown as InboxLogic;
}

function asked(
  state: InboxState,
  request: TaskRequest<unknown, unknown> | ApprovalRequest,
  ctx: Ctx,
  expiryMs: number,
): InboxState {
  const id = `q${state.count + 1}`;
  const withinMs = Math.min(
    expiryMs,
    ctx.remainingMs,
    request.type === 'task' ? request.timeoutMs : Infinity,
  );
  const shown =
    request.type === 'task'
      ? { kind: 'task' as const, about: request.task.goal, content: request.task.input }
      : {
          kind: 'approval' as const,
          about: request.action,
          content: request.args,
          reason: request.decision.reason,
        };
  const question: Question = { id, ...shown, expiresAtMs: ctx.now() + withinMs };
  const watch = request.type === 'task' ? { watch: ctx.monitor(request.by) } : {};
  const waits: Waiting = { question, request, ...watch };
  const next = { ...state, count: state.count + 1 };
  if (state.waiting.size >= ACTORS_LIMITS.inboxCapacity) {
    const message = `${ACTORS_LIMITS.inboxCapacity} questions wait already`;
    const full = new TaskFailed({ kind: 'unavailable', message, effect: 'none' });
    settle(waits, ctx, () => failed(waits, full, ctx), 'nobody', message);
    return next;
  }
  ctx.defer(request);
  ctx.after(withinMs, { type: 'expired', id }, { id });
  return { ...next, waiting: new Map(state.waiting).set(id, waits) };
}

function claimed(state: InboxState, event: ClaimQuestion, ctx: Ctx): InboxState {
  const { id, by } = event;
  const found = state.waiting.get(id);
  const reason = refusalOf(state, id, by);
  ctx.reply(event, { type: 'claimed', isYours: reason === undefined, reason: reason ?? 'claimed' });
  if (reason !== undefined || found === undefined) return state;
  const question = { ...found.question, claimedBy: by };
  return { ...state, waiting: new Map(state.waiting).set(id, { ...found, question }) };
}

function answered(state: InboxState, event: AnswerQuestion, ctx: Ctx): InboxState {
  const { id, by, output, isApproved = true, reason = '' } = event;
  const found = state.waiting.get(id);
  let problem = refusalOf(state, id, by);
  if (found !== undefined && problem === undefined) {
    if (found.question.claimedBy === undefined) problem = 'claim it first';
    else if (!isApproved && reason === '') problem = 'a rejection has a reason';
  }
  const isAgain = found === undefined && state.answered.get(id) === by;
  const isYours = isAgain || problem === undefined;
  ctx.reply(event, {
    type: 'claimed',
    isYours,
    reason: isAgain ? 'answered' : (problem ?? 'answered'),
  });
  if (found === undefined || problem !== undefined) return state;
  settle(
    found,
    ctx,
    (taskId) => {
      if (isApproved) return { status: 'done', taskId, spent: {}, output };
      const parts = { kind: 'approvalRejected', message: reason, effect: 'none' } as const;
      return failed(found, new TaskFailed(parts), ctx);
    },
    by,
    reason,
    isApproved,
  );
  const known = new Map(state.answered).set(id, by);
  const [oldest] = known.keys();
  if (known.size > ACTORS_LIMITS.answersKept && oldest !== undefined) known.delete(oldest);
  return { ...without(state, id), answered: known };
}

/** Why a question is not theirs, or undefined. */
function refusalOf({ waiting, answered }: InboxState, id: string, by: string): string | undefined {
  const found = waiting.get(id);
  const answeredBy = answered.get(id);
  if (answeredBy !== undefined) return `${answeredBy} has answered it`;
  if (found === undefined)
    return `there is no question ${id}: it has expired, or nobody wants it any more`;
  const { claimedBy = by } = found.question;
  return claimedBy === by ? undefined : `${claimedBy} has claimed it`;
}

/** The one place where a question is answered for whoever asked. */
function settle(
  { question, request, watch }: Waiting,
  ctx: Ctx,
  outcomeOf: (taskId: string) => Outcome,
  by: string,
  reason: string,
  isApproved = false,
): void {
  ctx.cancel(question.id);
  if (watch !== undefined) ctx.demonitor(watch);
  if (request.type === 'task')
    ctx.reply(request, { type: 'outcome', outcome: outcomeOf(request.task.id) });
  else ctx.reply(request, { type: 'approval', isApproved, by, reason });
}

/** Nobody wants them any more. */
function superseded(state: InboxState, ctx: Ctx, isGone: (waits: Waiting) => boolean): InboxState {
  let next = state;
  for (const [id, waits] of state.waiting) {
    if (!isGone(waits)) continue;
    const reason = 'nobody wants an answer any more';
    settle(
      waits,
      ctx,
      (taskId) => ({ status: 'cancelled', taskId, spent: {}, reason }),
      'nobody',
      reason,
    );
    next = without(next, id);
  }
  return next;
}

function failed({ request }: Waiting, error: TaskFailed, ctx: Ctx): Outcome {
  const task = request.type === 'task' ? request.task : { id: '', goal: '', input: undefined };
  const resources = { deadlineMs: ctx.remainingMs, budget: {}, hops: ctx.hops };
  const site = { task, agent: ctx.self.address, atMs: ctx.now(), resources };
  return { status: 'failed', taskId: task.id, spent: {}, failure: failureOf(error, site) };
}

function without(state: InboxState, id: string): InboxState {
  const waiting = new Map(state.waiting);
  waiting.delete(id);
  return { ...state, waiting };
}
