/**
 * The dynamic supervisor: it starts with no children and gets them on request, many and all alike
 * or each with a spec of its own. As OTP's `simple_one_for_one` and Elixir's `DynamicSupervisor`.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  fromHandler,
  isRef,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type ExitReason,
  type HandlerLogic,
  type StartOutcome,
  type Wait,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { ChildSpec, checkNotSignificant, markSupervisor, oneOf } from './child-spec.ts';
import { Children, type Child, type Move, type Retry } from './children.ts';
import { AlreadyStarted, ChildNotFound, ChildRestarting, MaxChildren } from './errors.ts';
import { checkIntensity } from './intensity.ts';
import { keepPlan, planOf } from './plan.ts';
import { reportStartError } from './report.ts';
import {
  answerStarted,
  isRequest,
  obeyParent,
  unknownMessage,
  type DynamicSupervisorEvent,
} from './request.ts';

/** The options of a dynamic supervisor. */
export interface DynamicSupervisorOptions {
  /** Restarts that are allowed within `periodMs`, over all children; default 1. */
  readonly intensity?: number;
  /** Milliseconds; default 5,000. */
  readonly periodMs?: number;
  /** Children at once, those being restarted included; default no limit. One more is refused with `MaxChildren`. */
  readonly maxChildren?: number;
}

/** The logic of a dynamic supervisor. */
export type DynamicSupervisorLogic = HandlerLogic<Children, DynamicSupervisorEvent>;

type Received = DynamicSupervisorEvent | Retry | Down | Exit;
type Ctx = AgentContext<EventObject>;
type StartChild = Extract<DynamicSupervisorEvent, { readonly type: 'startChild' }>;

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
  const known = ['intensity', 'periodMs', 'maxChildren', 'autoShutdown'];
  checkOptions(options, known, 'dynamicSupervisor');
  const { intensity = 1, periodMs = 5_000, maxChildren = Infinity } = options;
  checkIntensity(intensity, periodMs);
  if (typeof maxChildren !== 'number' || !(maxChildren >= 0)) {
    throw new InvalidOption({ field: 'maxChildren', given: maxChildren, allowed: 'a number >= 0' });
  }
  if ('autoShutdown' in options) oneOf('autoShutdown', options.autoShutdown, ['never']);

  const logic = fromHandler({
    interruptible: true,
    // Its children have their own time to end, however long it is.
    shutdown: 'infinity',
    stopChildren: 'parallel',
    initial: () => new Children(),
    start(children: Children, ctx: AgentContext<Received>) {
      ctx.trapExit(true);
      children.limit({ intensity, periodMs });
    },
    // Only what waits is a generator: most ends and requests are dealt with at once.
    receive(children: Children, event: Received, context: AgentContext<Received>) {
      const ctx = context as Ctx;
      switch (event.type) {
        case 'troupe.down':
          return onEnded(children, ctx, event);
        case 'supervisor.retry': {
          const child = children.byId.get(event.id);
          return child?.status === 'restarting' ? restart(children, ctx, child) : undefined;
        }
        case 'troupe.exit':
          return obeyParent(ctx, event);
        default:
          if (isRequest(event)) return onRequest(children, ctx, maxChildren, event);
          return unknownMessage(ctx, event);
      }
    },
    stop(children: Children, _reason: ExitReason, ctx: AgentContext<Received>) {
      children.reportEnds(ctx as Ctx);
    },
  });
  keepPlan(logic, planOf({ intensity, periodMs, children: [] }));
  return markSupervisor(logic as unknown as DynamicSupervisorLogic);
}

function onEnded(children: Children, ctx: Ctx, down: Down): Move<void> | undefined {
  const child = children.endedBy(down);
  if (child === undefined) return undefined;
  const delayMs = children.ended(ctx, child, down.reason);
  if (delayMs === 0) return restart(children, ctx, child);
  if (delayMs === undefined) children.remove(ctx, child);
  else children.retryIn(ctx, child, delayMs);
  return undefined;
}

