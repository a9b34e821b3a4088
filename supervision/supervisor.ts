/**
 * The supervisor: an agent that starts children in order, starts them again when they end, and
 * gives up when that happens too often. As OTP's `supervisor`.
 *
 * One question, one place: should it? policy.ts. May it? intensity.ts. Who else? strategy.ts.
 * Doing it: children.ts. What it is told to be: plan.ts. What can be asked of it: request.ts.
 */
import type { EventObject, NonReducibleUnknown } from 'xstate';
import {
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type ExitReason,
  type HandlerLogic,
} from '../runtime/index.ts';
import { ChildSpec, checkNotSignificant, markSupervisor } from './child-spec.ts';
import { Children, type Child, type Move, type Retry } from './children.ts';
import {
  AlreadyPresent,
  AlreadyStarted,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
} from './errors.ts';
import { keepPlan, planOf, type Plan, type SupervisorOptions } from './plan.ts';
import { reportStartError } from './report.ts';
import {
  answerStarted,
  isRequest,
  obeyParent,
  unknownMessage,
  type SupervisorEvent,
} from './request.ts';
import { restartGroup, type Strategy } from './strategy.ts';

/** The state of a supervisor. */
export interface Supervision {
  readonly input: unknown;
  readonly children: Children;
  /** Undefined until it has started. */
  plan: Plan | undefined;
}

/** The logic of a supervisor: spawn it, or give it to another supervisor as a child. */
export type SupervisorLogic<TInput = NonReducibleUnknown> = HandlerLogic<
  Supervision,
  SupervisorEvent,
  TInput
>;

type Received = SupervisorEvent | Retry | Down | Exit;
type Ctx = AgentContext<EventObject>;

/**
 * Makes the logic of a supervisor, from options, or from a function that gives them at each start:
 * from the input that the supervisor is spawned with, and `undefined` when there is nothing to do.
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
 * Throws `InvalidOption`, which names the field; what a function gives is checked at the start. A
 * tree whose children cannot start rejects its start with `StartFailed`: the path of the child and
 * the first cause.
 */
export function supervisor(options: SupervisorOptions): SupervisorLogic;
export function supervisor<TInput = NonReducibleUnknown>(
  options: (input: TInput) => SupervisorOptions | undefined,
): SupervisorLogic<TInput>;
export function supervisor(
  options: SupervisorOptions | ((input: never) => SupervisorOptions | undefined),
): SupervisorLogic {
  const fixed = typeof options === 'function' ? undefined : planOf(options);
  const init = (input: unknown): Plan | undefined => {
    if (typeof options !== 'function') return fixed;
    const given = options(input as never);
    return given === undefined ? undefined : planOf(given);
  };

  const logic = fromHandler({
    interruptible: true,
    // Its children have their own time to end, however long it is.
    shutdown: 'infinity',
    stopChildren: ({ children }: Supervision) => children.stopOrder(),
    initial: (input: unknown): Supervision => ({
      input,
      children: new Children(),
      plan: undefined,
    }),
    *start(state: Supervision, context: AgentContext<Received>) {
      const ctx = context as Ctx;
      // Only its parent and its children concern it: an exit signal of anybody else is a message that it ignores.
      ctx.trapExit(true);
      state.plan = init(state.input);
      if (state.plan === undefined) ctx.ignore();
      else yield* startAll(state.children, ctx, state.plan);
    },
    // Only what waits is a generator, and few of them stand in each other: all are resumed for a start.
    receive({ children, plan }: Supervision, event: Received, context: AgentContext<Received>) {
      const ctx = context as Ctx;
      switch (event.type) {
        case 'troupe.down':
          return onEnded(children, ctx, plan as Plan, event);
        case 'supervisor.retry': {
          const child = children.byId.get(event.id);
          if (child?.status !== 'restarting') return undefined;
          return restart(children, ctx, plan as Plan, child);
        }
        case 'troupe.exit':
          return obeyParent(ctx, event);
        default:
          // OTP's supervisor crashes on a request that it does not know, with its whole tree; ours says no.
          if (isRequest(event)) return onRequest(children, ctx, plan as Plan, event);
          return unknownMessage(ctx, event);
      }
    },
    stop({ children }: Supervision, _reason: ExitReason, ctx: AgentContext<Received>) {
      children.reportEnds(ctx as Ctx);
    },
  });
  if (fixed !== undefined) keepPlan(logic, fixed);
  return markSupervisor(logic as unknown as SupervisorLogic);
}

function* startAll(children: Children, ctx: Ctx, plan: Plan): Move<void> {
  children.limit(plan);
  for (const spec of plan.specs) {
    const child = children.add(spec);
    try {
      yield* children.start(ctx, child, 'info');
    } catch (error) {
      reportStartError(ctx, child, error);
      throw error;
    }
  }
}

function onEnded(children: Children, ctx: Ctx, plan: Plan, down: Down): Move<void> | undefined {
  const child = children.endedBy(down);
  if (child === undefined) return undefined;
  const delayMs = children.ended(ctx, child, down.reason);
  if (delayMs === 0) return restart(children, ctx, plan, child);
  if (delayMs !== undefined) children.retryIn(ctx, child, delayMs);
  else if (child.spec.significant && endsSupervisor(plan, children)) ctx.end({ type: 'shutdown' });
  return undefined;
}

