/**
 * The dynamic supervisor: it starts with no children and gets them on request, many and all alike
 * or each with a spec of its own. As OTP's `simple_one_for_one` and Elixir's `DynamicSupervisor`.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type HandlerLogic,
  type ReplyTo,
} from '../runtime/index.ts';
import { markSupervisor, type ChildSpec } from './child-spec.ts';
import { Children, causeOf, type Child, type Move, type Retry } from './children.ts';
import { AlreadyStarted, ChildNotFound, MaxChildren } from './errors.ts';
import { RestartWindow } from './intensity.ts';
import { reportStartError } from './report.ts';
import {
  checkIntensity,
  unknownMessage,
  type ChildCounted,
  type ChildList,
  type ChildStarted,
  type Done,
} from './supervisor.ts';

/** The options of a dynamic supervisor. */
export interface DynamicSupervisorOptions {
  /** Restarts that are allowed within `periodMs`, over all children; default 1. */
  readonly intensity?: number;
  /** Milliseconds; default 5,000. */
  readonly periodMs?: number;
  /** Children at once, those being restarted included; default no limit. One more is refused with `MaxChildren`. */
  readonly maxChildren?: number;
}

/** What a dynamic supervisor can be asked. */
export type DynamicSupervisorEvent =
  | {
      readonly type: 'startChild';
      readonly spec: ChildSpec;
      readonly replyTo: ReplyTo<ChildStarted>;
    }
  | { readonly type: 'stopChild'; readonly ref: AnyRef; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> }
  | { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> };

/** The logic of a dynamic supervisor. */
export type DynamicSupervisorLogic = HandlerLogic<Children, DynamicSupervisorEvent>;

type Received = DynamicSupervisorEvent | Retry | Down | Exit;
type Ctx = AgentContext<EventObject>;

/**
 * Makes the logic of a dynamic supervisor. A child that ends and is not restarted is forgotten, and
 * its id is free again.
 *
 * @example
 * ```ts
 * const pool = system.spawn(dynamicSupervisor({ maxChildren: 4 }), { id: 'pool' });
 * const worker = await startChild(pool, child({ id: 'w1', logic: workerLogic, restart: 'temporary' }));
 * ```
 */
export function dynamicSupervisor(options: DynamicSupervisorOptions = {}): DynamicSupervisorLogic {
  const { intensity = 1, periodMs = 5_000, maxChildren = Infinity } = options;
  checkIntensity(intensity, periodMs);
  if (typeof maxChildren !== 'number' || !(maxChildren >= 0)) {
    throw new InvalidOption({ field: 'maxChildren', given: maxChildren, allowed: 'a number >= 0' });
  }

  const restart = function* (
    children: Children,
    ctx: Ctx,
    child: Child,
    cause: unknown,
  ): Move<void> {
    if (children.mayRestart(ctx, child, cause)) yield* children.restart(ctx, child);
  };

  const logic = fromHandler({
    interruptible: true,
    stopChildren: 'parallel',
    initial: () => new Children(new RestartWindow(intensity, periodMs), { intensity, periodMs }),
    start(_children: Children, ctx: AgentContext<Received>) {
      ctx.trapExit(true);
    },
    *receive(children: Children, event: Received, context: AgentContext<Received>) {
      const ctx = context as Ctx;
      switch (event.type) {
        case 'troupe.down': {
          const child = children.endedBy(event);
          if (child === undefined) return;
          if (children.ended(ctx, child, event.reason))
            yield* restart(children, ctx, child, causeOf(event.reason));
          else children.remove(child);
          return;
        }
        case 'supervisor.retry': {
          const child = children.byId.get(event.id);
          if (child?.status === 'restarting')
            yield* restart(children, ctx, child, children.lastFailure.get(child));
          return;
        }
        case 'startChild': {
          const { spec } = event;
          const known = children.byId.get(spec.id);
          if (known !== undefined)
            ctx.fail(event, new AlreadyStarted({ id: spec.id, ref: known.ref as AnyRef }));
          else if (children.byId.size >= maxChildren) {
            ctx.fail(event, new MaxChildren({ path: ctx.self.path, maxChildren }));
          } else yield* startOnRequest(children, ctx, children.add(spec), event);
          return;
        }
        case 'stopChild': {
          const child = [...children.byId.values()].find(({ ref }) => ref === event.ref);
          if (child === undefined) {
            ctx.fail(event, new ChildNotFound({ id: event.ref.path, available: children.ids }));
            return;
          }
          yield* children.stop(ctx, child);
          children.remove(child);
          ctx.reply(event, { type: 'done' });
          return;
        }
        case 'whichChildren':
          ctx.reply(event, { type: 'children', children: children.list() });
          return;
        case 'countChildren':
          ctx.reply(event, { type: 'count', count: children.count() });
          return;
        case 'troupe.exit':
          return;
        default:
          unknownMessage(ctx, event);
      }
    },
  });
  return markSupervisor(logic as unknown as DynamicSupervisorLogic);
}

function* startOnRequest(
  children: Children,
  ctx: Ctx,
  child: Child,
  request: Extract<DynamicSupervisorEvent, { type: 'startChild' }>,
): Move<void> {
  try {
    const ref = yield* children.start(ctx, child, 'debug');
    ctx.reply(request, { type: 'childStarted', ref });
  } catch (error) {
    reportStartError(ctx, child.spec, error);
    children.leave(ctx, child);
    children.remove(child);
    ctx.fail(request, error);
  }
}
