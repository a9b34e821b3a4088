/**
 * The options with which an agent is spawned, and their defaults.
 */
import type {
  AnyActorLogic,
  ConditionalRequired,
  EventFromLogic,
  EventObject,
  InputFrom,
  IsNotNever,
} from 'xstate';
import { InvalidOption } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { MailboxOptions } from './mailbox.ts';
import { nameOf } from './names.ts';
import { checkFlag, checkFunction, checkOptions } from './options.ts';
import type { AgentName } from './ref.ts';
import type { SnapshotStore } from './store.ts';

/** How the state of an agent outlives its life. */
export interface PersistOptions {
  readonly store: SnapshotStore;
  /** The key in the store; default: the agent's path. */
  readonly key?: string;
  /**
   * When it is written: after each step, after a step that answered a request, or only by
   * `ctx.save()`. Always before the step's sends leave. Default `'step'`.
   */
  readonly save?: 'step' | 'reply' | 'manual';
  /** The version of the logic's state; default 1. */
  readonly version?: number;
  /** Turns a snapshot of an older version into one of this version; without it an older one is refused. */
  readonly migrate?: (snapshot: unknown, fromVersion: number) => unknown;
}

/** How a child ends when it is told to: its grace in milliseconds, as long as it takes, or at once. */
export type Shutdown = number | 'infinity' | 'brutal_kill';

/** Options that do not depend on the logic. */
export interface CommonSpawnOptions<TEvent extends EventObject = never> {
  /** The last part of the path; default: a number that no sibling has. */
  readonly id?: string;
  /** The name under which it is found while it lives. */
  readonly name?: AgentName | string;
  readonly mailbox?: MailboxOptions<TEvent>;
  /** Grace when its parent stops it; default 5,000 ms. */
  readonly shutdown?: Shutdown;
  /** Exits of linked agents arrive as messages, and a stop lets the handler finish. Default false. */
  readonly trapExit?: boolean;
  readonly persist?: PersistOptions;
}

/** The options of a spawn: with `input`, required when the logic requires one. */
export type SpawnOptions<TLogic extends AnyActorLogic> = CommonSpawnOptions<
  EventFromLogic<TLogic>
> & {
  readonly input?: InputFrom<TLogic>;
};

/** The `[options]` of a spawn call: they can be left out unless the logic requires an input. */
export type SpawnArguments<TLogic extends AnyActorLogic, TOptions> = ConditionalRequired<
  [options?: TOptions & SpawnOptions<TLogic> & { [K in RequiredInput<TLogic>]: InputFrom<TLogic> }],
  IsNotNever<RequiredInput<TLogic>>
>;

type RequiredInput<TLogic extends AnyActorLogic> =
  undefined extends InputFrom<TLogic> ? never : 'input';

/** What `ctx.spawn` takes beyond that. */
export interface ChildSpawnOptions {
  /** Links parent and child, at once with the spawn. */
  readonly link?: boolean;
  /** The parent gets the child's `Down`. */
  readonly monitor?: boolean;
  /** When the child ends, its place, ref and waiting messages are kept until `restart` or `release`. */
  readonly hold?: boolean;
}

/** Options with every default filled in; not exported. */
export interface ResolvedSpawn {
  readonly logic: AnyActorLogic;
  readonly input: unknown;
  readonly name: string | undefined;
  readonly mailbox: MailboxOptions | undefined;
  readonly shutdown: Shutdown;
  readonly trapExit: boolean;
  readonly held: boolean;
  readonly persist: PersistOptions | undefined;
}

