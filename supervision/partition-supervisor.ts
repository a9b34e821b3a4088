/**
 * The partition supervisor: so many copies of one child, and a key that leads to one of them. As
 * Elixir's `PartitionSupervisor`: for work that one agent cannot keep up with, or that must stay in
 * order per key.
 */
import type { AnyActorLogic } from 'xstate';
import {
  InvalidOption,
  NoSuchActor,
  type AgentName,
  type AnyRef,
  type HandlerLogic,
  type HandlerSnapshot,
  type Ref,
  type RefFrom,
} from '../runtime/index.ts';
import { checkOptions, hashOf } from '../runtime/internal.ts';
import { child, oneOf } from './child-spec.ts';
import { ChildNotFound } from './errors.ts';
import type { SupervisorOptions } from './plan.ts';
import type { SupervisorEvent } from './request.ts';
import { supervisor, type Supervision } from './supervisor.ts';

/** What is said of each partition: a child spec without the id, which is the partition's number. */
export type PartitionSpec<TLogic extends AnyActorLogic> = { readonly logic: TLogic } & Omit<
  Parameters<typeof child<TLogic>>[0],
  'id' | 'logic'
>;

/** The options of a partition supervisor. */
export interface PartitionSupervisorOptions<TLogic extends AnyActorLogic> extends Pick<
  SupervisorOptions,
  'strategy' | 'intensity' | 'periodMs'
> {
  /** How many; it stays so. */
  readonly partitions: number;
  /** The spec of each, by its number, from 0. */
  readonly child: (index: number) => PartitionSpec<TLogic>;
}

declare const partitionLogic: unique symbol;

/** The state of a partition supervisor: that of a supervisor, typed by its children. */
export interface Partitions<TLogic extends AnyActorLogic> extends Supervision {
  readonly [partitionLogic]?: TLogic;
}

/** The logic of a partition supervisor. */
export type PartitionSupervisorLogic<TLogic extends AnyActorLogic = AnyActorLogic> = HandlerLogic<
  Partitions<TLogic>,
  SupervisorEvent
>;

/** A ref to a partition supervisor. */
export type PartitionSupervisorRef<TLogic extends AnyActorLogic = AnyActorLogic> = Ref<
  SupervisorEvent,
  HandlerSnapshot<Partitions<TLogic>>
>;

/**
 * Makes the logic of a partition supervisor. Its children have their numbers as ids.
 *
 * @example
 * ```ts
 * import { partitionFor, partitionSupervisor } from 'troupe';
 * const shards = partitionSupervisor({ partitions: 4, child: () => ({ logic: counterMachine }) });
 * const root = await system.start(shards, { id: 'shards', name: 'shards' });
 * partitionFor(root, 'user-17').send({ type: 'add', amount: 2 });
 * ```
 *
 * Throws `InvalidOption`, which names the field.
 */
export function partitionSupervisor<TLogic extends AnyActorLogic>(
  options: PartitionSupervisorOptions<TLogic>,
): PartitionSupervisorLogic<TLogic> {
  const known = ['partitions', 'child', 'strategy', 'intensity', 'periodMs', 'autoShutdown'];
  checkOptions(options, known, 'partitionSupervisor');
  const { partitions, child: specOf, strategy, intensity, periodMs } = options;
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new InvalidOption({ field: 'partitions', given: partitions, allowed: 'an integer >= 1' });
  }
  if (typeof specOf !== 'function')
    throw new InvalidOption({ field: 'child', given: specOf, allowed: 'a function of the number' });
  if ('autoShutdown' in options) oneOf('autoShutdown', options.autoShutdown, ['never']);
  const children = Array.from({ length: partitions }, (_, index) =>
    child({ ...specOf(index), id: `${index}` } as unknown as Parameters<typeof child<TLogic>>[0]),
  );
  return supervisor({
    children,
    ...(strategy !== undefined && { strategy }),
    ...(intensity !== undefined && { intensity }),
    ...(periodMs !== undefined && { periodMs }),
  }) as unknown as PartitionSupervisorLogic<TLogic>;
}

/** Whoever knows names: a system, or the context of an agent. */
interface Whereis {
  whereis<TRef extends AnyRef>(name: AgentName<TRef>): TRef | undefined;
}

/**
 * The partition for a key, by the supervisor's ref or by its name: see {@link partitionOf}. The ref
 * stays the same over restarts. Throws `NoSuchActor` when nobody has the name, and `ChildNotFound`
 * when the partition is not there: it has not started, or was stopped.
 */
export function partitionFor<TLogic extends AnyActorLogic>(
  supervisor: PartitionSupervisorRef<TLogic>,
  key: number | string,
): RefFrom<TLogic>;
export function partitionFor<TLogic extends AnyActorLogic = AnyActorLogic>(
  system: Whereis,
  name: AgentName<PartitionSupervisorRef<TLogic>> | string,
  key: number | string,
): RefFrom<TLogic>;
export function partitionFor(
  ...args:
    | [supervisor: PartitionSupervisorRef, key: number | string]
    | [system: Whereis, name: AgentName<PartitionSupervisorRef> | string, key: number | string]
): AnyRef {
  const [ref, key] = args.length === 2 ? args : [named(args[0], args[1]), args[2]];
  const { children, plan } = (ref.getSnapshot()?.context ?? {}) as Partial<Supervision>;
  if (children === undefined) {
    const allowed = 'a partition supervisor';
    throw new InvalidOption({ field: 'supervisor', given: ref.path, allowed });
  }
  const partitions = plan?.specs.length ?? 1;
  const id = `${partitionOf(key, partitions)}`;
  const found = children.byId.get(id)?.ref;
  if (found === undefined) throw new ChildNotFound({ id, available: children.ids });
  return found;
}

function named(
  system: Whereis,
  given: AgentName<PartitionSupervisorRef> | string,
): PartitionSupervisorRef {
  const name = typeof given === 'string' ? { name: given } : given;
  const ref = system.whereis<PartitionSupervisorRef>(name);
  if (ref === undefined) throw new NoSuchActor({ address: `the name "${name.name}"` });
  return ref;
}

/**
 * The number of the partition for a key. An integer is taken modulo, without its sign; a string by
 * its FNV-1a hash (32 bits, over UTF-16 code units), which is the same everywhere and in every
 * version. Pure.
 */
export function partitionOf(key: number | string, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new InvalidOption({ field: 'partitions', given: partitions, allowed: 'an integer >= 1' });
  }
  if (typeof key === 'string') return hashOf(key) % partitions;
  if (!Number.isSafeInteger(key)) {
    throw new InvalidOption({ field: 'key', given: key, allowed: 'an integer or a string' });
  }
  return Math.abs(key) % partitions;
}
