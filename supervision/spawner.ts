/**
 * The spawner: a supervisor that starts children for agents of other nodes, of the kinds that it
 * offers and no others. Each child has an owner elsewhere, and each owner one child at most:
 *
 * - a child never outlives its owner: when the owner's life ends, or its node is lost, it is stopped;
 * - a former child of an owner is gone before the next one starts;
 * - nobody restarts a child here, since its owner could not tell the new life from the old one.
 */
import type { AnyActorLogic, EventObject } from 'xstate';
import {
  InvalidOption,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type ExitReason,
  type HandlerLogic,
  type ReplyTo,
} from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import { ChildSpec, markSupervisor, type ChildSpecOptions } from './child-spec.ts';
import { Children, type Child, type Move } from './children.ts';
import { MaxChildren, NotOffered } from './errors.ts';
import {
  answerStarted,
  isRequest,
  obeyParent,
  unknownMessage,
  type ChildCounted,
  type ChildList,
  type ChildStarted,
  type Done,
} from './request.ts';

/** How a child is started: a child spec without what its owner decides. */
export type OfferedSpec = { readonly logic: AnyActorLogic; readonly input?: unknown } & Pick<
  ChildSpecOptions<AnyActorLogic>,
  'shutdown' | 'type' | 'mailbox' | 'trapExit'
>;

/** The options of a spawner. */
export interface SpawnerOptions {
  /** What it offers, by name: a function of the input, which comes from elsewhere and is to be checked. */
  readonly offers: Readonly<Record<string, (input: unknown) => OfferedSpec>>;
  /** Children at once; default no limit. One more is refused with `MaxChildren`. */
  readonly maxChildren?: number;
}

/** What a spawner can be asked. */
export type SpawnerEvent =
  /** Starts the child of an owner; fails with `NotOffered`, `MaxChildren`, `StartFailed` or what its function throws. */
  | {
      readonly type: 'spawn';
      readonly offer: string;
      readonly input?: unknown;
      readonly owner: AnyRef;
      readonly replyTo: ReplyTo<ChildStarted>;
    }
  /** Stops the child of an owner, if there is one. */
  | { readonly type: 'release'; readonly owner: AnyRef; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> }
  | { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> };

/** The logic of a spawner. */
export type SpawnerLogic = HandlerLogic<unknown, SpawnerEvent>;

type Ctx = AgentContext<EventObject>;
type Spawn = Extract<SpawnerEvent, { readonly type: 'spawn' }>;

/**
 * Makes the logic of a spawner. Whoever may send to it may use it: give it a name, and allow that.
 *
 * @example
 * ```ts
 * import { spawner } from 'troupe';
 * const offers = { worker: () => ({ logic: workerLogic }) };
 * system.spawn(spawner({ offers }), { id: 'spawner', name: 'spawner' });
 * ```
 *
 * Throws `InvalidOption`, which names the field.
 */
export function spawner(options: SpawnerOptions): SpawnerLogic {
  checkOptions(options, ['offers', 'maxChildren'], 'spawner');
  const { offers, maxChildren = Infinity } = options;
  if (typeof offers !== 'object' || offers === null)
    throw new InvalidOption({ field: 'offers', given: offers, allowed: 'an object of functions' });
  for (const [name, offer] of Object.entries(offers)) checkFunction(`offers.${name}`, offer);
  if (typeof maxChildren !== 'number' || !(maxChildren >= 0))
    throw new InvalidOption({ field: 'maxChildren', given: maxChildren, allowed: 'a number >= 0' });
  const logic = fromHandler({
    interruptible: true,
    shutdown: 'infinity',
    stopChildren: 'parallel',
    initial: () => new Owned(offers, maxChildren),
    start: (_owned: Owned, ctx: AgentContext<SpawnerEvent | Down | Exit>) => ctx.trapExit(true),
    receive(
      owned: Owned,
      event: SpawnerEvent | Down | Exit,
      context: AgentContext<SpawnerEvent | Down | Exit>,
    ) {
      const ctx = context as Ctx;
      if (event.type === 'troupe.down') return owned.ended(ctx, event);
      if (event.type === 'troupe.exit') return obeyParent(ctx, event);
      if (!isRequest(event)) return unknownMessage(ctx, event);
      switch (event.type) {
        case 'spawn':
          return owned.spawn(ctx, event);
        case 'release':
          return owned.release(ctx, event);
        case 'whichChildren':
          return ctx.reply(event, { type: 'children', children: owned.children.list() });
        case 'countChildren':
          return ctx.reply(event, { type: 'count', count: owned.children.count() });
        default:
          return unknownMessage(ctx, event);
      }
    },
    stop: (owned: Owned, _reason: ExitReason, ctx: AgentContext<SpawnerEvent | Down | Exit>) =>
      owned.children.reportEnds(ctx as Ctx),
  });
  return markSupervisor(logic as unknown as SpawnerLogic);
}

/** An owner is watched as long as it may have a child. */
interface Owner {
  readonly id: string;
  readonly watch: ReturnType<Ctx['monitor']>;
}

/** The children of a spawner, and whose they are. */
class Owned {
  readonly children = new Children();
  readonly #offers: SpawnerOptions['offers'];
  readonly #maxChildren: number;
  /** By address. */
  readonly #owners = new Map<string, Owner>();
  #nextId = 1;

  constructor(offers: SpawnerOptions['offers'], maxChildren: number) {
    this.#offers = offers;
    this.#maxChildren = maxChildren;
  }

  *spawn(ctx: Ctx, request: Spawn): Move<void> {
    const { owner, offer, input } = request;
    yield* this.#stop(ctx, owner);
    let child: Child | undefined;
    try {
      const spec = this.#specOf(ctx, offer, input);
      // Watched before there is anything to stop: an owner that is gone already is told of afterwards.
      this.#owners.set(owner.address, { id: spec.id, watch: ctx.monitor(owner) });
      child = this.children.add(spec);
      const started = yield* this.children.start(ctx, child, 'debug');
      answerStarted(ctx, request, started);
    } catch (error) {
      if (child !== undefined) this.children.remove(ctx, child);
      ctx.fail(request, error);
    }
  }

  *release(ctx: Ctx, request: Extract<SpawnerEvent, { readonly type: 'release' }>): Move<void> {
    yield* this.#stop(ctx, request.owner);
    ctx.reply(request, { type: 'done' });
  }

  /** A child has ended, or an owner. */
  ended(ctx: Ctx, down: Down): Move<void> | undefined {
    const child = this.children.endedBy(down);
    if (child === undefined) return this.#stop(ctx, down.ref);
    this.children.ended(ctx, child, down.reason);
    return undefined;
  }

  *#stop(ctx: Ctx, { address }: AnyRef): Move<void> {
    const owner = this.#owners.get(address);
    if (owner === undefined) return;
    this.#owners.delete(address);
    ctx.demonitor(owner.watch);
    const child = this.children.byId.get(owner.id);
    if (child !== undefined) yield* this.children.stop(ctx, child);
  }

  #specOf(ctx: Ctx, name: string, input: unknown): ChildSpec {
    const available = Object.keys(this.#offers);
    const offer = available.includes(name) ? this.#offers[name] : undefined;
    if (offer === undefined) throw new NotOffered({ offer: name, available });
    if (this.children.byId.size >= this.#maxChildren)
      throw new MaxChildren({ path: ctx.self.path, maxChildren: this.#maxChildren });
    const id = `${name}-${this.#nextId++}`;
    return new ChildSpec({ ...offer(input), id, restart: 'temporary' }, `offers.${name}`);
  }
}
