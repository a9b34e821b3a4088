/**
 * The desk of an overseer: it says who does what next, and which result counts. It does nothing
 * itself. Whoever works on a task asks for the next step, and brings along what came of the last one;
 * to ask again is always safe, so a desk that was killed in between is simply asked once more.
 *
 * All that it knows is the fold of its journal, which is written before anybody is told.
 */
import {
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Monitor,
  type Ref,
  type ReplyTo,
  type Wait,
} from '../../runtime/index.ts';
import {
  EMPTY_BOARD,
  boardAfter,
  holds,
  type Attempt,
  type Board,
  type Lease,
  type WorkEvent,
  type WorkItem,
} from '../board.ts';
import { SequenceConflict, type JournalStore } from '../journal-store.ts';
import { Journal } from '../journal.ts';
import { marginOf } from '../limits.ts';
import type { Outcome } from '../task.ts';
import { isOwn, streakAfter, type BreakerOptions } from './breaker.ts';
import { isAttempt, nextStep, type LadderStep } from './ladder.ts';

/** What a desk goes by. */
export interface DeskPlan {
  readonly workers: readonly string[];
  /** Tasks that each worker has at a time. */
  readonly perWorker: number;
  readonly steps: readonly LadderStep<never, unknown>[];
  readonly attemptMs: number;
  readonly breaker: BreakerOptions;
}

/** Asks for the next step of a task. */
export interface NextStep {
  readonly type: 'next';
  readonly id: string;
  readonly digest: string;
  /** Who works on it; with its life its lease ends. */
  readonly by: AnyRef;
  /** What came of the step before. */
  readonly result?: { readonly token: number; readonly outcome: Outcome };
  readonly replyTo: ReplyTo<Turn>;
}
/** The answer, which may take until a worker is free. */
export type Turn =
  | {
      readonly type: 'lease';
      readonly lease: Lease;
      readonly attempts: readonly Attempt[];
      readonly why: string;
    }
  | { readonly type: 'ended'; readonly outcome: Outcome }
  /** Under this id there is other work. */
  | { readonly type: 'refused' };
export type DeskRef = Ref<NextStep>;

type Received =
  | NextStep
  | { readonly type: 'expired'; readonly id: string; readonly token: number }
  | { readonly type: 'wake' }
  | Down;
type Ctx = AgentContext<Received>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/** Makes the logic of a desk, which keeps its journal in the store under the key. */
export function desk(plan: DeskPlan, store: JournalStore, key: string) {
  return fromHandler({
    initial: () => new Desk(plan, store, key),
    start: (state: Desk, ctx: Ctx) => state.start(ctx),
    receive: (state: Desk, event: Received, ctx: Ctx) => state.receive(event, ctx),
  });
}

/** What a desk knows. */
interface Known {
  readonly board: Board;
  /** Leases that each worker has. */
  readonly loads: ReadonlyMap<string, number>;
  /** Failures in a row of each worker. */
  readonly streaks: ReadonlyMap<string, number>;
}

function fold({ board, loads: before, streaks: earlier }: Known, event: WorkEvent): Known {
  const loads = new Map(before);
  const streaks = new Map(earlier);
  const add = (worker: string, leases: number) =>
    loads.set(worker, (loads.get(worker) ?? 0) + leases);
  const worker = board.items.get(event.id)?.lease?.worker;
  if (event.type === 'leased' && event.lease.worker !== undefined) add(event.lease.worker, 1);
  else if ('token' in event && holds(board, event.id, event.token) && worker !== undefined) {
    add(worker, -1);
    const failure = event.type === 'lapsed' ? event.failure : undefined;
    if (event.type === 'ended' || failure !== undefined)
      streaks.set(worker, streakAfter(streaks.get(worker) ?? 0, failure));
  }
  return { board: boardAfter(board, event), loads, streaks };
}

interface Waiting {
  readonly request: NextStep;
  /** When its task ends, by the clock. */
  readonly deadlineMs: number;
}

class Desk {
  readonly #plan: DeskPlan;
  readonly #journal: Journal<Known, WorkEvent>;
  /** Until then a worker whose breaker is open gets nothing. */
  readonly #openUntilMs = new Map<string, number>();
  /** Not before then, as the failure of the last attempt asks for. */
  readonly #notBeforeMs = new Map<string, number>();
  readonly #holders = new Map<string, { readonly id: string; readonly watch: Monitor }>();
  #waiting: readonly Waiting[] = [];

  constructor(plan: DeskPlan, store: JournalStore, key: string) {
    const initial = { board: EMPTY_BOARD, loads: new Map(), streaks: new Map() };
    this.#plan = plan;
    this.#journal = new Journal({ store, key, initial, fold });
  }

