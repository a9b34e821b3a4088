/**
 * A seat: the agent in front of a member of a swarm, on the member's node, that speaks the receiver's
 * part of a handoff. It checks an offer before it accepts, and begins the work at the commit only:
 *
 *     OFFER -> ACCEPT | REJECT(reason, suggest)      COMMIT -> the member works -> its outcome
 *
 * Each handoff is accepted and begun once: whatever comes a second time is answered as the first
 * time. An acceptance that is not committed in time is void, so that an owner who cannot reach the
 * seat knows when it is still the owner.
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
  type HandlerLogic,
  type Monitor,
  type Ref,
  type ReplyTo,
} from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { child, supervisor } from '../../supervision/index.ts';
import { failureOf, messageOf } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { isLogic, TaskRun } from '../run.ts';
import { fit } from '../schema.ts';
import type {
  AnyPerformer,
  CancelTask,
  Outcome,
  Performer,
  PerformerName,
  PerformerRef,
  Task,
  TaskReply,
  TaskRequest,
} from '../task.ts';
import type { Handoff } from './handoff.ts';

/** Asks a seat to take a task. The acceptance holds for `validMs`. */
export interface Offer {
  readonly type: 'offer';
  readonly handoff: Handoff;
  readonly validMs: number;
  readonly replyTo: ReplyTo<OfferAnswer>;
}
export type OfferAnswer =
  | { readonly type: 'accepted' }
  /** `suggest` names a member that may rather take it. */
  | { readonly type: 'rejected'; readonly reason: string; readonly suggest?: string };

/** What came of a commit: nothing was begun, or how the member's work ended. */
export type Committed =
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'ended'; readonly outcome: Outcome };

export type SeatEvent = Offer | TaskRequest<Handoff, Committed> | CancelTask;
export type SeatRef = Ref<SeatEvent>;
export type SeatLogic = HandlerLogic<SeatState, SeatEvent>;

/** What a seat is told of its member. */
export interface SeatOptions {
  /** What the task of a handoff must fit. */
  readonly accepts?: StandardSchemaV1;
  /** Grants without which the member cannot work. */
  readonly needs?: readonly string[];
  /** Who rather takes what this one rejects. */
  readonly suggest?: string;
}

const KEYS = ['accepts', 'needs', 'suggest'];

/** One handoff: offered, then perhaps begun, then perhaps ended. */
interface Entry {
  readonly task: Task;
  readonly answer: OfferAnswer;
  readonly untilMs: number;
  readonly work?: {
    readonly turn: AnyRef;
    readonly watch: Monitor;
    readonly granted: Budget;
    /** More than one where the commit came twice. */
    readonly requests: readonly TaskRequest<Handoff, Committed>[];
  };
  readonly ended?: Outcome<Committed>;
}

/** What a seat knows of handoffs, by their ids. */
export interface SeatState {
  readonly entries: Map<string, Entry>;
}

type Received = SeatEvent | Down;
type Ctx = AgentContext<Received>;
type Member = PerformerRef<unknown, unknown> | PerformerName<unknown, unknown>;

/**
 * Makes the logic of a seat for a member. A swarm seats its members by itself; a member on another
 * node is seated there, and the swarm is given the seat's ref.
 *
 * @example
 * ```ts
 * import { seat } from 'troupe/actors';
 *
 * const billing = performer('billing', ({ input }: Task<{ order: string }>) => `paid: ${input.order}`);
 * const ref = system.spawn(seat(billing, { needs: ['refunds'] }), { id: 'billing' });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function seat(member: Performer<never, unknown>, options: SeatOptions = {}): SeatLogic {
  checkOptions(options, KEYS, 'seat');
  const { needs = [] } = options;
  if (!Array.isArray(needs) || needs.some((grant) => typeof grant !== 'string'))
    throw new InvalidOption({ field: 'seat.needs', given: needs, allowed: 'a list of names' });
  const seated = member as AnyPerformer;
  const logic = fromHandler<SeatState, Received>({
    initial: () => ({ entries: new Map() }),
    *start(_state, ctx) {
      if (!isLogic(seated)) return;
      const spec = child({ id: 'member', logic: seated, name: nameBelow(ctx.self) });
      const members = supervisor({ strategy: 'one_for_one', children: [spec] });
      yield* ctx.started(ctx.spawn(members, { id: 'of', link: true }));
    },
    receive(state, event, ctx) {
      switch (event.type) {
        case 'offer':
          return offered(state, event, ctx, options);
        case 'task': {
          const at = isLogic(seated) ? nameBelow(ctx.self) : (seated as Member);
          return committed(state, event, ctx, at);
        }
        case 'cancel': {
          const work = state.entries.get(event.taskId)?.work;
          if (work?.requests[0]?.by.address === event.by.address) void ctx.stopChild(work.turn);
          return state;
        }
        case 'troupe.down':
          return ended(state, event, ctx);
        default: {
          const { type } = event satisfies never as { readonly type: string };
          ctx.log.warn({ type }, 'a seat takes offers and commits only');
          return state;
        }
      }
    },
  });
  // Whoever uses it sees what it is asked; the notices of its own work are its own.
  return logic as unknown as SeatLogic;
}

function nameBelow(self: AnyRef): PerformerName<unknown, unknown> {
  return agentName(`${self.path}/member`);
}

/** OFFER: checked before anything is promised. */
function offered(state: SeatState, event: Offer, ctx: Ctx, options: SeatOptions): SeatState {
  const { handoff, validMs } = event;
  const known = state.entries.get(handoff.id);
  if (known !== undefined) {
    ctx.reply(event, known.answer);
    return state;
  }
  const { suggest } = options;
  let answer: OfferAnswer = { type: 'accepted' };
  let input = handoff.task;
  try {
    input = check(handoff, options);
  } catch (error) {
    const reason = messageOf(error);
    answer = { type: 'rejected', reason, ...(suggest === undefined ? {} : { suggest }) };
  }
  ctx.reply(event, answer);
  const { id, goal } = handoff;
  const task: Task = { id, goal, input, context: { handoff: { ...handoff, task: input } } };
  return remember(state, id, { task, answer, untilMs: ctx.now() + validMs });
}

