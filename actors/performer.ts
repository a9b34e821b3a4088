/**
 * A performer: an agent that accepts tasks. It checks each before any work begins, has a run of its
 * own work on it, and answers with exactly one outcome: what the run ends with, or why it was ended.
 *
 *     task -> accepted -> run -> outcome
 *        \ refused          \ ended: deadline, cancelled, or who wants it is gone
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  ActorEnded,
  InvalidOption,
  agentName,
  fromHandler,
  isRef,
  type AgentContext,
  type AnyRef,
  type Budget,
  type Down,
  type Monitor,
} from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import { child, supervisor } from '../supervision/index.ts';
import { TaskFailed, failureOf, type FailureSite } from './failure.ts';
import { ACTORS_LIMITS, marginOf } from './limits.ts';
import { isLogic, runLogic, type Begin, type RunLogic, type Spent, type Work } from './run.ts';
import { fit } from './schema.ts';
import { checkClassification, checkLabel, type Classification } from './state/label.ts';
import type {
  CancelTask,
  InputOf,
  OutputOf,
  Outcome,
  AnyPerformer,
  PerformerLogic,
  PerformerName,
  PerformerRef,
  Task,
  TaskRequest,
} from './task.ts';

/** The members of a team, by the name that its work calls them. */
export type Team = Readonly<Record<string, AnyPerformer>>;

/** A team as work sees it: whom tasks can be given to. */
export type Members<TTeam extends Team> = {
  readonly [K in keyof TTeam]:
    | PerformerRef<InputOf<TTeam[K]>, OutputOf<TTeam[K]>>
    | PerformerName<InputOf<TTeam[K]>, OutputOf<TTeam[K]>>;
};

/** What a performer can be told. */
export interface PerformerOptions<TInput, TOutput, TTeam extends Team = Team> {
  /** Any Standard Schema; the input of a task must fit, or the task is refused with `invalidInput`. */
  readonly input?: StandardSchemaV1<unknown, TInput>;
  /** The output must fit, or the task fails with `invalidOutput`. */
  readonly output?: StandardSchemaV1<unknown, TOutput>;
  /** The input and the context of a task may hold data labelled up to this; default any. Others are refused with `guardDenied`. */
  readonly clearance?: Classification;
  /** Tasks that it works on at a time; default 8. More wait in its mailbox. */
  readonly concurrency?: number;
  /** Tasks that wait for their turn; one more is refused as `unavailable`. Default: the bound of its mailbox. */
  readonly queueMax?: number;
  /**
   * Who it works with. Members given as logics start with it, under a supervisor that starts them
   * again; the others are used where they are.
   */
  readonly team?: TTeam;
}

/** One task that is being worked on. */
interface Job {
  readonly request: TaskRequest<unknown, never>;
  readonly run: AnyRef;
  readonly watch: Monitor;
  readonly site: FailureSite;
  /** What its run has told of when it was ended; until then all that was granted. */
  readonly spent: Budget;
  /** How it ends when its run is ended. */
  readonly verdict?: Outcome<never>;
}

/** What a performer has under way, by the address of the run. */
export interface PerformerState {
  readonly jobs: ReadonlyMap<string, Job>;
  /** Tasks that were put back since the state changed last: with each change all of them come again. */
  waiting: number;
}

interface Expired {
  readonly type: 'expired';
  readonly run: string;
}
type Received = TaskRequest<unknown, never> | CancelTask | Expired | Spent | Down;
type Ctx = AgentContext<Received>;

const KEYS = ['input', 'output', 'clearance', 'concurrency', 'queueMax', 'team'];

