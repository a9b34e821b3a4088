/**
 * Shared state: one agent owns it, in four compartments. Each value has a version, and a write says
 * which versions it has seen: of two that have not seen each other the second is told, and neither
 * is lost. All of it is the fold of a journal.
 *
 *     write: allowed? -> unseen versions? -> fits? -> journal -> written
 *                \ AccessDenied    \ conflict   \ invalidInput
 */
import {
  fromHandler,
  type AgentContext,
  type HandlerLogic,
  type ReplyTo,
  type Wait,
} from '../../runtime/index.ts';
import { cellOf, checkOptions } from '../../runtime/internal.ts';
import { Journal } from '../journal.ts';
import { MemoryJournalStore, SequenceConflict, type JournalStore } from '../journal-store.ts';
import { TaskFailed } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { fit } from '../schema.ts';
import {
  AccessDenied,
  COMPARTMENTS,
  agentOf,
  checkCompartment,
  checkRules,
  isAllowed,
  type AccessRule,
  type Asker,
  type Compartment,
  type CompartmentName,
} from './compartment.ts';
import { bare, labelOf, type Classification, type Labelled } from './label.ts';

/** The values of the compartments, by compartment and key. */
export type Shape = Readonly<Record<CompartmentName, object>>;
/** Values whose types nobody has said. */
export type Values = Readonly<Record<string, unknown>>;

/** A value as it was written, with or without a label. */
export interface Item<T = unknown> {
  readonly value: T | Labelled<T>;
  readonly label: Classification;
  /** Grows with each write of the whole state, and never comes again. */
  readonly version: number;
  /** The address of who wrote it. */
  readonly by: string;
  /** The clock's wall time, in milliseconds. */
  readonly atMs: number;
  /** Whose data it is. */
  readonly subject?: string;
}
export type Items<TValues> = { readonly [K in keyof TValues]?: Item<Present<TValues[K]>> };
export type Present<T> = Exclude<T, undefined>;

/** One value to be written. */
export type Change<TShape extends Shape> = {
  [C in CompartmentName]: ChangeOf<C, TShape[C]>;
}[CompartmentName];
type ChangeOf<C, TValues> = {
  [K in keyof TValues]-?: {
    readonly compartment: C;
    /** Without a key it is appended, under the number of its version. */
    readonly key?: K;
    readonly value: Present<TValues[K]> | Labelled<Present<TValues[K]>>;
    /** The version that was read; 0 for a key that was not there. Left out only when appending. */
    readonly expected?: number;
    /** Whose data it is: it can be erased by that. */
    readonly subject?: string;
  };
}[keyof TValues];

/** A value that was written by somebody else since it was read. */
export interface Conflict {
  readonly compartment: CompartmentName;
  readonly key: string;
  readonly expected: number;
  readonly actual: number;
  /** Who wrote it. */
  readonly by: string | undefined;
}

/** How a write ended: all of it is there, or nothing. */
export type Written =
  | { readonly type: 'written'; readonly version: number }
  | { readonly type: 'conflict'; readonly conflicts: readonly Conflict[] };
/** What was read; what the reader may not see is named in `withheld`. */
export interface ReadItems<TShape extends Shape> {
  readonly type: 'items';
  readonly items: { readonly [C in CompartmentName]?: Items<TShape[C]> };
  readonly withheld: readonly string[];
}

/** What shared state takes. */
export type StateEvent<TShape extends Shape> =
  | {
      readonly type: 'read';
      readonly compartment: CompartmentName;
      readonly replyTo: ReplyTo<ReadItems<TShape>>;
    }
  | {
      readonly type: 'write';
      readonly changes: readonly Change<TShape>[];
      /** The same again is not written again: it is answered as before. */
      readonly writeId?: string;
      readonly replyTo: ReplyTo<Written>;
    }
  /** Takes all that belongs to a subject out of the state and of its journal. */
  | {
      readonly type: 'erase';
      readonly subject: string;
      readonly replyTo: ReplyTo<{ readonly type: 'erased'; readonly events: number }>;
    };