function restart(
  children: Children,
  ctx: Ctx,
  { strategy }: Plan,
  child: Child,
): Move<void> | undefined {
  if (!children.mayRestart(ctx, child)) return undefined;
  if (strategy === 'one_for_one') return children.restart(ctx, child);
  return restartAll(children, ctx, strategy, child);
}

function* restartAll(children: Children, ctx: Ctx, strategy: Strategy, child: Child): Move<void> {
  const group = groupOf(children, strategy, child);
  for (const sibling of [...group].reverse()) {
    if (sibling === child) continue;
    yield* children.halt(ctx, sibling);
    if (sibling.spec.restart === 'temporary') children.leave(ctx, sibling);
  }
  for (const each of group) {
    if (each.spec.restart === 'temporary') continue;
    yield* children.restart(ctx, each);
    if (each.status === 'restarting') return;
  }
}

/** Who is restarted for the child, itself included, in start order. */
function groupOf(children: Children, strategy: Strategy, child: Child): Child[] {
  const ids = restartGroup(strategy, children.ids, child.spec.id);
  return ids.map((id) => children.byId.get(id) as Child);
}

function endsSupervisor({ autoShutdown }: Plan, children: Children): boolean {
  if (autoShutdown !== 'all_significant') return autoShutdown === 'any_significant';
  return [...children.byId.values()].every(
    ({ spec, status }) => !spec.significant || status === 'stopped',
  );
}

function onRequest(
  children: Children,
  ctx: Ctx,
  plan: Plan,
  request: SupervisorEvent,
): Move<void> | void {
  switch (request.type) {
    case 'startChild':
      return onStartChild(children, ctx, plan, request);
    case 'whichChildren':
      return ctx.reply(request, { type: 'children', children: children.list() });
    case 'countChildren':
      return ctx.reply(request, { type: 'count', count: children.count() });
    case 'stopChild':
    case 'restartChild':
    case 'deleteChild':
    case 'getChildSpec': {
      const { id } = request;
      const child = children.byId.get(id);
      if (child !== undefined) return onChildRequest(children, ctx, child, request);
      return ctx.fail(request, new ChildNotFound({ id, available: children.ids }));
    }
    default:
      return unknownMessage(ctx, request);
  }
}

function onStartChild(
  children: Children,
  ctx: Ctx,
  plan: Plan,
  request: Extract<SupervisorEvent, { type: 'startChild' }>,
): Move<void> | void {
  let child: Child;
  try {
    child = children.add(newSpec(children, plan, request.spec));
  } catch (error) {
    return ctx.fail(request, error);
  }
  return startOnRequest(children, ctx, child, request);
}

/** The spec of a child that is to be added; throws what is wrong with it. */
function newSpec(children: Children, plan: Plan, given: ChildSpec): ChildSpec {
  const spec = ChildSpec.from(given, 'spec');
  const { id } = spec;
  const known = children.byId.get(id);
  if (known?.status === 'running') throw new AlreadyStarted({ id, ref: known.ref as AnyRef });
  if (known !== undefined) throw new AlreadyPresent({ id });
  if (plan.autoShutdown === 'never') checkNotSignificant(spec, 'spec');
  return spec;
}

function* onChildRequest(
  children: Children,
  ctx: Ctx,
  child: Child,
  request: Extract<SupervisorEvent, { id: string }>,
): Move<void> {
  const { id } = request;
  switch (request.type) {
    case 'stopChild': {
      const wasTried = child.status === 'restarting';
      yield* children.stop(ctx, child);
      if (wasTried) giveUpPlaces(children, ctx);
      ctx.reply(request, { type: 'done' });
      return;
    }
    case 'getChildSpec':
      ctx.reply(request, { type: 'childSpec', spec: child.spec });
      return;
    default:
  }
  if (child.status === 'running') ctx.fail(request, new ChildRunning({ id }));
  else if (child.status === 'restarting') ctx.fail(request, new ChildRestarting({ id }));
  else if (request.type === 'restartChild') yield* startOnRequest(children, ctx, child, request);
  else {
    children.remove(ctx, child);
    ctx.reply(request, { type: 'done' });
  }
}

function* startOnRequest(
  children: Children,
  ctx: Ctx,
  child: Child,
  request: Extract<SupervisorEvent, { type: 'startChild' | 'restartChild' }>,
): Move<void> {
  try {
    const started = yield* children.start(ctx, child, 'debug');
    answerStarted(ctx, request, started);
  } catch (error) {
    reportStartError(ctx, child, error);
    if (request.type === 'startChild') children.remove(ctx, child);
    else children.leave(ctx, child);
    ctx.fail(request, error);
  }
}

/**
 * Whoever was stopped for the restart of a group stays down when that restart is called off, as in
 * OTP; so what waits for it is told at once that nobody will come.
 */
function giveUpPlaces(children: Children, ctx: Ctx): void {
  for (const child of children.byId.values()) {
    if (child.status === 'stopped' && child.ref !== undefined) children.leave(ctx, child);
  }
}
