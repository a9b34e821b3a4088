/**
 * Work claiming: tasks lie on a board, and whoever is free claims one. A claim is a lease, which its
 * claimant renews as long as it works. Whoever falls silent or ends loses it, and the next one takes
 * the task over; what the former one says afterwards comes under an old fencing token and is refused.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  fromHandler,
  type AgentContext,
  type AgentName,
  type AnyRef,
  type Budget,
  type Down,
  type HandlerLogic,
  type Monitor,
  type Ref,
  type ReplyTo,
  type Wait,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { EMPTY_BOARD, boardAfter, holds, type Board, type WorkEvent } from './board.ts';
import { digestOf } from './digest.ts';
import { TaskFailed, failureOf } from './failure.ts';
import { MemoryJournalStore, type JournalStore } from './journal-store.ts';
import { Journal } from './journal.ts';
import { ACTORS_LIMITS } from './limits.ts';
import { performer } from './performer.ts';
import { TaskRun, asResult, askAgain, isLogic } from './run.ts';
import type { Outcome, Performer, PerformerLogic, Task, TaskReply } from './task.ts';

/** What a board of claims takes. */
export type ClaimsEvent =
  /** Puts a task on the board; the answer is its outcome. */
  | {
      readonly type: 'offer';
      readonly task: Task;
      readonly by: AnyRef;
      readonly timeoutMs: number;
      readonly budget: Budget;
      readonly replyTo: ReplyTo<TaskReply<unknown>>;
    }
  /** Says that somebody is free; the answer waits until there is a task. */
  | { readonly type: 'claim'; readonly by: AnyRef; readonly replyTo: ReplyTo<ClaimedTask> }
  /** Asks for the whole term again. */
  | {
      readonly type: 'renew';
      readonly taskId: string;
      readonly token: number;
      readonly replyTo: ReplyTo<Renewed>;
    }
  /** Says how a task ended; it counts under the token of the present lease only. */
  | {
      readonly type: 'complete';
      readonly taskId: string;
      readonly token: number;
      readonly outcome: Outcome;
      readonly replyTo: ReplyTo<Completed>;
    };
/** A task, for as long as its lease lasts. */
export interface ClaimedTask {
  readonly type: 'claimed';
  readonly task: Task;
  readonly token: number;
  readonly leaseMs: number;
  /** What it may take and spend. */
  readonly timeoutMs: number;
  readonly budget: Budget;
}
export interface Renewed {
  readonly type: 'renewed';
  readonly isHeld: boolean;
}
export interface Completed {
  readonly type: 'completed';
  readonly counts: boolean;
}
export type ClaimsRef = Ref<ClaimsEvent> | AgentName<Ref<ClaimsEvent>>;
/** The logic of a board of claims. */
export type ClaimsLogic = HandlerLogic<unknown, ClaimsEvent>;

/** What a board of claims can be told. */
export interface ClaimsOptions {
  /** Milliseconds of a lease; default 30,000. */
  readonly leaseMs?: number;
  /** Claimants that a task may lose; one more fails it. Default 3. */
  readonly lapsesMax?: number;
  /** Where its journal is kept; default in memory, for one life. */
  readonly store?: JournalStore;
  /** Names its journal in the store. Default: its path. */
  readonly key?: string;
}

type Offer = Extract<ClaimsEvent, { readonly type: 'offer' }>;
type Claim = Extract<ClaimsEvent, { readonly type: 'claim' }>;
type Received =
  | ClaimsEvent
  | { readonly type: 'expired'; readonly taskId: string; readonly token: number }
  | Down;
type Ctx = AgentContext<Received>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/** Makes the logic of a board of claims. Throws `InvalidOption`. */
export function claims(options: ClaimsOptions = {}): ClaimsLogic {
  checkOptions(options, ['leaseMs', 'lapsesMax', 'store', 'key'], 'claims');
  const { leaseMs = ACTORS_LIMITS.leaseMs, lapsesMax = ACTORS_LIMITS.lapsesMax } = options;
  for (const [field, given] of Object.entries({ leaseMs, lapsesMax }))
    if (!(typeof given === 'number' && given > 0))
      throw new InvalidOption({ field: `claims.${field}`, given, allowed: 'a number > 0' });
  const { store, key } = options;
  const logic = fromHandler({
    initial: () => new Claims(leaseMs, lapsesMax),
    start: (state: Claims, ctx: Ctx) =>
      state.start(store ?? new MemoryJournalStore(), key ?? ctx.self.path, ctx),
    receive: (state: Claims, event: Received, ctx: Ctx) => state.receive(event, ctx),
  });
  return logic as unknown as ClaimsLogic;
}

class Claims {
  readonly #leaseMs: number;
  readonly #lapsesMax: number;
  #journal!: Journal<Board, WorkEvent>;
  /** Who waits for which task; those who gave the same one get the same outcome. */
  readonly #offers = new Map<string, readonly Offer[]>();
  #free: readonly Claim[] = [];
  readonly #watches = new Map<string, Monitor>();

