/**
 * A child spec: data that says how a supervisor starts, restarts and stops one child.
 */
import type { AnyActorLogic, EventFromLogic, InputFrom } from 'xstate';
import {
  InvalidOption,
  type AgentName,
  type MailboxOptions,
  type PersistOptions,
  type Shutdown,
} from '../runtime/index.ts';
import {
  checkId,
  checkLogic,
  checkMailbox,
  checkOptions,
  checkPersist,
  checkShutdown,
} from '../runtime/internal.ts';
import { checkBackoff, type BackoffOptions } from './backoff.ts';
import { RESTARTS, type Restart } from './policy.ts';

/** What a child spec may say. `input` is required when the logic requires one. */
export interface ChildSpecOptions<TLogic extends AnyActorLogic> {
  /** Unique among its siblings, and the last part of the child's path. */
  readonly id: string;
  readonly logic: TLogic;
  /** Default `'permanent'`. */
  readonly restart?: Restart;
  /** Grace when it is stopped; default 5,000 ms, and `'infinity'` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default: `'supervisor'` for the logic of a supervisor, else `'worker'`. */
  readonly type?: 'worker' | 'supervisor';
  /** Its own end can end the supervisor: see `autoShutdown`. Not for permanent children. Default false. */
  readonly significant?: boolean;
  readonly name?: AgentName | string;
  readonly mailbox?: MailboxOptions<EventFromLogic<TLogic>>;
  readonly trapExit?: boolean;
  readonly persist?: PersistOptions;
  /** Delays between restarts; default none, as in OTP. */
  readonly backoff?: BackoffOptions;
  /** Restarts of this child in all, however slow they come; default no limit. One more, and the supervisor gives up. */
  readonly restartsMax?: number;
  /** Starts that may fail in a row, however slowly; default no limit. One more, and the supervisor gives up. */
  readonly failedStartsMax?: number;
}

const KNOWN = [
  'id',
  'logic',
  'input',
  'restart',
  'shutdown',
  'type',
  'significant',
  'name',
  'mailbox',
  'trapExit',
  'persist',
  'backoff',
  'restartsMax',
  'failedStartsMax',
];

const TYPES = ['worker', 'supervisor'];
const FLAGS = [true, false];

type Fields = Readonly<Record<keyof ChildSpec, string>>;

/** What an error calls each field. */
function fieldsOf(field: string): Fields {
  return Object.fromEntries(KNOWN.map((key) => [key, `${field}.${key}`])) as Fields;
}

/** Made once: ten strings for each child would be a tenth of what it costs to start one. */
const CHILD_FIELDS = fieldsOf('child');

type Input<TLogic extends AnyActorLogic> =
  undefined extends InputFrom<TLogic>
    ? { readonly input?: InputFrom<TLogic> }
    : { readonly input: InputFrom<TLogic> };

const supervisors = new WeakSet<object>();

/** @internal Marks a logic as that of a supervisor. */
export function markSupervisor<TLogic extends object>(logic: TLogic): TLogic {
  supervisors.add(logic);
  return logic;
}

/** Whether a logic is that of a supervisor. */
export function isSupervisor(logic: object): boolean {
  return supervisors.has(logic);
}

/** A checked child spec with every default filled in; make it with {@link child}. */
export class ChildSpec<TLogic extends AnyActorLogic = AnyActorLogic> {
  readonly id: string;
  readonly logic: TLogic;
  readonly input: InputFrom<TLogic> | undefined;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly type: 'worker' | 'supervisor';
  readonly significant: boolean;
  readonly name: AgentName | string | undefined;
  readonly mailbox: MailboxOptions<EventFromLogic<TLogic>> | undefined;
  readonly trapExit: boolean;
  readonly persist: PersistOptions | undefined;
  readonly backoff: BackoffOptions | undefined;
  readonly restartsMax: number;
  readonly failedStartsMax: number;

