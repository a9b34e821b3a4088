/**
 * The supervisor: an agent that starts children in order, starts them again when they end, and
 * gives up when that happens too often. As OTP's `supervisor`.
 *
 * One question, one place: should it? policy.ts. May it? intensity.ts. Who else? strategy.ts.
 * Doing it: children.ts.
 */
import type { AnyActorLogic, EventObject } from 'xstate';
import {
  InvalidOption,
  StartFailed,
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type HandlerLogic,
  type ReplyTo,
} from '../runtime/index.ts';
import { checkSpecs, markSupervisor, oneOf, type ChildSpec, type ChildSpecOptions } from './child-spec.ts';
import {
  Children,
  causeOf,
  type Child,
  type ChildCount,
  type ChildInfo,
  type Move,
  type Retry,
} from './children.ts';
import {
  AlreadyPresent,
  AlreadyStarted,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
} from './errors.ts';
import { RestartWindow } from './intensity.ts';
import { reportStartError } from './report.ts';
import { STRATEGIES, restartGroup, type Strategy } from './strategy.ts';

/** The options of a supervisor. */
export interface SupervisorOptions {
  /** Specs in start order. */
  readonly children: readonly (ChildSpec | ChildSpecOptions<AnyActorLogic>)[];
  /** Default `'one_for_one'`. */
  readonly strategy?: Strategy;
  /** Restarts that are allowed within `periodMs`; default 1. One more, and the supervisor ends with `shutdown`. */
  readonly intensity?: number;
  /** Milliseconds; default 5,000. */
  readonly periodMs?: number;
  /** Ends the supervisor when a significant child ends by itself, or when the last one does; default `'never'`. */
  readonly autoShutdown?: 'never' | 'any_significant' | 'all_significant';
}

/** What a supervisor can be asked. The functions of management.ts put it into calls. */
export type SupervisorEvent =
  | {
      readonly type: 'startChild';
      readonly spec: ChildSpec;
      readonly replyTo: ReplyTo<ChildStarted>;
    }
  | { readonly type: 'stopChild'; readonly id: string; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'restartChild'; readonly id: string; readonly replyTo: ReplyTo<ChildStarted> }
  | { readonly type: 'deleteChild'; readonly id: string; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> }
  | { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> }
  | {
      readonly type: 'getChildSpec';
      readonly id: string;
      readonly replyTo: ReplyTo<ChildSpecFound>;
    };

export type ChildStarted = { readonly type: 'childStarted'; readonly ref: AnyRef };
export type Done = { readonly type: 'done' };
export type ChildList = { readonly type: 'children'; readonly children: readonly ChildInfo[] };
export type ChildCounted = { readonly type: 'count'; readonly count: ChildCount };
export type ChildSpecFound = { readonly type: 'childSpec'; readonly spec: ChildSpec };

/** The logic of a supervisor: spawn it, or give it to another supervisor as a child. */
export type SupervisorLogic = HandlerLogic<Children, SupervisorEvent>;

type Received = SupervisorEvent | Retry | Down | Exit;
type Ctx = AgentContext<EventObject>;

/**
 * Makes the logic of a supervisor.
 *
 * @example
 * ```ts
 * const desk = supervisor({
 *   strategy: 'rest_for_one',
 *   intensity: 3,
 *   children: [child({ id: 'index', logic: indexMachine }), child({ id: 'editor', logic: editorMachine })],
 * });
 * const root = await system.start(desk, { id: 'desk' });
 * ```
 *
 * Throws `InvalidOption`, which names the field. A tree whose children cannot start rejects its
 * start with `StartFailed`: the path of the child and the first cause.
 */
