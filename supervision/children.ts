/**
 * The children of one supervisor: what is known of each, and the moves that both kinds of
 * supervisor make with them. Moves that wait are generators, so that their supervisor is deaf to
 * other requests meanwhile, as OTP's is.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  StartFailed,
  type AgentContext,
  type AnyRef,
  type ChildSpawnOptions,
  type Down,
  type ExitReason,
  type StartOutcome,
  type Wait,
} from '../runtime/index.ts';
import { Roster, idOf, type Slot } from '../runtime/internal.ts';
import { backoffMs } from './backoff.ts';
import type { ChildSpec } from './child-spec.ts';
import { RestartIntensityReached, type RestartLimit } from './errors.ts';
import { RestartWindow } from './intensity.ts';
import { isReported, shouldRestart, stoppedWell } from './policy.ts';
import {
  reportGivingUp,
  reportProgress,
  reportShutdownErrors,
  reportStartError,
  reportTerminated,
} from './report.ts';

/** What a supervisor knows of one child. */
export interface Child {
  spec: ChildSpec;
  /**
   * `restarting`: the next try of its restart is on its way. `stopped` with a ref: it was stopped
   * for the restart of a group that has not come to it yet, and keeps its place.
   */
  status: 'running' | 'restarting' | 'stopped';
  /** The ref of a child that has a place. */
  ref: AnyRef | undefined;
  /** Which life of the child is meant: a `Down` of an earlier one is old news. */
  incarnation: number;
  /** Restarts since it was added, those in a row that backoff counts, and starts that failed in a row. */
  restarts: number;
  attempts: number;
  failedStarts: number;
  /** Kept for a child with a backoff. */
  startedAtMs: number;
  /** Why it ended, or could not start, the last time. */
  cause: unknown;
  /** @internal */
  slot: Slot<unknown> | undefined;
}

/** A child as `whichChildren` lists it. */
export interface ChildInfo {
  readonly id: string;
  readonly ref: AnyRef | 'restarting' | undefined;
  readonly type: 'worker' | 'supervisor';
}

/** How many children there are: by spec, alive, and of each type, dead ones included. */
export interface ChildCount {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** The message that a supervisor gets from its own timer when the restart of a child is due. */
export interface Retry {
  readonly type: 'supervisor.retry';
  readonly id: string;
}

/** A start that did not fail. */
export interface Started {
  /** Undefined when the child had nothing to do and is gone. */
  readonly ref: AnyRef | undefined;
  /** What the child handed over with `ctx.startInfo`. */
  readonly info: unknown;
}

/** How often a supervisor restarts before it gives up. */
export interface Intensity {
  readonly intensity: number;
  readonly periodMs: number;
}

/** What a move hands to the supervisor's handler. */
export type Move<T> = Generator<Wait<unknown>, T, unknown>;

type Ctx = AgentContext<EventObject>;

/** The children of one supervisor, in start order. */
export class Children {
  readonly byId = new Roster<Child>();
  #limit: Intensity = { intensity: 0, periodMs: 1 };
  #window = new RestartWindow(0, 1);

  /** Says how often there may be restarts; until then none is allowed. */
  limit({ intensity, periodMs }: Intensity): void {
    // These two alone: a plan has the specs too, and an error tells what it is given.
    this.#limit = { intensity, periodMs };
    this.#window = new RestartWindow(intensity, periodMs);
  }

  get ids(): string[] {
    return [...this.byId.keys()];
  }

  /** The refs of all children in the order in which they are stopped: the reverse of that of their specs. */
  stopOrder(): AnyRef[] {
    const refs = [...this.byId.values()].map(({ ref }) => ref);
    return refs.filter((ref) => ref !== undefined).reverse();
  }

  /** Newest first, as OTP lists them. */
  list(): ChildInfo[] {
    return [...this.byId.values()]
      .map(({ spec: { id, type }, status, ref }) => ({
        id,
        ref: status === 'restarting' ? status : status === 'running' ? ref : undefined,
        type,
      }))
      .reverse();
  }

  count(): ChildCount {
    let active = 0;
    let supervisors = 0;
    for (const { spec, status } of this.byId.values()) {
      if (status === 'running') active += 1;
      if (spec.type === 'supervisor') supervisors += 1;
    }
    const specs = this.byId.size;
    return { specs, active, supervisors, workers: specs - supervisors };
  }