/** @internal Checks the options of a spawn and fills in the defaults. */
export function resolveSpawn(
  logic: AnyActorLogic,
  options: (SpawnOptions<AnyActorLogic> & ChildSpawnOptions) | undefined,
  graceOf: (logic: AnyActorLogic) => Shutdown | undefined,
): ResolvedSpawn {
  checkLogic(logic);
  const ownGrace = graceOf(logic) ?? LIMITS.shutdownMs;
  if (options === undefined) {
    return {
      logic,
      input: undefined,
      name: undefined,
      mailbox: undefined,
      shutdown: ownGrace,
      trapExit: false,
      held: false,
      persist: undefined,
    };
  }
  checkOptions(options, KEYS);
  checkFlag('trapExit', options.trapExit);
  checkFlag('hold', options.hold);
  checkFlag('link', options.link);
  checkFlag('monitor', options.monitor);
  const { id, name, shutdown = ownGrace, persist } = options;
  if (id !== undefined) checkId(id);
  checkShutdown('shutdown', shutdown);
  if (persist !== undefined) checkPersist(persist);
  return {
    logic,
    input: options.input,
    name: name === undefined ? undefined : nameOf(name),
    mailbox: options.mailbox as MailboxOptions | undefined,
    shutdown,
    trapExit: options.trapExit ?? false,
    held: options.hold ?? false,
    persist,
  };
}

/** Throws `InvalidOption` when a value is no actor logic. */
export function checkLogic(logic: unknown, field = 'logic'): asserts logic is AnyActorLogic {
  const isLogic =
    typeof logic === 'object' &&
    logic !== null &&
    'transition' in logic &&
    typeof logic.transition === 'function' &&
    'getInitialSnapshot' in logic &&
    typeof logic.getInitialSnapshot === 'function';
  if (!isLogic) {
    const allowed =
      'an XState actor logic (a machine, fromPromise, fromTransition, …) or fromHandler(...)';
    throw new InvalidOption({ field, given: logic, allowed });
  }
}

/** Throws `InvalidOption` when a value is no shutdown. */
export function checkShutdown(field: string, shutdown: unknown): asserts shutdown is Shutdown {
  if (shutdown === 'infinity' || shutdown === 'brutal_kill') return;
  if (typeof shutdown === 'number' && shutdown >= 0 && Number.isFinite(shutdown)) return;
  throw new InvalidOption({
    field,
    given: shutdown,
    allowed: 'milliseconds >= 0, "infinity" or "brutal_kill"',
  });
}

const NO_PART_OF_A_PATH = /[/#\s]/;

/** Throws `InvalidOption` when a value cannot be one part of a path. */
export function checkId(id: unknown, field = 'id'): asserts id is string {
  if (typeof id !== 'string' || id === '' || NO_PART_OF_A_PATH.test(id)) {
    throw new InvalidOption({
      field,
      given: id,
      allowed: 'a non-empty string without "/", "#" and white space',
    });
  }
}

const KEYS = [
  'id',
  'name',
  'input',
  'mailbox',
  'shutdown',
  'trapExit',
  'persist',
  'link',
  'monitor',
  'hold',
];

/** Throws `InvalidOption` when a value is no persistence. */
export function checkPersist(persist: PersistOptions, field = 'persist'): void {
  const { store, key, version = 1, save = 'step', migrate } = persist ?? {};
  const hasMethods = (['load', 'save', 'delete'] as const).every(
    (name) => typeof store?.[name] === 'function',
  );
  if (!hasMethods) {
    throw new InvalidOption({
      field: `${field}.store`,
      given: store,
      allowed: 'an object with load, save and delete',
    });
  }
  checkOptions(persist, ['store', 'key', 'save', 'version', 'migrate'], field);
  if (key !== undefined && (typeof key !== 'string' || key === ''))
    throw new InvalidOption({ field: `${field}.key`, given: key, allowed: 'a non-empty string' });
  checkFunction(`${field}.migrate`, migrate, true);
  if (!Number.isInteger(version) || version < 1) {
    throw new InvalidOption({
      field: `${field}.version`,
      given: version,
      allowed: 'an integer >= 1',
    });
  }
  if (!['step', 'reply', 'manual'].includes(save)) {
    throw new InvalidOption({
      field: `${field}.save`,
      given: save,
      allowed: '"step", "reply" or "manual"',
    });
  }
}