export function supervisor(options: SupervisorOptions): SupervisorLogic {
  const { strategy, intensity, periodMs, autoShutdown, specs } = check(options);

  const restart = function* (
    children: Children,
    ctx: Ctx,
    child: Child,
    cause: unknown,
  ): Move<void> {
    if (!children.mayRestart(ctx, child, cause)) return;
    const group = restartGroup(strategy, children.ids, child.spec.id).map(
      (id) => children.byId.get(id) as Child,
    );
    for (const sibling of [...group].reverse()) {
      if (sibling === child) continue;
      // A sibling whose own restart is being tried keeps its place: it is started again below.
      if (sibling.status === 'running') yield* stopForRestart(ctx, sibling);
      if (sibling.spec.restart === 'temporary') children.leave(ctx, sibling);
    }
    for (const each of group) {
      if (each.spec.restart === 'temporary') continue;
      if (!(yield* children.restart(ctx, each))) return;
    }
  };

  const onEnded = function* (children: Children, ctx: Ctx, down: Down): Move<void> {
    const child = children.endedBy(down);
    if (child === undefined) return;
    if (children.ended(ctx, child, down.reason))
      yield* restart(children, ctx, child, causeOf(down.reason));
    else if (child.spec.significant && endsSupervisor(autoShutdown, children))
      ctx.end({ type: 'shutdown' });
  };

  const logic = fromHandler({
    interruptible: true,
    initial: () => new Children(new RestartWindow(intensity, periodMs), { intensity, periodMs }),
    *start(children: Children, ctx: AgentContext<Received>) {
      // Only its parent and its children concern it: an exit signal of anybody else is a message that it ignores.
      ctx.trapExit(true);
      for (const spec of specs) {
        const child = children.add(spec);
        try {
          yield* children.start(ctx as Ctx, child, 'info');
        } catch (error) {
          reportStartError(ctx, spec, error);
          throw error instanceof StartFailed
            ? error
            : new StartFailed({ path: `${ctx.self.path}/${spec.id}` }, { cause: error });
        }
      }
    },
    *receive(children: Children, event: Received, context: AgentContext<Received>) {
      const ctx = context as Ctx;
      switch (event.type) {
        case 'troupe.down':
          yield* onEnded(children, ctx, event);
          return;
        case 'supervisor.retry': {
          const child = children.byId.get(event.id);
          if (child?.status === 'restarting')
            yield* restart(children, ctx, child, children.lastFailure.get(child));
          return;
        }
        case 'startChild': {
          const { spec } = event;
          const known = children.byId.get(spec.id);
          if (known?.status === 'running') {
            ctx.fail(event, new AlreadyStarted({ id: spec.id, ref: known.ref as AnyRef }));
          } else if (known !== undefined) ctx.fail(event, new AlreadyPresent({ id: spec.id }));
          else if (spec.significant && autoShutdown === 'never')
            ctx.fail(event, notSignificant('spec.significant'));
          else yield* startOnRequest(children, ctx, children.add(spec), event, true);
          return;
        }
        case 'restartChild': {
          const child = find(children, ctx, event);
          if (child === undefined) return;
          if (child.status === 'running') ctx.fail(event, new ChildRunning({ id: event.id }));
          else if (child.status === 'restarting')
            ctx.fail(event, new ChildRestarting({ id: event.id }));
          else yield* startOnRequest(children, ctx, child, event, false);
          return;
        }
        case 'stopChild': {
          const child = find(children, ctx, event);
          if (child === undefined) return;
          yield* children.stop(ctx, child);
          if (child.spec.restart === 'temporary') children.remove(child);
          ctx.reply(event, { type: 'done' });
          return;
        }
        case 'deleteChild': {
          const child = find(children, ctx, event);
          if (child === undefined) return;
          if (child.status === 'running') ctx.fail(event, new ChildRunning({ id: event.id }));
          else if (child.status === 'restarting')
            ctx.fail(event, new ChildRestarting({ id: event.id }));
          else {
            children.remove(child);
            ctx.reply(event, { type: 'done' });
          }
          return;
        }
        case 'whichChildren':
          ctx.reply(event, { type: 'children', children: children.list() });
          return;
        case 'countChildren':
          ctx.reply(event, { type: 'count', count: children.count() });
          return;
        case 'getChildSpec': {
          const child = find(children, ctx, event);
          if (child !== undefined) ctx.reply(event, { type: 'childSpec', spec: child.spec });
          return;
        }
        case 'troupe.exit':
          return;
        default:
          // OTP's supervisor crashes on a request that it does not know, with its whole tree; ours says no.
          unknownMessage(ctx, event);
      }
    },
  });
  return markSupervisor(logic as unknown as SupervisorLogic);
}