/** The task as the schema gives it; throws what does not fit. */
function check(handoff: Handoff, { accepts, needs = [] }: SeatOptions): unknown {
  const { v, chain, hops, remainingMs, budget, grants, to } = handoff;
  if (v !== 1) throw new Error(`a handoff of version ${String(v)}; this seat knows 1`);
  if (chain.at(-1)?.agent !== to) throw new Error('its chain does not end with the receiver');
  if (hops.used > hops.limit) throw new Error(`${hops.used} of ${hops.limit} hops are used`);
  if (!(remainingMs > 0)) throw new Error('its deadline has passed');
  const spent = Object.entries(budget).find(
    ([name, amount]) => !(amount > 0) && name !== 'calls' && name !== 'hops',
  );
  if (spent !== undefined) throw new Error(`budget ${spent[0]}: ${spent[1]} is left`);
  const missing = needs.filter((grant) => grants?.includes(grant) === false);
  if (missing.length > 0) throw new Error(`it needs ${missing.join(', ')}, which is not granted`);
  return fit(accepts, handoff.task, `the task for ${to}`, 'invalidInput');
}

/** COMMIT: from here on the member owns the task. */
function committed(
  state: SeatState,
  request: TaskRequest<Handoff, Committed>,
  ctx: Ctx,
  member: Member,
): SeatState {
  const { task, by, timeoutMs } = request;
  const entry = state.entries.get(task.id);
  if (entry?.ended !== undefined) {
    ctx.reply(request, { type: 'outcome', outcome: entry.ended });
    return state;
  }
  if (entry?.work !== undefined) {
    ctx.defer(request);
    const work = { ...entry.work, requests: [...entry.work.requests, request] };
    return remember(state, task.id, { ...entry, work });
  }
  const why =
    entry?.answer.type !== 'accepted'
      ? 'it was not accepted'
      : ctx.now() > entry.untilMs
        ? 'the acceptance has expired'
        : isRef(by)
          ? undefined
          : 'by: allowed is the ref of who wants the task';
  if (entry === undefined || why !== undefined) {
    const output: Committed = { type: 'refused', reason: why ?? 'it was not accepted' };
    ctx.reply(request, outcomeOf(task.id, output, {}));
    return state;
  }
  const work = ctx.spawn(turn, { monitor: true });
  // Sent while the commit is handled, so that it carries the lineage of the commit.
  ctx.send(work, { type: 'begin', task: entry.task, member, timeoutMs });
  ctx.defer(request);
  const granted = ctx.budget ?? {};
  const began = { turn: work, watch: ctx.monitor(by), granted, requests: [request] };
  return remember(state, task.id, { ...entry, work: began });
}

/** The work of a member has ended, or who wants it has. */
function ended(state: SeatState, { ref, reason }: Down, ctx: Ctx): SeatState {
  for (const [id, entry] of state.entries) {
    const { work } = entry;
    if (work === undefined) continue;
    if (work.requests.some(({ by }) => by.address === ref.address)) void ctx.stopChild(work.turn);
    if (work.turn.address !== ref.address) continue;
    ctx.demonitor(work.watch);
    let told: TurnEnd;
    if (reason.type === 'normal') told = reason.output as TurnEnd;
    else {
      const { address: agent } = ctx.self;
      const error = new ActorEnded({ address: ref.address, message: 'task', reason });
      const resources = { deadlineMs: 0, budget: {}, hops: ctx.hops };
      const failure = failureOf(error, { task: entry.task, agent, atMs: ctx.now(), resources });
      const outcome: Outcome = { status: 'failed', taskId: id, spent: work.granted, failure };
      told = { outcome, spent: work.granted };
    }
    const reply = outcomeOf(id, { type: 'ended', outcome: told.outcome }, told.spent);
    for (const request of work.requests) ctx.reply(request, reply);
    const { task, answer, untilMs } = entry;
    return remember(state, id, { task, answer, untilMs, ended: reply.outcome });
  }
  return state;
}

function outcomeOf(taskId: string, output: Committed, spent: Budget): TaskReply<Committed> {
  return { type: 'outcome', outcome: { status: 'done', taskId, spent, output } };
}

/** In place: a copy of all that is kept, at each step of a handoff, would be most of its cost. */
function remember(state: SeatState, id: string, entry: Entry): SeatState {
  const { entries } = state;
  entries.set(id, entry);
  for (const [oldest, { work }] of entries) {
    if (entries.size <= ACTORS_LIMITS.handoffsKept) break;
    if (work === undefined) entries.delete(oldest);
  }
  return state;
}

interface Begin {
  readonly type: 'begin';
  readonly task: Task;
  readonly member: Member;
  readonly timeoutMs: number;
}
interface TurnEnd {
  readonly outcome: Outcome;
  readonly spent: Budget;
}

/** Gives the task to the member, and ends with its outcome; with its own end the member's work ends. */
const turn = fromHandler({
  *receive(_: undefined, { task, member, timeoutMs }: Begin, ctx) {
    const run = new TaskRun(ctx, task, undefined);
    const outcome = yield* run.perform(member, { ...task, id: `${task.id}.1` }, { timeoutMs });
    ctx.stop({ outcome, spent: run.spent } satisfies TurnEnd);
  },
});