declare const holds: unique symbol;
export type SharedStateLogic<TShape extends Shape> = HandlerLogic<unknown, StateEvent<TShape>> & {
  readonly [holds]: TShape;
};
/** What the logic of shared state holds. */
export type ShapeOf<TLogic> = TLogic extends SharedStateLogic<infer TShape> ? TShape : never;

/** The parts of shared state. */
export interface SharedStateOptions<TConversation, TResults, TUser, TWorkflow> {
  /** Default: in memory, for as long as this logic is there. */
  readonly store?: JournalStore;
  /** What was said. */
  readonly conversation?: Compartment<TConversation>;
  /** What was found out. */
  readonly results?: Compartment<TResults>;
  /** Who it is for: what nobody should have to be asked twice. */
  readonly user?: Compartment<TUser>;
  /** How far the work is. */
  readonly workflow?: Compartment<TWorkflow>;
  /** Who may erase a subject; default: code outside agents. */
  readonly erase?: readonly AccessRule[];
  /** The version of the values; default 1. */
  readonly version?: number;
  /** Turns a value of an older version into one of this version; without it an older one is refused. */
  readonly migrate?: (
    place: { readonly compartment: CompartmentName; readonly key: string | undefined },
    value: unknown,
    fromVersion: number,
  ) => unknown;
  /** Events from one snapshot to the next; default 100. */
  readonly snapshotEvery?: number;
}

const KEYS = [...COMPARTMENTS, 'store', 'erase', 'version', 'migrate', 'snapshotEvery'];

/** What has happened. */
type StateChanged =
  | (Omit<Item, 'version' | 'label'> & {
      readonly type: 'put';
      readonly compartment: CompartmentName;
      readonly key: string | undefined;
      readonly writeId: string | undefined;
    })
  /** What it said has been erased. */
  | { readonly type: 'gone'; readonly compartment: CompartmentName; readonly key: string };

/** The state of the owner: the fold of its journal. */
interface Held {
  readonly items: Readonly<Record<CompartmentName, Readonly<Record<string, Item>>>>;
  /** The version that each of the latest writes had, by its id. */
  readonly writes: Readonly<Record<string, number>>;
  /** The time of the oldest event that still says something. */
  readonly oldestMs: Readonly<Partial<Record<CompartmentName, number>>>;
}
type Owned = Journal<Held, StateChanged>;
type AnyChange = {
  readonly compartment: CompartmentName;
  readonly key?: string;
  readonly value: unknown;
  readonly expected?: number;
  readonly subject?: string;
};
type Received = StateEvent<Shape> | { readonly type: 'sweep' };
type Ctx = AgentContext<Received>;
type Waits<T> = Generator<Wait<unknown>, T, unknown>;
type Options = SharedStateOptions<object, object, object, object>;

const NOTHING: Held = {
  items: { conversation: {}, results: {}, user: {}, workflow: {} },
  writes: {},
  oldestMs: {},
};

