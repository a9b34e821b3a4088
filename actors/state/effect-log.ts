/**
 * The effect log: what has been done for a task, recorded once. Work that is done again, after a
 * crash of whomever, finds there what it has finished, and goes on behind it.
 */
import {
  fromHandler,
  type AgentName,
  type HandlerLogic,
  type Ref,
  type ReplyTo,
  type Wait,
} from '../../runtime/index.ts';
import { TaskFailed } from '../failure.ts';
import { Journal } from '../journal.ts';
import { MemoryJournalStore, SequenceConflict, type JournalStore } from '../journal-store.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { TaskRun } from '../run.ts';

/** What is known of an effect. Begun and not done: nobody knows whether it has come to pass. */
export type EffectRecord =
  | { readonly type: 'new' }
  | { readonly type: 'begun' }
  | { readonly type: 'done'; readonly value: unknown };

/** What an effect log takes; it answers what it knew before, and records only what is further than that. */
export type EffectLogEvent = {
  readonly type: 'look' | 'begin' | 'finish';
  readonly effect: string;
  readonly value?: unknown;
  readonly replyTo: ReplyTo<EffectRecord>;
};
export type EffectLogRef = Ref<EffectLogEvent> | AgentName<Ref<EffectLogEvent>>;
export type EffectLogLogic = HandlerLogic<unknown, EffectLogEvent>;

type Recorded = { readonly effect: string; readonly record: EffectRecord };
type Effects = ReadonlyMap<string, EffectRecord>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;

/** How an effect is done once. */
export interface OnceOptions {
  /**
   * What becomes of an effect that was begun and of which nobody knows whether it has come to pass:
   * it is done again under the same idempotency key, or the task fails with `effect: 'unknown'`.
   * Default `again`.
   */
  readonly ifUnknown?: 'again' | 'fail';
}

/** Makes the logic of an effect log; `key` names its journal. Default: a store in memory. Throws `InvalidOption`. */
export function effectLog(
  key: string,
  { store = new MemoryJournalStore() }: { readonly store?: JournalStore } = {},
): EffectLogLogic {
  const open = (): Journal<Effects, Recorded> =>
    new Journal<Effects, Recorded>({
      store,
      key,
      initial: new Map(),
      fold: (effects, { effect, record }) => new Map(effects).set(effect, record),
    });
  open();
  return fromHandler<Journal<Effects, Recorded>, EffectLogEvent>({
    initial: open,
    *start(journal, ctx) {
      yield* journal.open(ctx);
    },
    *receive(journal, event, ctx) {
      const { effect, type, value } = event;
      for (let conflicts = 0; ; conflicts += 1) {
        const known = journal.state.get(effect) ?? { type: 'new' };
        const record: EffectRecord =
          type === 'finish' ? { type: 'done', value } : { type: 'begun' };
        const isFurther = type !== 'look' && known.type !== 'done' && known.type !== record.type;
        try {
          if (isFurther) yield* journal.append(ctx, [{ effect, record }]);
          ctx.reply(event, known);
          return;
        } catch (error) {
          const isAnew =
            error instanceof SequenceConflict && conflicts < ACTORS_LIMITS.conflictRetries;
          if (!isAnew) throw error;
        }
      }
    },
  }) as unknown as EffectLogLogic;
}

/**
 * Does something once for a task, whoever does the task and however often it is begun: when it has
 * been finished, its result is given and nothing is done. The task's `id` must be the same each time.
 *
 * @example
 * ```ts
 * import { effectLog, once } from 'troupe/actors';
 *
 * const log = system.spawn(effectLog('orders'), { id: 'effects' });
 * const order = performer('order', function* (task: Task<string>, run) {
 *   return yield* once(run, log, 'charge', (key) =>
 *     run.effect('charge', async () => `charged ${task.input} under ${key}`),
 *   );
 * });
 * ```
 *
 * What it throws is not recorded. Throws `TaskFailed` where `ifUnknown` says so.
 */
export function* once<T>(
  run: TaskRun,
  log: EffectLogRef,
  name: string,
  work: (
    idempotencyKey: string,
  ) => Iterable<Wait<unknown>> & { [Symbol.iterator](): Iterator<Wait<unknown>, T, unknown> },
  { ifUnknown = 'again' }: OnceOptions = {},
): Waits<T> {
  const effect = `${run.task.id}/${name}`;
  const tell = (type: EffectLogEvent['type'], value?: unknown): Waits<EffectRecord> =>
    run.ctx.ask(log, { type, effect, value }, { timeoutMs: run.remainingMs }) as never;
  const known = yield* tell(ifUnknown === 'fail' ? 'begin' : 'look');
  if (known.type === 'done') {
    run.decide(`${name} is not done again`, 'it is in the log of effects', { effect });
    return known.value as T;
  }
  if (known.type === 'begun' && ifUnknown === 'fail') {
    const message = `${name}: it was begun before, and nobody knows whether it has come to pass`;
    throw new TaskFailed({
      kind: 'crash',
      message,
      effect: 'unknown',
      retry: { retryable: false },
    });
  }
  const value: T = yield* work(effect);
  const first = yield* tell('finish', value);
  // Somebody who works on the same task was faster: there is one result, and that is it.
  return first.type === 'done' ? (first.value as T) : value;
}