  constructor(options: ChildSpecOptions<TLogic> & { readonly input?: unknown }, field = 'child') {
    checkOptions(options, KNOWN, field);
    const fields = field === 'child' ? CHILD_FIELDS : fieldsOf(field);
    const { id, logic, restart = 'permanent', significant = false } = options;
    checkId(id, fields.id);
    checkLogic(logic, fields.logic);
    const { type = supervisors.has(logic) ? 'supervisor' : 'worker' } = options;
    const { shutdown = type === 'supervisor' ? 'infinity' : 5_000 } = options;
    checkShutdown(fields.shutdown, shutdown);
    oneOf(fields.restart, restart, RESTARTS);
    oneOf(fields.type, type, TYPES);
    oneOf(fields.significant, significant, FLAGS);
    oneOf(fields.trapExit, options.trapExit ?? false, FLAGS);
    checkName(fields.name, options.name);
    if (options.mailbox !== undefined) checkMailbox(options.mailbox, fields.mailbox);
    if (options.persist !== undefined) checkPersist(options.persist, fields.persist);
    if (significant && restart === 'permanent') {
      const allowed = 'only with restart "transient" or "temporary"';
      throw new InvalidOption({ field: fields.significant, given: significant, allowed });
    }
    this.id = id;
    this.logic = logic;
    this.input = options.input as InputFrom<TLogic> | undefined;
    this.restart = restart;
    this.shutdown = shutdown;
    this.type = type;
    this.significant = significant;
    this.name = options.name;
    this.mailbox = options.mailbox;
    this.trapExit = options.trapExit ?? false;
    this.persist = options.persist;
    this.backoff = options.backoff;
    this.restartsMax = limit(fields.restartsMax, options.restartsMax);
    this.failedStartsMax = limit(fields.failedStartsMax, options.failedStartsMax);
    if (this.backoff !== undefined) checkBackoff(fields.backoff, this.backoff);
  }

  /** @internal The spec itself, or one made from a plain object. */
  static from(spec: ChildSpec | ChildSpecOptions<AnyActorLogic>, field: string): ChildSpec {
    return spec instanceof ChildSpec ? spec : new ChildSpec(spec, field);
  }

  /** @internal For whoever compares states: a spec does not change. */
  toJSON(): unknown {
    return { id: this.id, input: this.input };
  }

  /** @internal The same spec without its input. */
  withoutInput(): ChildSpec<TLogic> {
    const spec = Object.create(ChildSpec.prototype) as ChildSpec<TLogic>;
    return Object.assign(spec, this, { input: undefined });
  }
}

/**
 * Makes a child spec; the input is checked against the logic's.
 *
 * @example
 * ```ts
 * child({ id: 'editor', logic: editorMachine, restart: 'transient', shutdown: 1_000 });
 * ```
 *
 * Throws `InvalidOption`, which names the field.
 */
export function child<TLogic extends AnyActorLogic>(
  options: ChildSpecOptions<TLogic> & Input<TLogic>,
): ChildSpec<TLogic> {
  return new ChildSpec<TLogic>(options);
}

/** Checks the specs of a list; plain objects are taken too. */
export function checkSpecs(
  specs: readonly (ChildSpec | ChildSpecOptions<AnyActorLogic>)[],
): ChildSpec[] {
  if (!Array.isArray(specs)) {
    throw new InvalidOption({
      field: 'children',
      given: specs,
      allowed: 'an array of child specs',
    });
  }
  const checked = specs.map((spec, index) => ChildSpec.from(spec, `children[${index}]`));
  const ids = new Set<string>();
  checked.forEach(({ id }, index) => {
    if (ids.has(id)) {
      throw new InvalidOption({
        field: `children[${index}].id`,
        given: id,
        allowed: 'an id that no sibling has',
      });
    }
    ids.add(id);
  });
  return checked;
}

function checkName(field: string, given: AgentName | string | undefined): void {
  const name: unknown = typeof given === 'object' ? given?.name : given;
  if (given === undefined || (typeof name === 'string' && name !== '')) return;
  throw new InvalidOption({ field, given, allowed: 'a non-empty string or an agentName(...)' });
}

function limit(field: string, given: number | undefined): number {
  if (given === undefined) return Infinity;
  if (Number.isInteger(given) && given >= 0) return given;
  throw new InvalidOption({ field, given, allowed: 'an integer >= 0' });
}

/** Throws `InvalidOption` unless the value is one of those allowed. */
export function oneOf(field: string, given: unknown, allowed: readonly unknown[]): void {
  if (!allowed.includes(given)) {
    throw new InvalidOption({
      field,
      given,
      allowed: allowed.map((each) => JSON.stringify(each)).join(', '),
    });
  }
}

/** Throws `InvalidOption` when a spec is significant where that means nothing. */
export function checkNotSignificant({ significant }: ChildSpec, field: string): void {
  if (!significant) return;
  throw new InvalidOption({
    field: `${field}.significant`,
    given: true,
    allowed: 'true only in a supervisor with autoShutdown',
  });
}