/**
 * Makes the logic of shared state; `key` names its journal in the store.
 *
 * @example
 * ```ts
 * import { sharedState, stateOf } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const desk = sharedState('ticket-17', {
 *   user: {
 *     schema: z.object({ name: z.string(), plan: z.string() }).partial(),
 *     write: [{ agents: ['/crm'], upTo: 'confidential' }],
 *   },
 * });
 * const ref = system.spawn(desk, { id: 'state' });
 * const crm = performer('crm', function* (task: Task<string>, run) {
 *   yield* stateOf(run, ref).update('user', 'name', () => task.input, { subject: 'customer-17' });
 * });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function sharedState<
  TConversation extends object = Values,
  TResults extends object = Values,
  TUser extends object = Values,
  TWorkflow extends object = Values,
>(
  key: string,
  options: SharedStateOptions<TConversation, TResults, TUser, TWorkflow> = {},
): SharedStateLogic<{
  readonly conversation: TConversation;
  readonly results: TResults;
  readonly user: TUser;
  readonly workflow: TWorkflow;
}> {
  checkOptions(options, KEYS, 'sharedState');
  for (const name of COMPARTMENTS) checkCompartment(name, options[name] ?? {});
  checkRules('sharedState.erase', options.erase);
  const { store = new MemoryJournalStore(), version, migrate, snapshotEvery } = options;
  const open = (): Owned =>
    new Journal<Held, StateChanged>({
      store,
      key,
      initial: NOTHING,
      fold,
      ...(version !== undefined && { version }),
      ...(migrate !== undefined && {
        migrate: (event, from) => {
          const changed = event as StateChanged;
          if (changed.type === 'gone') return changed;
          return { ...changed, value: migrate(changed, changed.value, from) };
        },
      }),
      ...(snapshotEvery !== undefined && { snapshotEvery }),
    });
  open();
  const logic = fromHandler<Owned, Received>({
    initial: open,
    *start(journal, ctx) {
      yield* journal.open(ctx);
      scheduleSweep(journal, options, ctx);
    },
    *receive(journal, event, ctx) {
      if (event.type === 'sweep') yield* sweep(journal, options, ctx);
      else {
        try {
          yield* serve(journal, event, options, ctx);
        } catch (error) {
          // Who asked for what cannot be is told; it is no reason to crash.
          if (!(error instanceof AccessDenied || error instanceof TaskFailed)) throw error;
          ctx.fail(event, error);
        }
      }
      scheduleSweep(journal, options, ctx);
    },
  });
  return logic as unknown as ReturnType<
    typeof sharedState<TConversation, TResults, TUser, TWorkflow>
  >;
}

function* serve(journal: Owned, event: StateEvent<Shape>, options: Options, ctx: Ctx): Waits<void> {
  const asker = { chain: ctx.chain, node: ctx.self.node };
  switch (event.type) {
    case 'read':
      ctx.reply(event, read(journal.state, event.compartment, options, asker));
      break;
    case 'write':
      ctx.reply(event, yield* write(journal, event, options, asker, ctx));
      break;
    case 'erase': {
      const { subject } = event;
      const rules = options.erase ?? [{ agents: ['/'] }];
      if (!isAllowed(rules, asker, 'public')) throw denied(`erase "${subject}"`, asker);
      const events = yield* journal.redact(ctx, (put, seq) =>
        put.type === 'put' && put.subject === subject ? goneOf(put, seq) : undefined,
      );
      ctx.reply(event, { type: 'erased', events });
      break;
    }
  }
}

function read(
  { items }: Held,
  name: CompartmentName,
  options: Options,
  asker: Asker,
): ReadItems<Shape> {
  const rules = options[name]?.read;
  if (!COMPARTMENTS.includes(name) || !isAllowed(rules, asker, 'public')) {
    throw denied(`read ${name}`, asker);
  }
  const all = Object.entries(items[name]);
  const seen = all.filter(([, { label }]) => isAllowed(rules, asker, label));
  const withheld = all.filter((entry) => !seen.includes(entry)).map(([key]) => key);
  return { type: 'items', items: { [name]: Object.fromEntries(seen) }, withheld };
}

function* write(
  journal: Owned,
  { changes, writeId }: Extract<StateEvent<Shape>, { readonly type: 'write' }>,
  options: Options,
  asker: Asker,
  ctx: Ctx,
): Waits<Written> {
  for (const { compartment, value } of changes as readonly AnyChange[]) {
    const label = labelOf(value);
    if (isAllowed(options[compartment]?.write, asker, label)) continue;
    throw denied(`write ${compartment}`, asker, label);
  }
  checkValues(changes, options);
  const atMs = wallMs(ctx);
  const puts = (changes as readonly AnyChange[]).map(
    ({ compartment, key, value, subject }): StateChanged => ({
      type: 'put',
      compartment,
      key,
      value,
      by: agentOf(asker),
      atMs,
      writeId,
      ...(subject !== undefined && { subject }),
    }),
  );
  for (let conflicts = 0; ; conflicts += 1) {
    const before = writeId === undefined ? undefined : ownOf(journal.state.writes, writeId);
    if (before !== undefined) return { type: 'written', version: before };
    const unseen = conflictsOf(journal.state, changes);
    if (unseen.length > 0) return { type: 'conflict', conflicts: unseen };
    try {
      yield* journal.append(ctx, puts);
      return { type: 'written', version: journal.seq };
    } catch (error) {
      // Another owner has written to the same journal, and this one has caught up: decide anew.
      const isAnew = error instanceof SequenceConflict && conflicts < ACTORS_LIMITS.conflictRetries;
      if (!isAnew) throw error;
    }
  }
}

/** What was written since the writer has read it. */
function conflictsOf({ items }: Held, changes: readonly AnyChange[]): Conflict[] {
  return changes.flatMap(({ compartment, key, expected = 0 }) => {
    const item = key === undefined ? undefined : ownOf(items[compartment], key);
    const actual = item?.version ?? 0;
    if (key === undefined || actual === expected) return [];
    return [{ compartment, key, expected, actual, by: item?.by }];
  });
}