  /** What decides of their future, for whoever compares states: no times, and no number that only grows. */
  toJSON(): unknown {
    const children = [...this.byId.values()].map(({ spec, status, ref, ...counts }) => ({
      id: spec.id,
      status,
      ref,
      restarts: spec.restartsMax === Infinity ? undefined : counts.restarts,
      failedStarts: spec.failedStartsMax === Infinity ? undefined : counts.failedStarts,
      nextDelayMs: spec.backoff && backoffMs(spec.backoff, counts.attempts, 0),
    }));
    return { children, restarts: this.#window };
  }

  /** The child whose present life a `Down` is about; undefined when it is old news or a stranger's. */
  endedBy({ ref, incarnation }: Down): Child | undefined {
    const child = this.byId.get(idOf(ref));
    const current = child?.status === 'running' && child.incarnation === incarnation;
    // The ref too: a child that was started anew under the same id begins at the same incarnation.
    return current && child.ref === ref ? child : undefined;
  }

  /** The child that lives where a ref points to, in the place below `parent` that bears its id. */
  at(parent: AnyRef, ref: AnyRef): Child | undefined {
    const id = idOf(ref);
    return ref.address === `${parent.address}/${id}` ? this.byId.get(id) : undefined;
  }

  add(spec: ChildSpec): Child {
    const child: Child = {
      spec,
      status: 'stopped',
      ref: undefined,
      incarnation: 0,
      restarts: 0,
      attempts: 0,
      failedStarts: 0,
      startedAtMs: 0,
      cause: undefined,
      slot: undefined,
    };
    this.byId.add(spec.id, child);
    return child;
  }

  /** Forgets a child that does not run; its place is given up. */
  remove(ctx: Ctx, child: Child): void {
    this.leave(ctx, child);
    this.byId.delete(child.spec.id, child);
  }

  /**
   * Starts a child in a new place, or a new life in the place that it kept. Gives no ref when the
   * child had nothing to do; throws `StartFailed` when it cannot start.
   */
  *start(ctx: Ctx, child: Child, level: 'info' | 'debug'): Move<Started> {
    return yield* this.started(ctx, child, this.begin(ctx, child), level);
  }

  /** Waits for a start that has begun. */
  *started(
    ctx: Ctx,
    child: Child,
    start: Wait<StartOutcome>,
    level: 'info' | 'debug',
  ): Move<Started> {
    const outcome = yield* start;
    if (!outcome.ignored) return this.up(ctx, child, outcome, level);
    yield* this.#ignored(ctx, child);
    return { ref: undefined, info: outcome.info };
  }

  /** A child had nothing to do: it is on its way out, and its place is free once it is gone. */
  *#ignored(ctx: Ctx, child: Child): Move<void> {
    yield* ctx.stopChild(child.ref as AnyRef);
    this.leave(ctx, child);
  }

  /** Notes that a child has started. */
  up(ctx: Ctx, child: Child, { info }: StartOutcome, level: 'info' | 'debug'): Started {
    const { spec, ref } = child;
    child.status = 'running';
    if (spec.backoff !== undefined) child.startedAtMs = ctx.now();
    child.failedStarts = 0;
    // A temporary child is never started again, and its input may be large.
    if (spec.restart === 'temporary' && spec.input !== undefined) child.spec = spec.withoutInput();
    reportProgress(ctx, child, level);
    return { ref, info };
  }

  /** Stops a child that runs, or the tries of its restart. It keeps its place. */
  *halt(ctx: Ctx, child: Child): Move<void> {
    const { spec, ref, status } = child;
    if (status === 'restarting') ctx.cancel(timerOf(spec.id));
    child.status = 'stopped';
    if (status !== 'running') return;
    const reason = yield* ctx.stopChild(ref as AnyRef);
    if (!stoppedWell(spec.restart, spec.shutdown, reason))
      reportShutdownErrors(ctx, [{ child, reason }]);
  }

  /** Stops a child that runs, or the tries of its restart; its place is given up. */
  *stop(ctx: Ctx, child: Child): Move<void> {
    yield* this.halt(ctx, child);
    this.leave(ctx, child);
  }

  /** Notes that a child ended by itself; gives the delay of its restart, or undefined when it stays down. */
  ended(ctx: Ctx, child: Child, reason: ExitReason): number | undefined {
    const { restart, backoff } = child.spec;
    const restarts = shouldRestart(restart, reason);
    if (restarts) {
      child.status = 'restarting';
      child.cause = causeOf(reason);
      child.restarts += 1;
      if (backoff !== undefined) {
        const quietMs = ctx.now() - child.startedAtMs;
        if (quietMs >= (backoff.resetAfterMs ?? backoff.maxMs)) child.attempts = 0;
      }
    }
    const delayMs = restarts ? this.#delayMs(ctx, child) : undefined;
    if (isReported(restart, reason)) reportTerminated(ctx, child, reason, delayMs);
    if (!restarts) this.leave(ctx, child);
    return delayMs;
  }

  /**
   * Has the restart tried after a delay. Even without one it comes as a message to the supervisor,
   * so that what waits there already, such as a stop of this very child, gets in between; and as a
   * timer's, which no full mailbox refuses.
   */
  retryIn(ctx: Ctx, child: Child, delayMs: number): void {
    const { id } = child.spec;
    const retry: Retry = { type: 'supervisor.retry', id };
    ctx.after(delayMs, retry, { id: timerOf(id) });
  }

