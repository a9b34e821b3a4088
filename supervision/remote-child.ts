/**
 * The remote child: an agent that stands for one on another node, in the tree of this node. It has
 * the other one started by a spawner there, hands on what it gets, and ends as the other one ends. A
 * loss of the node is no end: it waits and has another one started when the node is back.
 */
import type { EventObject } from 'xstate';
import {
  ActorEnded,
  AskTimeout,
  InvalidOption,
  MailboxFull,
  NoSuchActor,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type ExitReason,
  type HandlerLogic,
  type Ref,
} from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import { backoffMs, checkBackoff, type BackoffOptions } from './backoff.ts';
import type { Move } from './children.ts';
import { ChildIgnored } from './errors.ts';
import { isRequest } from './request.ts';
import type { SpawnerEvent } from './spawner.ts';

/** The options of a remote child. */
export interface RemoteChildOptions {
  /** The spawner to be asked; called at each try, so that another node can be chosen after a loss. */
  readonly spawner: () => Ref<SpawnerEvent>;
  /** What is to be started, by the name under which the spawner offers it. */
  readonly offer: string;
  /** What it is started with; it must be able to travel. */
  readonly input?: unknown;
  /** Time that one start may take; default: as any ask. */
  readonly timeoutMs?: number;
  /** Delays between tries while the node, or its spawner, is not there; default from 500 ms to 30 s. */
  readonly backoff?: BackoffOptions;
}

const BACKOFF: BackoffOptions = { minMs: 500, maxMs: 30_000 };

/** The other one, as far as it is known. */
interface Remote {
  /** Who was asked to start it, and may have. */
  spawner: Ref<SpawnerEvent> | undefined;
  child: AnyRef | undefined;
}

type Ctx = AgentContext<EventObject>;

/**
 * Makes the logic of a remote child, for a child spec like any other. Messages and requests that it
 * gets go on to the other one; while there is none they wait in its mailbox. When the other one ends
 * it ends with the same reason, and its supervisor decides. When it is stopped, it waits until the
 * other one is.
 *
 * @example
 * ```ts
 * import { remoteChild, type SpawnerEvent } from 'troupe';
 * const Spawner = agentName<Ref<SpawnerEvent>>('spawner');
 * const node = await joinCluster(system, { secret: process.env['TROUPE_SECRET'] });
 * const worker = remoteChild({ spawner: () => node.whereis('core-1', Spawner), offer: 'worker' });
 * supervisor({ children: [child({ id: 'worker', logic: worker, restart: 'transient' })] });
 * ```
 *
 * Throws `InvalidOption`, which names the field.
 */
export function remoteChild<TEvent extends EventObject = EventObject>(
  options: RemoteChildOptions,
): HandlerLogic<unknown, TEvent> {
  checkOptions(options, ['spawner', 'offer', 'input', 'timeoutMs', 'backoff'], 'remoteChild');
  const { spawner, offer, backoff = BACKOFF } = options;
  checkFunction('spawner', spawner);
  if (typeof offer !== 'string' || offer === '')
    throw new InvalidOption({ field: 'offer', given: offer, allowed: 'a non-empty string' });
  checkBackoff('backoff', backoff);
  const logic = fromHandler({
    initial: (): Remote => ({ spawner: undefined, child: undefined }),
    // Not in `start`: its supervisor need not wait for another node.
    afterStart: (remote: Remote, ctx: AgentContext<EventObject>) => begin(remote, ctx, options, 0),
    receive(remote: Remote, event: EventObject | Down, ctx: AgentContext<EventObject>) {
      if (!isDown(event)) return handOn(ctx, remote.child as Ref<EventObject>, event);
      // Of a child before this one.
      if (event.ref !== remote.child) return undefined;
      remote.child = undefined;
      if (isLoss(event.reason)) return begin(remote, ctx, options, 1);
      remote.spawner = undefined;
      return ctx.end(event.reason);
    },
    async stop(remote: Remote, _reason: ExitReason, ctx: AgentContext<EventObject>) {
      if (remote.spawner === undefined) return;
      const release = { type: 'release', owner: ctx.self } as const;
      try {
        await ctx.ask(remote.spawner, release, { timeoutMs: Infinity });
      } catch {
        // Its node is lost: there the spawner sees the same, and stops it.
      }
    },
  });
  return logic as unknown as HandlerLogic<unknown, TEvent>;
}

/** A request that is handed on is owed by whoever gets it. */
function handOn(ctx: Ctx, to: Ref<EventObject>, event: EventObject): void {
  if ('replyTo' in event && isRequest(event)) ctx.forward(to, event);
  else ctx.send(to, event);
}

/** Has the other one started, and tries until somebody is there to do it. */
function* begin(
  remote: Remote,
  ctx: Ctx,
  { spawner, offer, input, timeoutMs, backoff = BACKOFF }: RemoteChildOptions,
  attempts: number,
): Move<void> {
  for (let attempt = attempts; ; attempt += 1) {
    if (attempt > 0) yield* ctx.sleep(backoffMs(backoff, attempt - 1, ctx.random()));
    remote.spawner = spawner();
    const request = { type: 'spawn', offer, input, owner: ctx.self } as const;
    try {
      const { ref } = yield* ctx.ask(
        remote.spawner,
        request,
        timeoutMs === undefined ? {} : { timeoutMs },
      );
      if (ref === undefined) throw new ChildIgnored({ id: offer });
      remote.child = ref;
      ctx.monitor(ref);
      return;
    } catch (error) {
      if (!isAway(error)) throw error;
      ctx.log.warn({ spawner: remote.spawner.address, offer, err: error }, 'no remote child yet');
    }
  }
}

/** Whether nobody was there to start it: that of itself may change. */
function isAway(error: unknown): boolean {
  return [ActorEnded, NoSuchActor, AskTimeout, MailboxFull].some((away) => error instanceof away);
}

/** Whether the other one is lost, or was stopped with its node or its spawner, and did not end by itself. */
function isLoss(reason: ExitReason): boolean {
  return (
    reason.type === 'noconnection' || (reason.type === 'shutdown' && reason.detail === undefined)
  );
}

function isDown(event: EventObject): event is Down {
  return event.type === 'troupe.down';
}