  constructor(leaseMs: number, lapsesMax: number) {
    this.#leaseMs = leaseMs;
    this.#lapsesMax = lapsesMax;
  }

  get #board(): Board {
    return this.#journal.state;
  }

  *start(store: JournalStore, key: string, ctx: Ctx): Waits<void> {
    this.#journal = new Journal({ store, key, initial: EMPTY_BOARD, fold: boardAfter });
    yield* this.#journal.open(ctx);
    for (const { id, lease } of this.#board.items.values())
      if (lease !== undefined) this.#expectEnd(id, lease.token, ctx);
  }

  *receive(event: Received, ctx: Ctx): Waits<void> {
    switch (event.type) {
      case 'offer':
        yield* this.#offer(event, ctx);
        break;
      case 'claim':
        ctx.defer(event);
        this.#watch(event.by, ctx);
        this.#free = [...this.#free, event];
        break;
      case 'renew': {
        const isHeld = holds(this.#board, event.taskId, event.token);
        if (isHeld) this.#expectEnd(event.taskId, event.token, ctx);
        ctx.reply(event, { type: 'renewed', isHeld });
        break;
      }
      case 'complete': {
        const { taskId, token, outcome } = event;
        const counts = holds(this.#board, taskId, token);
        if (counts) yield* this.#end(taskId, token, outcome, ctx);
        ctx.reply(event, { type: 'completed', counts });
        break;
      }
      case 'expired':
        if (holds(this.#board, event.taskId, event.token)) yield* this.#lapse(event.taskId, ctx);
        break;
      case 'troupe.down':
        yield* this.#forget(event.ref.address, ctx);
        break;
    }
    yield* this.#match(ctx);
  }

  *#offer(offer: Offer, ctx: Ctx): Waits<void> {
    const { id, input } = offer.task;
    const digest = digestOf(input);
    const item = this.#board.items.get(id);
    if (item === undefined) yield* this.#journal.append(ctx, [{ type: 'accepted', id, digest }]);
    else if (item.digest !== digest) {
      const message = `task ${id} was accepted with another input before`;
      ctx.reply(offer, failed(offer, new TaskFailed({ kind: 'invalidInput', message }), ctx));
      return;
    } else if (item.outcome !== undefined) {
      ctx.reply(offer, { type: 'outcome', outcome: item.outcome });
      return;
    }
    ctx.defer(offer);
    this.#watch(offer.by, ctx);
    this.#offers.set(id, [...(this.#offers.get(id) ?? []), offer]);
  }

  /** Gives tasks to whoever is free, both in the order in which they came. */
  *#match(ctx: Ctx): Waits<void> {
    for (const [id, [offer]] of this.#offers) {
      const [claim] = this.#free;
      if (claim === undefined) return;
      if (offer === undefined || this.#board.items.get(id)?.lease !== undefined) continue;
      const token = this.#board.token + 1;
      const lease = { token, holder: claim.by.address, termMs: this.#leaseMs };
      yield* this.#journal.append(ctx, [{ type: 'leased', id, lease }]);
      this.#free = this.#free.slice(1);
      this.#expectEnd(id, token, ctx);
      const { task, timeoutMs, budget } = offer;
      const terms = { token, leaseMs: this.#leaseMs, timeoutMs, budget };
      ctx.reply(claim, { type: 'claimed', task, ...terms });
    }
  }

  *#end(id: string, token: number, outcome: Outcome, ctx: Ctx): Waits<void> {
    yield* this.#journal.append(ctx, [{ type: 'ended', id, token, outcome }]);
    ctx.cancel(id);
    for (const offer of this.#offers.get(id) ?? []) ctx.reply(offer, { type: 'outcome', outcome });
    this.#offers.delete(id);
  }

  /** The task is free again, for the next one who claims; unless it has lost too many. */
  *#lapse(id: string, ctx: Ctx): Waits<void> {
    const { lease, attempts } = this.#board.items.get(id)!;
    const [offer] = this.#offers.get(id) ?? [];
    const lost = attempts.length + 1;
    if (lost > this.#lapsesMax && offer !== undefined) {
      const message = `${lost} who had claimed it were lost, the last one ${lease!.holder}`;
      const { outcome } = failed(offer, new TaskFailed({ kind: 'unavailable', message }), ctx);
      yield* this.#end(id, lease!.token, outcome, ctx);
      return;
    }
    yield* this.#journal.append(ctx, [{ type: 'lapsed', id, token: lease!.token }]);
    ctx.cancel(id);
  }

  /** Somebody has ended: what it held is free, and what it wanted is wanted no more. */
  *#forget(address: string, ctx: Ctx): Waits<void> {
    this.#watches.delete(address);
    this.#free = this.#free.filter(({ by }) => by.address !== address);
    for (const { id, lease } of this.#board.items.values())
      if (lease?.holder === address) yield* this.#lapse(id, ctx);
    for (const [id, offers] of this.#offers) {
      const others = offers.filter(({ by }) => by.address !== address);
      if (others.length === offers.length) continue;
      if (others.length > 0) this.#offers.set(id, others);
      else {
        this.#offers.delete(id);
        // Whoever has claimed it learns of it with the next renewal.
        yield* this.#journal.append(ctx, [{ type: 'dropped', id }]);
        ctx.cancel(id);
      }
    }
  }

  #watch(by: AnyRef, ctx: Ctx): void {
    if (!this.#watches.has(by.address)) this.#watches.set(by.address, ctx.monitor(by));
  }

  #expectEnd(taskId: string, token: number, ctx: Ctx): void {
    if (this.#leaseMs < Infinity)
      ctx.after(this.#leaseMs, { type: 'expired', taskId, token }, { id: taskId });
  }
}

function failed({ task, budget, timeoutMs }: Offer, error: TaskFailed, ctx: Ctx) {
  const resources = { deadlineMs: timeoutMs, budget, hops: ctx.hops };
  const site = { task, agent: ctx.self.address, atMs: ctx.now(), resources };
  const failure = failureOf(error, site);
  const outcome = { status: 'failed', taskId: task.id, spent: {}, failure } as const;
  return { type: 'outcome', outcome } as const;
}

/**
 * Makes the logic of a performer whose tasks are done by whoever claims them at the board: see
 * {@link claimant}. To give it a task again under the same id is safe.
 *
 * @example
 * ```ts
 * import { claimable, claimant, claims } from 'troupe/actors';
 *
 * const board = system.spawn(claims(), { id: 'board' });
 * for (const id of ['ada', 'ben']) system.spawn(claimant(board, editor), { id });
 * const desk = claimable<{ text: string }, { text: string }>('desk', board);
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: { text: ' hello ' } });
 * ```
 */
export function claimable<TInput, TOutput>(
  name: string,
  board: ClaimsRef,
): PerformerLogic<TInput, TOutput> {
  return performer<TInput, TOutput>(
    name,
    function* (task, run) {
      const { remainingMs: timeoutMs, ctx, left } = run;
      const share = run.share(1);
      const held = run.reserve(share);
      const budget = left['hops'] === undefined ? share : { ...share, hops: left['hops'] - 1 };
      const offer = { type: 'offer', task, by: ctx.self, timeoutMs, budget } as const;
      const { outcome } = yield* askAgain(() => ctx.ask(board, offer, { timeoutMs }));
      held.settle(outcome.spent);
      return asResult(outcome as Outcome<TOutput>);
    },
    { concurrency: ACTORS_LIMITS.queueCapacity },
  );
}

/** The logic of a claimant, which takes no messages. */
export type ClaimantLogic = HandlerLogic<undefined, EventObject>;

/**
 * Makes the logic of an agent that claims a task whenever it is free, has the worker do it, and
 * renews its lease meanwhile. When the lease is lost, the work is called off.
 */
export function claimant<TInput, TOutput>(
  board: ClaimsRef,
  worker: Performer<TInput, TOutput>,
): ClaimantLogic {
  return fromHandler<undefined, EventObject>({
    *afterStart(_, ctx) {
      const member = isLogic(worker)
        ? (ctx.spawn(worker, { id: 'worker', link: true }) as Performer<TInput, TOutput>)
        : worker;
      for (;;) {
        const claim = { type: 'claim', by: ctx.self } as const;
        const claimed = yield* askAgain(() => ctx.ask(board, claim, { timeoutMs: Infinity }));
        yield* work(claimed, member, board, ctx);
      }
    },
    receive: () => undefined,
  });
}

function* work<TInput, TOutput>(
  { task, token, leaseMs, timeoutMs, budget }: ClaimedTask,
  worker: Performer<TInput, TOutput>,
  board: ClaimsRef,
  ctx: AgentContext<EventObject>,
): Waits<void> {
  const { id: taskId } = task;
  const run = new TaskRun(ctx, task, undefined);
  const call = run.start(worker, task as Task<TInput>, { timeoutMs, budget });
  while (!call.settled) {
    const waits: Wait<unknown>[] = [call.wait!];
    yield* ctx.any(leaseMs < Infinity ? [...waits, ctx.sleep(leaseMs / 3)] : waits);
    if (call.settled) break;
    const { isHeld } = yield* askAgain(() => ctx.ask(board, { type: 'renew', taskId, token }));
    if (!isHeld) call.cancel('the lease is lost');
  }
  const outcome = yield* call.outcome();
  yield* askAgain(() => ctx.ask(board, { type: 'complete', taskId, token, outcome }));
}