  /** A child stays down: its place is given up, and a temporary one is forgotten. */
  leave(ctx: Ctx, child: Child): void {
    const { ref } = child;
    child.status = 'stopped';
    child.ref = undefined;
    if (ref !== undefined) ctx.release(ref);
    if (child.spec.restart === 'temporary') this.byId.delete(child.spec.id, child);
  }

  /** Counts one restart; when it is one too many, the supervisor ends with the true cause beside `shutdown`. */
  mayRestart(ctx: Ctx, child: Child): boolean {
    const limit = this.#window.add(ctx.now()) ? limitOf(child) : 'intensity';
    if (limit === undefined) return true;
    const { spec, cause } = child;
    const { path } = ctx.self;
    const error = new RestartIntensityReached(
      { path, child: spec.id, limit, ...this.#limit, ...maximaOf(spec) },
      { cause },
    );
    reportGivingUp(ctx, child, error);
    ctx.end({ type: 'shutdown', detail: 'reached_max_restart_intensity', cause: error });
    return false;
  }

  /** Starts a child again; a failure is tried again later, and the child is still `restarting`. */
  *restart(ctx: Ctx, child: Child): Move<void> {
    try {
      const outcome = yield* this.begin(ctx, child);
      if (outcome.ignored) yield* this.#ignored(ctx, child);
      else this.up(ctx, child, outcome, 'info');
    } catch (error) {
      child.status = 'restarting';
      child.cause = error;
      child.restarts += 1;
      child.failedStarts += 1;
      const delayMs = this.#delayMs(ctx, child);
      reportStartError(ctx, child, error, delayMs);
      this.retryIn(ctx, child, delayMs);
    }
  }

  /** All have ended with their supervisor: tells of those that did not end as they were told to. */
  reportEnds(ctx: Ctx): void {
    const bad: { readonly child: Child; readonly reason: ExitReason }[] = [];
    for (const child of this.byId.values()) {
      if (child.status !== 'running') continue;
      // What an ended child ended with is there at once.
      const { done, value } = ctx
        .stopChild(child.ref as AnyRef)
        [Symbol.iterator]()
        .next();
      const { restart, shutdown } = child.spec;
      if (done === true && !stoppedWell(restart, shutdown, value))
        bad.push({ child, reason: value });
    }
    if (bad.length > 0) reportShutdownErrors(ctx, bad);
  }

  /** Begins a new life in the place that the child kept, or in a new place. */
  begin(ctx: Ctx, child: Child): Wait<StartOutcome> {
    const { ref } = child;
    if (ref !== undefined) {
      try {
        const started = ctx.restart(ref);
        child.incarnation += 1;
        ctx.monitor(ref);
        return started;
      } catch (error) {
        // Somebody stopped the vacant place itself: the child gets a new one.
        if (!(error instanceof InvalidOption)) throw error;
        child.ref = undefined;
      }
    }
    const place = spawn(ctx, child.spec);
    child.ref = place;
    child.incarnation = 1;
    ctx.monitor(place);
    return ctx.started(place);
  }

  /** How long the next restart has to wait. One that is not allowed waits for nothing. */
  #delayMs(ctx: Ctx, child: Child): number {
    const { backoff } = child.spec;
    if (backoff === undefined || limitOf(child) !== undefined) return 0;
    child.attempts += 1;
    return backoffMs(backoff, child.attempts - 1, ctx.random());
  }
}

function spawn(ctx: Ctx, spec: ChildSpec): AnyRef {
  const { id, logic, input, name, mailbox, shutdown, trapExit, persist } = spec;
  try {
    // What is undefined counts as not given.
    const options = { id, input, shutdown, trapExit, hold: true, name, mailbox, persist };
    // A temporary child is never started again: nobody needs its place.
    if (spec.restart === 'temporary') options.hold = false;
    return ctx.spawn(logic, options as ChildSpawnOptions);
  } catch (cause) {
    // Such as a name that somebody else holds.
    throw new StartFailed({ path: `${ctx.self.path}/${id}` }, { cause });
  }
}

/** Which of the child's own limits its next restart breaks. */
function limitOf({ spec, restarts, failedStarts }: Child): RestartLimit | undefined {
  if (restarts > spec.restartsMax) return 'restartsMax';
  return failedStarts > spec.failedStartsMax ? 'failedStartsMax' : undefined;
}

function maximaOf(spec: ChildSpec): {
  readonly restartsMax: number;
  readonly failedStartsMax: number;
} {
  return { restartsMax: spec.restartsMax, failedStartsMax: spec.failedStartsMax };
}

function timerOf(id: string): string {
  return `restart ${id}`;
}

/** What an exit reason says of its cause, to be carried on. */
function causeOf(reason: ExitReason): unknown {
  if (reason.type === 'crash') return reason.error;
  return reason.type === 'shutdown' ? (reason.cause ?? reason.detail ?? reason.type) : reason.type;
}