function* restart(children: Children, ctx: Ctx, child: Child): Move<void> {
  if (!children.mayRestart(ctx, child)) return;
  yield* children.restart(ctx, child);
  // A child that had nothing to do when it was started again is forgotten.
  if (child.status === 'stopped') children.remove(ctx, child);
}

function onRequest(
  children: Children,
  ctx: Ctx,
  maxChildren: number,
  request: DynamicSupervisorEvent,
): Move<void> | void {
  switch (request.type) {
    case 'startChild':
      return onStartChild(children, ctx, maxChildren, request);
    case 'whichChildren':
      return ctx.reply(request, { type: 'children', children: children.list() });
    case 'countChildren':
      return ctx.reply(request, { type: 'count', count: children.count() });
    case 'stopChild':
    case 'getChildSpec': {
      const { ref } = request;
      // Ids name children of supervisors with a fixed list; here a child is known by its ref.
      if (isRef(ref)) return onChildRequest(children, ctx, request);
      return ctx.fail(request, needsRef(request.type, ref));
    }
    default:
      return unknownMessage(ctx, request);
  }
}

function* onChildRequest(
  children: Children,
  ctx: Ctx,
  request: Extract<DynamicSupervisorEvent, { readonly ref: AnyRef }>,
): Move<void> {
  const { ref } = request;
  const child = children.at(ctx.self, ref);
  if (child === undefined) {
    // As in OTP the stop of a child that has ended already is no error.
    const ended = request.type === 'stopChild' && ref.path.startsWith(`${ctx.self.path}/`);
    if (ended) ctx.reply(request, { type: 'done' });
    else ctx.fail(request, new ChildNotFound({ id: ref.path, available: children.ids }));
  } else if (request.type === 'getChildSpec') {
    ctx.reply(request, { type: 'childSpec', spec: child.spec });
  } else {
    yield* children.stop(ctx, child);
    children.remove(ctx, child);
    ctx.reply(request, { type: 'done' });
  }
}

function onStartChild(
  children: Children,
  ctx: Ctx,
  maxChildren: number,
  request: StartChild,
): Move<void> | undefined {
  let child: Child | undefined;
  try {
    child = children.add(newSpec(children, ctx, maxChildren, request));
    const start = children.begin(ctx, child);
    // What has started at once is there at once.
    const { done, value } = start[Symbol.iterator]().next();
    if (done !== true || value.ignored) return answerLater(children, ctx, child, start, request);
    answerStarted(ctx, request, children.up(ctx, child, value, 'debug'));
  } catch (error) {
    refuse(children, ctx, child, request, error);
  }
  return undefined;
}

function* answerLater(
  children: Children,
  ctx: Ctx,
  child: Child,
  start: Wait<StartOutcome>,
  request: StartChild,
): Move<void> {
  try {
    const started = yield* children.started(ctx, child, start, 'debug');
    if (started.ref === undefined) children.remove(ctx, child);
    answerStarted(ctx, request, started);
  } catch (error) {
    refuse(children, ctx, child, request, error);
  }
}

/** The spec of a child that is to be added; throws what is wrong with it. */
function newSpec(
  children: Children,
  ctx: Ctx,
  maxChildren: number,
  request: StartChild,
): ChildSpec {
  const spec = ChildSpec.from(request.spec, 'spec');
  const { id } = spec;
  const known = children.byId.get(id);
  if (known?.status === 'restarting') throw new ChildRestarting({ id });
  if (known?.ref !== undefined) throw new AlreadyStarted({ id, ref: known.ref });
  checkNotSignificant(spec, 'spec');
  if (children.byId.size >= maxChildren)
    throw new MaxChildren({ path: ctx.self.path, maxChildren });
  return spec;
}

function refuse(
  children: Children,
  ctx: Ctx,
  child: Child | undefined,
  request: StartChild,
  error: unknown,
): void {
  if (child !== undefined) {
    reportStartError(ctx, child, error);
    children.remove(ctx, child);
  }
  ctx.fail(request, error);
}

function needsRef(asked: string, given: unknown): InvalidOption {
  const allowed = 'the ref of a child of this dynamic supervisor';
  return new InvalidOption({ field: `${asked}.ref`, given, allowed });
}
