/**
 * The children of one supervisor: what is known of each, and the moves that both kinds of
 * supervisor make with them. Moves that wait are generators, so that their supervisor is deaf to
 * other requests meanwhile, as OTP's is.
 */
import type { EventObject } from 'xstate';
import type { AgentContext, AnyRef, Down, ExitReason, Wait } from '../runtime/index.ts';
import type { ChildSpec } from './child-spec.ts';
import { RestartIntensityReached } from './errors.ts';
import type { RestartWindow } from './intensity.ts';
import { isReported, shouldRestart, stoppedWell } from './policy.ts';
import {
  reportGivingUp,
  reportProgress,
  reportShutdownError,
  reportStartError,
  reportTerminated,
} from './report.ts';

/** What a supervisor knows of one child. */
export interface Child {
  readonly spec: ChildSpec;
  status: 'running' | 'restarting' | 'stopped';
  /** The ref of a child that runs or is being restarted. */
  ref: AnyRef | undefined;
  /** Which life of the child is meant: a `Down` of an earlier one is old news. */
  incarnation: number;
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

/** The message that a supervisor sends itself to try a failed restart again, behind what waits already. */
export interface Retry {
  readonly type: 'supervisor.retry';
  readonly id: string;
}

/** What a move hands to the supervisor's handler. */
export type Move<T> = Generator<Wait<unknown>, T, unknown>;

type Ctx = AgentContext<EventObject>;

/** The children of one supervisor, in start order. */
export class Children {
  readonly byId = new Map<string, Child>();
  readonly #window: RestartWindow;
  readonly #limit: { readonly intensity: number; readonly periodMs: number };

  constructor(
    window: RestartWindow,
    limit: { readonly intensity: number; readonly periodMs: number },
  ) {
    this.#window = window;
    this.#limit = limit;
  }

  get ids(): string[] {
    return [...this.byId.keys()];
  }

  /** Newest first, as OTP lists them. */
  list(): ChildInfo[] {
    return [...this.byId.values()]
      .map(({ spec, status, ref }) => ({
        id: spec.id,
        ref:
          status === 'restarting'
            ? ('restarting' as const)
            : status === 'running'
              ? ref
              : undefined,
        type: spec.type,
      }))
      .reverse();
  }

  count(): ChildCount {
    const all = [...this.byId.values()];
    const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
    const active = all.filter(({ status }) => status === 'running').length;
    return { specs: all.length, active, supervisors, workers: all.length - supervisors };
  }

  /** The child whose present life a `Down` is about; undefined when it is old news or a stranger's. */
  endedBy(down: Down): Child | undefined {
    for (const child of this.byId.values()) {
      if (child.ref === down.ref) {
        return child.status === 'running' && child.incarnation === down.incarnation
          ? child
          : undefined;
      }
    }
    return undefined;
  }

  add(spec: ChildSpec): Child {
    const child: Child = { spec, status: 'stopped', ref: undefined, incarnation: 0 };
    this.byId.set(spec.id, child);
    return child;
  }

  remove(child: Child): void {
    this.byId.delete(child.spec.id);
  }

  /** Starts a child in a new place, or a new life in the place that it kept. Throws when it cannot start. */
  *start(ctx: Ctx, child: Child, level: 'info' | 'debug'): Move<AnyRef> {
    const { spec } = child;
    const vacant = child.ref;
    const started = vacant === undefined ? undefined : ctx.restart(vacant);
    const ref = vacant ?? this.#spawn(ctx, spec);
    child.ref = ref;
    child.incarnation = vacant === undefined ? 1 : child.incarnation + 1;
    ctx.monitor(ref);
    yield* started ?? ctx.started(ref);
    child.status = 'running';
    reportProgress(ctx, spec, level);
    return ref;
  }

  /** Stops a child that runs, or a retry of its restart; its place is given up. */
  *stop(ctx: Ctx, child: Child): Move<void> {
    const { spec, ref, status } = child;
    child.status = 'stopped';
    child.ref = undefined;
    if (ref === undefined) return;
    if (status === 'running') {
      const reason: ExitReason = yield* ctx.stopChild(ref);
      if (!stoppedWell(spec.restart, spec.shutdown, reason)) reportShutdownError(ctx, spec, reason);
    }
    ctx.release(ref);
  }

  /** Notes that a child ended by itself and says whether it is to be restarted. */
  ended(ctx: Ctx, child: Child, reason: ExitReason): boolean {
    const { spec } = child;
    if (isReported(spec.restart, reason)) reportTerminated(ctx, spec, reason);
    if (shouldRestart(spec.restart, reason)) {
      child.status = 'restarting';
      return true;
    }
    this.leave(ctx, child);
    return false;
  }

  /** A child stays down: its place is given up, and a temporary one is forgotten. */
  leave(ctx: Ctx, child: Child): void {
    const { ref } = child;
    child.status = 'stopped';
    child.ref = undefined;
    if (ref !== undefined) ctx.release(ref);
    if (child.spec.restart === 'temporary') this.remove(child);
  }

  /** Counts one restart; when it is one too many, the supervisor ends with the true cause beside `shutdown`. */
  mayRestart(ctx: Ctx, child: Child, cause: unknown): boolean {
    if (this.#window.add(ctx.now())) return true;
    const path = ctx.self.path;
    const error = new RestartIntensityReached(
      { path, child: child.spec.id, ...this.#limit },
      { cause },
    );
    reportGivingUp(ctx, child.spec, error);
    ctx.end({ type: 'shutdown', detail: 'reached_max_restart_intensity', cause: error });
    return false;
  }

  /** Starts a child again; a failure is tried again through the supervisor's own mailbox. */
  *restart(ctx: Ctx, child: Child): Move<boolean> {
    try {
      yield* this.start(ctx, child, 'info');
      return true;
    } catch (error) {
      child.status = 'restarting';
      this.lastFailure.set(child, error);
      reportStartError(ctx, child.spec, error);
      const retry: Retry = { type: 'supervisor.retry', id: child.spec.id };
      ctx.send(ctx.self, retry);
      return false;
    }
  }

  /** Why the last attempt to restart a child failed. */
  readonly lastFailure = new WeakMap<Child, unknown>();

  #spawn(ctx: Ctx, spec: ChildSpec): AnyRef {
    const { id, logic, input, name, mailbox, shutdown, trapExit, persist } = spec;
    const options = { id, input, shutdown, trapExit, hold: true };
    return ctx.spawn(logic, {
      ...options,
      ...(name !== undefined && { name }),
      ...(mailbox !== undefined && { mailbox }),
      ...(persist !== undefined && { persist }),
    });
  }
}

/** What an exit reason says of its cause, to be carried on. */
export function causeOf(reason: ExitReason): unknown {
  if (reason.type === 'crash') return reason.error;
  return reason.type === 'shutdown' ? (reason.cause ?? reason.detail ?? reason.type) : reason.type;
}
