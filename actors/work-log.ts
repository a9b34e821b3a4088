/**
 * The work log: an agent that knows what is finished, by key, so that work which is wanted again
 * gives what it gave before: a list after a crash, an event that is delivered twice.
 *
 *     claim -> finished: its output
 *           -> free: yours, until you finish it or end
 *           -> somebody is at it: you wait for what comes of that
 */
import {
  fromHandler,
  type AgentContext,
  type AgentName,
  type AnyRef,
  type Down,
  type Exit,
  type HandlerLogic,
  type Monitor,
  type Ref,
  type ReplyTo,
  type Wait,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { Journal } from './journal.ts';
import { MemoryJournalStore, SequenceConflict, type JournalStore } from './journal-store.ts';
import { ACTORS_LIMITS } from './limits.ts';
import type { TaskRun } from './run.ts';

/** What a work log takes. */
export type WorkLogEvent =
  | {
      readonly type: 'claim';
      readonly key: string;
      readonly by: AnyRef;
      readonly replyTo: ReplyTo<{
        readonly type: 'claimed';
        /** What it gave, when it is finished; otherwise it is yours to do. */
        readonly finished?: { readonly output: unknown };
        readonly log: AnyRef;
      }>;
    }
  | {
      readonly type: 'finish';
      readonly key: string;
      readonly output: unknown;
      readonly replyTo: ReplyTo<{ readonly type: 'finished'; readonly output: unknown }>;
    };
export type WorkLogRef = Ref<WorkLogEvent> | AgentName<Ref<WorkLogEvent>>;

/** What a work log can be told. */
export interface WorkLogOptions {
  /** Default a store in memory, which every life of the logic shares. */
  readonly store?: JournalStore;
  /** Names the journal in the store; default `work`. */
  readonly key?: string;
}

interface Finished {
  readonly key: string;
  readonly output: unknown;
}
type Claim = Extract<WorkLogEvent, { readonly type: 'claim' }>;
type Finish = Extract<WorkLogEvent, { readonly type: 'finish' }>;
type Received = WorkLogEvent | Down | Exit;
type Ctx = AgentContext<Received>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

interface LogState {
  readonly journal: Journal<Map<string, unknown>, Finished>;
  /** Who is at which work, and who waits for that. */
  readonly claims: Map<string, { readonly by: AnyRef; watch: Monitor; readonly waiting: Claim[] }>;
}

/** The logic of a work log. */
export type WorkLogLogic = HandlerLogic<unknown, WorkLogEvent>;

/**
 * Makes the logic of a work log. It remembers all that was finished: one log for each list of work.
 * Throws `InvalidOption`.
 */
export function workLog(options: WorkLogOptions = {}): WorkLogLogic {
  checkOptions(options, ['store', 'key'], 'workLog');
  const { store = new MemoryJournalStore(), key = 'work' } = options;
  const { workSnapshotEvery: snapshotEvery } = ACTORS_LIMITS;
  // The map is this journal's own, and what is set twice is the same: a copy for each event would
  // make a long list slow.
  const fold = (outputs: Map<string, unknown>, done: Finished) =>
    outputs.set(done.key, done.output);
  const logic = fromHandler<LogState, Received>({
    initial: () => ({
      journal: new Journal({ store, key, initial: new Map(), fold, snapshotEvery }),
      claims: new Map(),
    }),
    *start({ journal }, ctx) {
      // Claimants are linked with it, so that they end with it; it does not end with them.
      ctx.trapExit(true);
      yield* journal.open(ctx);
    },
    *receive(state, event, ctx) {
      switch (event.type) {
        case 'claim':
          return claim(state, event, ctx);
        case 'finish':
          return yield* finish(state, event, ctx);
        case 'troupe.down':
          for (const [key, { by, waiting }] of state.claims) {
            if (by.address !== event.ref.address) continue;
            state.claims.delete(key);
            for (const each of waiting) claim(state, each, ctx);
          }
          return;
        case 'troupe.exit':
          // Its `Down` says the same.
          return;
      }
    },
  });
  return logic as unknown as WorkLogLogic;
}

/**
 * Does work under a key, unless it is finished: then it gives what it gave. While somebody else is at
 * it, it waits for that. Throws what the work throws; then the work is free again.
 *
 * An effect of the work can still happen twice, when it is done and a crash comes before the log has
 * it: give the key along with it.
 *
 * @example
 * ```ts
 * const log = system.spawn(workLog());
 * const summarise = performer('summarise', ({ input }: Task<{ id: string; text: string }>, run) =>
 *   once(run, log, input.id, function* () {
 *     yield* run.sleep(100);
 *     return input.text.slice(0, 80);
 *   }),
 * );
 * ```
 */
export function* once<T>(
  run: TaskRun,
  log: WorkLogRef,
  key: string,
  work: () => Generator<Wait<unknown>, T, unknown>,
): Generator<Wait<unknown>, T, unknown> {
  const { ctx } = run;
  const claimed = yield* ctx.ask(log, { type: 'claim', key, by: ctx.self }, timeOf(run));
  if (claimed.finished !== undefined) {
    run.decide('take what was finished before', 'it is in the work log', { key });
    return claimed.finished.output as T;
  }
  // Without the log's life there is no claim, and somebody else might be given it.
  ctx.link(claimed.log);
  const output = yield* work();
  const finish = { type: 'finish', key, output } as const;
  const finished = yield* ctx.ask(claimed.log as Ref<WorkLogEvent>, finish, timeOf(run));
  ctx.unlink(claimed.log);
  return finished.output as T;
}

function timeOf({ remainingMs }: TaskRun): { readonly timeoutMs: number } {
  return { timeoutMs: Math.max(0, remainingMs) };
}

function claim({ journal, claims }: LogState, request: Claim, ctx: Ctx): void {
  const { key, by } = request;
  if (journal.state.has(key)) {
    const finished = { output: journal.state.get(key) };
    return ctx.reply(request, { type: 'claimed', finished, log: ctx.self });
  }
  const held = claims.get(key);
  if (held !== undefined && held.by.address !== by.address) {
    ctx.defer(request);
    held.waiting.push(request);
    return;
  }
  if (held === undefined) claims.set(key, { by, watch: ctx.monitor(by), waiting: [] });
  ctx.reply(request, { type: 'claimed', log: ctx.self });
}

function* finish(state: LogState, request: Finish, ctx: Ctx): Waits<void> {
  const { journal, claims } = state;
  const { key, output } = request;
  while (!journal.state.has(key)) {
    try {
      yield* journal.append(ctx, [{ key, output }]);
    } catch (error) {
      // Another log of the same journal was faster; what it has finished is known by now.
      if (!(error instanceof SequenceConflict)) throw error;
    }
  }
  ctx.reply(request, { type: 'finished', output: journal.state.get(key) });
  const held = claims.get(key);
  if (held === undefined) return;
  claims.delete(key);
  ctx.demonitor(held.watch);
  for (const each of held.waiting) claim(state, each, ctx);
}