/** A sibling is stopped because of a group restart: it keeps its place, ref and waiting messages. */
function* stopForRestart(ctx: Ctx, child: Child): Move<void> {
  child.status = 'restarting';
  yield* ctx.stopChild(child.ref as AnyRef);
}

function* startOnRequest(
  children: Children,
  ctx: Ctx,
  child: Child,
  request: Extract<SupervisorEvent, { type: 'startChild' | 'restartChild' }>,
  forget: boolean,
): Move<void> {
  try {
    const ref = yield* children.start(ctx, child, 'debug');
    ctx.reply(request, { type: 'childStarted', ref });
  } catch (error) {
    reportStartError(ctx, child.spec, error);
    children.leave(ctx, child);
    if (forget) children.remove(child);
    ctx.fail(request, error);
  }
}

function find(
  children: Children,
  ctx: Ctx,
  request: { readonly type: string; readonly id: string; readonly replyTo: ReplyTo<never> },
): Child | undefined {
  const child = children.byId.get(request.id);
  if (child === undefined)
    ctx.fail(request, new ChildNotFound({ id: request.id, available: children.ids }));
  return child;
}

function endsSupervisor(autoShutdown: string, children: Children): boolean {
  if (autoShutdown === 'any_significant') return true;
  if (autoShutdown === 'never') return false;
  return [...children.byId.values()].every(
    ({ spec, status }) => !spec.significant || status === 'stopped',
  );
}

/** @internal Says no to a message that a supervisor does not know. */
export function unknownMessage(ctx: Ctx, event: EventObject): void {
  ctx.log.warn({ message: event.type }, 'a supervisor got a message that it does not know');
  const error = new InvalidOption({
    field: 'message',
    given: event.type,
    allowed: 'the requests of a supervisor',
  });
  if ('replyTo' in event) ctx.fail(event as never, error);
}

function notSignificant(field: string): InvalidOption {
  return new InvalidOption({
    field,
    given: true,
    allowed: 'true only in a supervisor with autoShutdown',
  });
}

function check(
  options: SupervisorOptions,
): Required<Omit<SupervisorOptions, 'children'>> & { specs: ChildSpec[] } {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOption({
      field: 'supervisor',
      given: options,
      allowed: 'an object with children',
    });
  }
  const {
    strategy = 'one_for_one',
    intensity = 1,
    periodMs = 5_000,
    autoShutdown = 'never',
  } = options;
  oneOf('strategy', strategy, STRATEGIES);
  oneOf('autoShutdown', autoShutdown, ['never', 'any_significant', 'all_significant']);
  checkIntensity(intensity, periodMs);
  const specs = checkSpecs(options.children);
  specs.forEach((spec, index) => {
    if (spec.significant && autoShutdown === 'never')
      throw notSignificant(`children[${index}].significant`);
  });
  return { strategy, intensity, periodMs, autoShutdown, specs };
}

/** @internal Throws `InvalidOption` unless the two make a window. */
export function checkIntensity(intensity: unknown, periodMs: unknown): void {
  if (!Number.isInteger(intensity) || (intensity as number) < 0) {
    throw new InvalidOption({ field: 'intensity', given: intensity, allowed: 'an integer >= 0' });
  }
  if (typeof periodMs !== 'number' || !(periodMs > 0) || !Number.isFinite(periodMs)) {
    throw new InvalidOption({
      field: 'periodMs',
      given: periodMs,
      allowed: 'finite milliseconds > 0',
    });
  }
}