/**
 * Makes the logic of an agent that accepts tasks and does `work` for each.
 *
 * @example
 * ```ts
 * const editor = performer('editor', function* (task: Task<{ text: string }>, run) {
 *   run.spend({ tokens: task.input.text.length });
 *   yield* run.sleep(100);
 *   return { text: task.input.text.trim() };
 * });
 * const outcome = await perform(system, editor, { goal: 'tidy up', input: { text: ' hello ' } });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function performer<TInput, TOutput, const TTeam extends Team = Record<never, never>>(
  name: string,
  work: Work<TInput, TOutput, Members<TTeam>>,
  options: PerformerOptions<TInput, TOutput, TTeam> = {},
): PerformerLogic<TInput, TOutput> {
  if (typeof name !== 'string' || name === '')
    throw new InvalidOption({
      field: 'performer.name',
      given: name,
      allowed: 'a non-empty string',
    });
  checkFunction('performer.work', work);
  checkOptions(options, KEYS, 'performer');
  const { concurrency = ACTORS_LIMITS.concurrency, queueMax = Infinity } = options;
  const { team, clearance } = options;
  if (clearance !== undefined) checkClassification('performer.clearance', clearance);
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    const allowed = 'an integer >= 1';
    throw new InvalidOption({ field: 'performer.concurrency', given: concurrency, allowed });
  }
  if (!(queueMax >= 0)) {
    const allowed = 'a number >= 0';
    throw new InvalidOption({ field: 'performer.queueMax', given: queueMax, allowed });
  }
  const runs = runLogic<TInput, TOutput, Members<TTeam>>(
    name,
    work,
    (host) => membersOf(host, team),
    options.output,
  );
  const inputOf = (task: Task): Task => {
    if (clearance !== undefined) checkLabel(task, clearance, `task of ${name}`);
    return { ...task, input: fit(options.input, task.input, `input of ${name}`, 'invalidInput') };
  };
  const logic = fromHandler<PerformerState, Received>({
    initial: () => ({ jobs: new Map(), waiting: 0 }),
    *start(_state, ctx) {
      const children = Object.entries<AnyPerformer>(team ?? {}).flatMap(([id, logic]) =>
        isLogic(logic) ? [child({ id, logic, name: memberName(ctx.self, id) })] : [],
      );
      if (children.length === 0) return;
      const members = supervisor({ strategy: 'one_for_one', children });
      yield* ctx.started(ctx.spawn(members, { id: 'team', link: true }));
    },
    receive(state, event, ctx) {
      switch (event.type) {
        case 'task': {
          // What its own runs wait for must not wait for them.
          const isInner = ctx.chain.some((address) => state.jobs.has(address));
          if (state.jobs.size < concurrency || isInner)
            return accept(state, event, ctx, runs, inputOf);
          if (state.waiting >= queueMax) {
            const message = `${queueMax} tasks wait for ${name} already`;
            refuse(
              event,
              ctx,
              new TaskFailed({ kind: 'unavailable', code: 'QUEUE_FULL', message }),
            );
            return state;
          }
          state.waiting += 1;
          ctx.postpone();
          return state;
        }
        case 'cancel':
          return stopRuns(state, ctx, ({ task, by }) =>
            task.id === event.taskId && by.address === event.by.address ? event.reason : undefined,
          );
        case 'expired':
          return expire(state, ctx, event.run);
        case 'spent': {
          const job = state.jobs.get(event.run);
          if (job === undefined) return state;
          return {
            waiting: 0,
            jobs: new Map(state.jobs).set(event.run, { ...job, spent: event.spent }),
          };
        }
        case 'troupe.down': {
          const { address } = event.ref;
          const job = state.jobs.get(address);
          if (job !== undefined) return settle(state, ctx, job, event);
          const reason = `${address}, who wanted it, ended (${event.reason.type})`;
          return stopRuns(state, ctx, ({ by }) => (by.address === address ? reason : undefined));
        }
        default: {
          // A message of another kind is nobody's task; the runtime counts what is unhandled.
          const { type } = event satisfies never as { readonly type: string };
          ctx.log.warn({ type }, 'a performer takes tasks only');
          return state;
        }
      }
    },
  });
  // Whoever uses it sees what it is asked; its own timers and notices are its own.
  return logic as unknown as PerformerLogic<TInput, TOutput>;
}

/** Checks a task before any work begins; then it has a run of its own. */
function accept(
  { jobs }: PerformerState,
  request: TaskRequest<unknown, never>,
  ctx: Ctx,
  runs: RunLogic,
  inputOf: (task: Task) => Task,
): PerformerState {
  const { task, by, timeoutMs, traceparent } = request;
  const site = { task, agent: ctx.self.address, ...siteOf(ctx, ctx.budget ?? {}) };
  try {
    checkRequest(request);
    for (const [name, amount] of Object.entries(ctx.budget ?? {})) {
      if (amount > 0 || name === 'calls' || name === 'hops') continue;
      const message = `budget ${name}: granted ${amount}, and nothing can be done with that`;
      throw new TaskFailed({ kind: 'budgetExceeded', message, effect: 'none' });
    }
    // The request waits for a margin longer than the work may take; time in the mailbox is gone.
    const leftMs = ctx.remainingMs - marginOf(timeoutMs);
    const withinMs = Math.min(timeoutMs, leftMs);
    if (withinMs <= 0) {
      const message = 'no time is left to begin it';
      throw new TaskFailed({ kind: 'timeout', message, effect: 'none' });
    }
    const deadlineMs = ctx.now() + withinMs;
    const begin: Begin = { type: 'begin', task: inputOf(task), deadlineMs, traceparent };
    const run = ctx.spawn(runs, { monitor: true });
    // Sent while the request is handled, so that it carries the lineage of the request.
    ctx.send(run, begin);
    ctx.defer(request);
    const { address } = run;
    if (withinMs < Infinity)
      ctx.after(withinMs, { type: 'expired', run: address }, { id: address });
    const job = { request, run, watch: ctx.monitor(by), site, spent: ctx.budget ?? {} };
    return { jobs: new Map(jobs).set(address, job), waiting: 0 };
  } catch (error) {
    refuse(request, ctx, error);
    return { jobs, waiting: 0 };
  }
}