function checkValues(changes: readonly AnyChange[], options: Options): void {
  for (const name of COMPARTMENTS) {
    const values = changes
      .filter(({ compartment }) => compartment === name)
      .map(({ key, value }, at) => [key ?? `${at}`, bare(value)] as const);
    if (values.length === 0) continue;
    fit(options[name]?.schema, Object.fromEntries(values), `compartment ${name}`, 'invalidInput');
  }
}

function fold(held: Held, event: StateChanged, seq: number): Held {
  const { compartment } = event;
  const key = event.key ?? `${seq}`;
  // A key that is written anew goes to the end, so that the order is that of the writes.
  const { [key]: _before, ...others } = held.items[compartment];
  if (event.type === 'gone') return { ...held, items: { ...held.items, [compartment]: others } };
  const { value, by, atMs, subject, writeId } = event;
  const item: Item = {
    value,
    label: labelOf(value),
    version: seq,
    by,
    atMs,
    ...(subject !== undefined && { subject }),
  };
  const oldestMs = Math.min(held.oldestMs[compartment] ?? Infinity, atMs);
  return {
    items: { ...held.items, [compartment]: { ...others, [key]: item } },
    oldestMs: { ...held.oldestMs, [compartment]: oldestMs },
    writes: writeId === undefined ? held.writes : remember(held.writes, writeId, seq),
  };
}

function remember(writes: Held['writes'], id: string, seq: number): Held['writes'] {
  const kept = Object.entries(writes).slice(-ACTORS_LIMITS.writesKept + 1);
  return Object.fromEntries([...kept, [id, seq]]);
}

/** Takes out what has been kept for as long as it may be. */
function* sweep(journal: Owned, options: Options, ctx: Ctx): Waits<void> {
  const nowMs = wallMs(ctx);
  yield* journal.redact(ctx, (event, seq) => {
    if (event.type === 'gone') return undefined;
    const { retainMs = Infinity } = options[event.compartment] ?? {};
    return event.atMs + retainMs <= nowMs ? goneOf(event, seq) : undefined;
  });
}

function scheduleSweep({ state }: Owned, options: Options, ctx: Ctx): void {
  const dueMs = COMPARTMENTS.map((name) => {
    const { [name]: oldestMs = Infinity } = state.oldestMs;
    return oldestMs + (options[name]?.retainMs ?? Infinity);
  });
  const nextMs = Math.min(...dueMs);
  if (nextMs < Infinity) {
    ctx.after(Math.max(0, nextMs - wallMs(ctx)), { type: 'sweep' }, { id: 'sweep' });
  }
}

function goneOf({ compartment, key }: StateChanged, seq: number): StateChanged {
  return { type: 'gone', compartment, key: key ?? `${seq}` };
}

function denied(doing: string, asker: Asker, label?: Classification): AccessDenied {
  const agent = agentOf(asker);
  return new AccessDenied({ place: doing, agent, ...(label !== undefined && { label }) });
}

/** Only what it has itself: a key may be called as what every object inherits. */
function ownOf<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function wallMs(ctx: Ctx): number {
  return cellOf(ctx.self)?.core.clock.wallMs() ?? ctx.now();
}