  get #board(): Board {
    return this.#journal.state.board;
  }

  *start(ctx: Ctx): Waits<void> {
    yield* this.#journal.open(ctx);
    for (const { id, lease } of this.#board.items.values()) if (lease) expectEnd(id, lease, ctx);
    for (const id of this.#plan.workers) this.#noteBreaker(id, ctx);
  }

  *receive(event: Received, ctx: Ctx): Waits<void> {
    if (event.type === 'next') this.#enter(event, ctx);
    if (event.type === 'troupe.down')
      this.#waiting = this.#waiting.filter(
        ({ request }) => request.by.address !== event.ref.address,
      );
    for (;;) {
      try {
        yield* this.#note(event, ctx);
        yield* this.#serve(ctx);
        return;
      } catch (error) {
        // Another desk has this journal, too, and was faster: what it did is known now.
        if (!(error instanceof SequenceConflict)) throw error;
      }
    }
  }

  #enter(request: NextStep, ctx: Ctx): void {
    const { id, by, result } = request;
    ctx.defer(request);
    if (!this.#holders.has(by.address))
      this.#holders.set(by.address, { id, watch: ctx.monitor(by) });
    const waiting = { request, deadlineMs: ctx.now() + ctx.remainingMs };
    // What has begun goes before what has not.
    this.#waiting = result ? [waiting, ...this.#waiting] : [...this.#waiting, waiting];
  }

  /** What an event says of the present lease of its work; what it says of a former one does not count. */
  *#note(event: Received, ctx: Ctx): Waits<void> {
    switch (event.type) {
      case 'next':
        // Whoever had this place before may have written on until now.
        yield* this.#journal.catchUp(ctx);
        if (event.result !== undefined) yield* this.#end(event.id, event.result, ctx);
        break;
      case 'expired':
        if (holds(this.#board, event.id, event.token)) {
          yield* this.#lapse(event.id, ctx);
          yield* this.#drop(event.id, ctx);
        }
        break;
      case 'troupe.down': {
        const { address } = event.ref;
        const id = this.#holders.get(address)?.id ?? '';
        const item = this.#board.items.get(id);
        if (item?.lease?.holder === address) yield* this.#lapse(id, ctx);
        if (item?.outcome === undefined) yield* this.#drop(id, ctx);
        this.#holders.delete(address);
        break;
      }
      case 'wake':
        break;
    }
  }

  *#end(id: string, { token, outcome }: NonNullable<NextStep['result']>, ctx: Ctx): Waits<void> {
    if (!holds(this.#board, id, token)) return;
    const { step = 0, worker } = this.#board.items.get(id)!.lease!;
    if (outcome.status !== 'failed' || this.#plan.steps[step]!.type === 'giveUp') {
      yield* this.#journal.append(ctx, [{ type: 'ended', id, token, outcome }]);
    } else {
      const { failure } = outcome;
      yield* this.#journal.append(ctx, [{ type: 'lapsed', id, token, failure }]);
      const { afterMs = 0 } = failure.retry;
      if (afterMs > 0) this.#notBeforeMs.set(id, ctx.now() + afterMs);
      if (worker !== undefined) this.#noteBreaker(worker, ctx);
    }
    ctx.cancel(timerOf(id));
  }

  /** Nobody can tell how it went: it is as if it had not been tried. */
  *#lapse(id: string, ctx: Ctx): Waits<void> {
    const { token } = this.#board.items.get(id)!.lease!;
    yield* this.#journal.append(ctx, [{ type: 'lapsed', id, token }]);
    ctx.cancel(timerOf(id));
  }

  /** Forgets work that has not ended and that nobody asks for. */
  *#drop(id: string, ctx: Ctx): Waits<void> {
    const item = this.#board.items.get(id);
    if (item === undefined || item.lease !== undefined) return;
    if (this.#waiting.some(({ request }) => request.id === id)) return;
    this.#notBeforeMs.delete(id);
    yield* this.#journal.append(ctx, [{ type: 'dropped', id }]);
  }

  /** Answers all who wait and can go on. */
  *#serve(ctx: Ctx): Waits<void> {
    for (const waiting of this.#waiting) {
      const turn = yield* this.#turnFor(waiting, ctx);
      if (turn === undefined) continue;
      const { request } = waiting;
      this.#waiting = this.#waiting.filter((each) => each !== waiting);
      ctx.reply(request, turn);
      const holder = this.#holders.get(request.by.address);
      if (turn.type === 'lease' || holder === undefined) continue;
      ctx.demonitor(holder.watch);
      this.#holders.delete(request.by.address);
    }
    if (this.#waiting.length === 0) return;
    const times = [...this.#notBeforeMs.values(), ...this.#openUntilMs.values()];
    const wakeMs = Math.min(...times.filter((timeMs) => timeMs > ctx.now()));
    if (wakeMs < Infinity) ctx.after(wakeMs - ctx.now(), { type: 'wake' }, { id: 'wake' });
  }

  *#turnFor({ request, deadlineMs }: Waiting, ctx: Ctx): Waits<Turn | undefined> {
    const { id, digest, by } = request;
    if (!this.#board.items.has(id))
      yield* this.#journal.append(ctx, [{ type: 'accepted', id, digest }]);
    const item = this.#board.items.get(id)!;
    const { attempts, lease: present, outcome } = item;
    if (item.digest !== digest) return { type: 'refused' };
    if (outcome !== undefined) return { type: 'ended', outcome };
    if (present !== undefined) {
      if (present.holder !== by.address) return undefined;
      return { type: 'lease', lease: present, attempts, why: 'the desk was asked again' };
    }
    const nowMs = ctx.now();
    if ((this.#notBeforeMs.get(id) ?? 0) > nowMs) return undefined;
    const step = nextStep(this.#plan.steps, attempts);
    const choice = this.#choose(item, this.#plan.steps[step]!, nowMs);
    if (choice === undefined) return undefined;
    const { why, ...who } = choice;
    const { attemptMs } = this.#plan;
    const termMs =
      who.worker === undefined ? deadlineMs - nowMs : attemptMs + 2 * marginOf(attemptMs);
    const lease = { token: this.#board.token + 1, holder: by.address, ...who, step, termMs };
    yield* this.#journal.append(ctx, [{ type: 'leased', id, lease }]);
    this.#notBeforeMs.delete(id);
    expectEnd(id, lease, ctx);
    return { type: 'lease', lease, attempts, why };
  }

  /** Who takes a step, and why; undefined when it must wait for somebody. */
  #choose(
    { attempts }: WorkItem,
    step: LadderStep<never, unknown>,
    nowMs: number,
  ): (Pick<Lease, 'worker' | 'strategy'> & { readonly why: string }) | undefined {
    const last = attempts.findLast(({ failure }) => failure !== undefined);
    const { failure } = last ?? {};
    const trouble = failure === undefined ? '' : `${failure.kind}: ${failure.message}; `;
    if (!isAttempt(step)) return { why: `${trouble}${step.type}` };
    const free = this.#plan.workers.filter((id) => this.#isFree(id, nowMs));
    const strategy =
      step.type === 'strategy' ? step.name : step.type === 'retry' ? last?.strategy : undefined;
    const how = strategy === undefined ? {} : { strategy };
    const isSame = step.type === 'retry' || step.type === 'strategy';
    const what = step.type === 'strategy' ? `strategy "${step.name}"` : step.type;
    if (isSame && failure !== undefined && !isOwn(failure) && free.includes(last?.worker ?? ''))
      return { worker: last!.worker!, ...how, why: `${trouble}${what} by the same worker` };
    const allowed = last === undefined ? this.#plan.workers : this.#others(attempts);
    const [worker, ...others] = free
      .filter((id) => allowed.includes(id))
      .toSorted((left, right) => this.#loadOf(left) - this.#loadOf(right));
    if (worker === undefined) return undefined;
    const among = `the least loaded of ${[worker, ...others].map((id) => `${id}: ${this.#loadOf(id)}`).join(', ')}`;
    return { worker, ...how, why: `${trouble}${what} by ${among}` };
  }

  /** The workers that have not tried it; if all have, those but the last one; if there is one only, that. */
  #others(attempts: readonly Attempt[]): readonly string[] {
    const { workers } = this.#plan;
    const fresh = workers.filter((id) => !attempts.some(({ worker }) => worker === id));
    if (fresh.length > 0) return fresh;
    const others = workers.filter((id) => id !== attempts.at(-1)?.worker);
    return others.length > 0 ? others : workers;
  }

  #isFree(id: string, nowMs: number): boolean {
    const load = this.#loadOf(id);
    if (!this.#isOpen(id)) return load < this.#plan.perWorker;
    return nowMs >= (this.#openUntilMs.get(id) ?? 0) && load === 0;
  }

  #isOpen(id: string): boolean {
    return (this.#journal.state.streaks.get(id) ?? 0) >= this.#plan.breaker.failuresMax;
  }

  #noteBreaker(id: string, ctx: Ctx): void {
    if (this.#isOpen(id)) this.#openUntilMs.set(id, ctx.now() + this.#plan.breaker.openMs);
  }

  #loadOf(id: string): number {
    return this.#journal.state.loads.get(id) ?? 0;
  }
}

function timerOf(id: string): string {
  return `lease:${id}`;
}

function expectEnd(id: string, { token, termMs }: Lease, ctx: Ctx): void {
  if (termMs < Infinity) ctx.after(termMs, { type: 'expired', id, token }, { id: timerOf(id) });
}