/** Answers a task that nobody has begun. */
function refuse(request: TaskRequest<unknown, never>, ctx: Ctx, error: unknown): void {
  const { task } = request;
  const site = { task, agent: ctx.self.address, ...siteOf(ctx, ctx.budget ?? {}) };
  const failure = failureOf(error, site);
  const outcome = { status: 'failed', taskId: task?.id ?? '', spent: {}, failure } as const;
  ctx.reply(request, { type: 'outcome', outcome });
}

/** Ends the runs that nobody wants any more; each is answered for when it has ended. */
function stopRuns(
  state: PerformerState,
  ctx: Ctx,
  reasonFor: (request: TaskRequest<unknown, never>) => string | undefined,
): PerformerState {
  const jobs = new Map(state.jobs);
  for (const [address, job] of jobs) {
    const reason = job.verdict === undefined ? reasonFor(job.request) : undefined;
    if (reason === undefined) continue;
    const taskId = job.request.task.id;
    const verdict = { status: 'cancelled', taskId, spent: job.spent, reason } as const;
    jobs.set(address, { ...job, verdict });
    void ctx.stopChild(job.run);
  }
  return { jobs, waiting: 0 };
}

/** The deadline has passed: the run is ended, whether it listens or not. */
function expire(state: PerformerState, ctx: Ctx, address: string): PerformerState {
  const job = state.jobs.get(address);
  if (job === undefined || job.verdict !== undefined) return state;
  const { site, request, spent } = job;
  const withinMs = Math.min(request.timeoutMs, site.resources.deadlineMs);
  const message = `not done within ${withinMs} ms`;
  const timedOut = new TaskFailed({ kind: 'timeout', message });
  const failure = failureOf(timedOut, { ...site, ...siteOf(ctx, {}) });
  const verdict = { status: 'failed', taskId: site.task.id, spent, failure } as const;
  void ctx.stopChild(job.run);
  return { jobs: new Map(state.jobs).set(address, { ...job, verdict }), waiting: 0 };
}

/** A run has ended: the one place where an accepted task is answered. */
function settle(state: PerformerState, ctx: Ctx, job: Job, { reason }: Down): PerformerState {
  const { request, run, watch, site, spent, verdict } = job;
  const jobs = new Map(state.jobs);
  jobs.delete(run.address);
  ctx.cancel(run.address);
  ctx.demonitor(watch);
  let outcome: Outcome<never> | undefined = verdict && { ...verdict, spent };
  if (outcome === undefined && reason.type === 'normal') outcome = reason.output as Outcome<never>;
  if (outcome === undefined) {
    const ended = new ActorEnded({ address: run.address, message: 'task', reason });
    const failure = failureOf(ended, { ...site, atMs: ctx.now() });
    outcome = { status: 'failed', taskId: site.task.id, spent, failure };
  }
  ctx.reply(request, { type: 'outcome', outcome });
  return { jobs, waiting: 0 };
}

function siteOf(ctx: Ctx, budget: Budget): Pick<FailureSite, 'atMs' | 'resources'> {
  const { remainingMs: deadlineMs, hops } = ctx;
  return { atMs: ctx.now(), resources: { deadlineMs, budget, hops } };
}

function checkRequest({ task, by, timeoutMs }: TaskRequest<unknown, never>): void {
  const isTask =
    typeof task === 'object' &&
    task !== null &&
    typeof task.id === 'string' &&
    typeof task.goal === 'string';
  if (isTask && isRef(by) && timeoutMs >= 0) return;
  const message = isTask
    ? 'by and timeoutMs: allowed are the ref of who wants the task, and milliseconds >= 0'
    : 'task: allowed is an object with id, goal and input';
  throw new TaskFailed({ kind: 'invalidInput', message, retry: { sameInputWillFail: true } });
}

/** Members are found by name, so that whoever works with them does not see their restarts. */
function memberName(host: AnyRef, id: string): PerformerName<never, unknown> {
  return agentName(`${host.path}/team/${id}`);
}

function membersOf<TTeam extends Team>(host: AnyRef, team: TTeam | undefined): Members<TTeam> {
  const members = Object.entries<AnyPerformer>(team ?? {}).map(([id, member]) => [
    id,
    isLogic(member) ? memberName(host, id) : member,
  ]);
  return Object.fromEntries(members) as Members<TTeam>;
}
