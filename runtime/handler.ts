/**
 * Function agents: logic as a function of state, event and context. An XState logic like any other,
 * and the fast path: no promise and no snapshot object per message.
 *
 * A handler is a plain function, or waits as a generator (`yield* ctx.ask(…)`), which the runtime
 * resumes synchronously, or as an async function. While it waits the agent is deaf to messages, as
 * in `gen_server:call`.
 */
import type { ActorLogic, AnyActorRef, EventObject, NonReducibleUnknown, Snapshot } from 'xstate';
import type { Behavior, Received } from './behavior.ts';
import type { AgentContext, Context } from './context.ts';
import type { Envelope } from './envelope.ts';
import { InvalidOption, Unhandled } from './errors.ts';
import type { ExitReason } from './exit.ts';
import type { Life } from './life.ts';
import type { AnyRef } from './ref.ts';
import { checkShutdown, type Shutdown } from './spawn-options.ts';
import type { SavedSnapshot } from './store.ts';
import { checkFlag, checkFunction, checkOptions } from './options.ts';
import { Wait } from './wait.ts';

/** What a handler gives back: the next state, or nothing when it stays as it is; at once or later. */
export type Handled<TState> =
  TState | void | Generator<Wait<unknown>, TState | void, unknown> | Promise<TState | void>;

/** The parts of a function agent. Only `receive` is required. */
export interface Handler<TState, TEvent extends EventObject, TInput, TEmitted extends EventObject> {
  /** The first state, from the input; pure, since it may be called before the start. */
  initial?(input: TInput): TState;
  /** Runs once, before any message; the agent has started when it returns. */
  start?(state: TState, ctx: AgentContext<TEvent, TEmitted>): Handled<NoInfer<TState>>;
  /**
   * Runs once, right after the start and before any message, also one that was sent earlier. Whoever
   * waits for the start does not wait for this: the place for what takes time, such as connecting.
   */
  afterStart?(state: TState, ctx: AgentContext<TEvent, TEmitted>): Handled<NoInfer<TState>>;
  /** Handles one message. */
  receive(
    state: TState,
    event: TEvent,
    ctx: AgentContext<TEvent, TEmitted>,
  ): Handled<NoInfer<TState>>;
  /** Cleans up: runs at every end but a kill, after the children have ended. */
  stop?(
    state: TState,
    reason: ExitReason,
    ctx: AgentContext<TEvent, TEmitted>,
  ): void | Promise<void>;
  /**
   * How its children are stopped with it: one by one in reverse spawn order (the default), all at
   * once, or one by one in the order that the function gives.
   */
  readonly stopChildren?: 'ordered' | 'parallel' | ((state: TState) => readonly AnyRef[]);
  /** Grace of such an agent where its spawn gives none; default 5,000 ms. */
  readonly shutdown?: Shutdown;
  /** A stop cuts a waiting handler off even when the agent traps exits. Default false. */
  readonly interruptible?: boolean;
}

/** The snapshot of a function agent: its state is the `context`. */
export type HandlerSnapshot<TState, TOutput = unknown> = Snapshot<TOutput> & {
  readonly context: TState;
};

const PARTS = Symbol('troupe.handler');

const HANDLER_KEYS: Record<keyof AnyHandler, true> = {
  initial: true,
  start: true,
  afterStart: true,
  receive: true,
  stop: true,
  stopChildren: true,
  interruptible: true,
  shutdown: true,
};

/** The logic of a function agent. */
export interface HandlerLogic<
  TState,
  TEvent extends EventObject,
  TInput = NonReducibleUnknown,
  TOutput = unknown,
  TEmitted extends EventObject = EventObject,
> extends ActorLogic<
  HandlerSnapshot<TState, TOutput>,
  TEvent,
  TInput,
  AnyActorRef['system'],
  TEmitted
> {
  /** @internal */
  readonly [PARTS]: unknown;
}

/**
 * Makes the logic of a function agent.
 *
 * @example
 * ```ts
 * type CounterEvent =
 *   | { type: 'add'; amount: number }
 *   | { type: 'read'; replyTo: ReplyTo<{ type: 'total'; total: number }> };
 *
 * const counter = fromHandler({
 *   initial: () => 0,
 *   receive(total, event: CounterEvent, ctx) {
 *     if (event.type === 'add') return total + event.amount;
 *     ctx.reply(event, { type: 'total', total });
 *     return total;
 *   },
 * });
 * ```
 */
export function fromHandler<
  TState = undefined,
  TEvent extends EventObject = EventObject,
  TInput = NonReducibleUnknown,
  TEmitted extends EventObject = EventObject,
>(
  handler: Handler<TState, TEvent, TInput, TEmitted>,
): HandlerLogic<TState, TEvent, TInput, unknown, TEmitted> {
  if (typeof handler?.receive !== 'function') {
    throw new InvalidOption({
      field: 'fromHandler',
      given: handler,
      allowed: 'an object with a function receive',
    });
  }
  checkOptions(handler, Object.keys(HANDLER_KEYS), 'fromHandler');
  for (const hook of ['initial', 'start', 'afterStart', 'stop'] as const)
    checkFunction(`fromHandler.${hook}`, handler[hook], true);
  checkFlag('fromHandler.interruptible', handler.interruptible);
  if (handler.shutdown !== undefined) checkShutdown('fromHandler.shutdown', handler.shutdown);
  const { stopChildren = 'ordered' } = handler;
  if (typeof stopChildren !== 'function' && !['ordered', 'parallel'].includes(stopChildren)) {
    const allowed = "'ordered' or 'parallel', or a function that gives the order";
    throw new InvalidOption({ field: 'fromHandler.stopChildren', given: stopChildren, allowed });
  }
  const hosted = (): never => {
    throw new Unhandled({
      address: 'a plain XState actor',
      message: 'fromHandler',
      why: 'a function agent runs in a troupe system: spawn it there',
    });
  };
  return {
    transition: hosted,
    getInitialSnapshot: hosted,
    getPersistedSnapshot: (snapshot) => snapshot,
    config: handler,
    [PARTS]: handler,
  };
}

type AnyHandler = Handler<unknown, EventObject, unknown, EventObject>;

/** The handler of a logic that `fromHandler` made. */
export function handlerOf(logic: object): AnyHandler | undefined {
  return PARTS in logic ? (logic[PARTS] as AnyHandler) : undefined;
}

type Steps = Generator<Wait<unknown>, unknown, unknown>;

/** What is waited for between the start and what follows it: nothing, for the cell goes on at once. */
const STARTED = new Wait<undefined>();
STARTED.settle(undefined);

/** Runs a handler for one life. */
export class HandlerBehavior implements Behavior {
  readonly #handler: AnyHandler;
  readonly #life: Life;
  #state: unknown;
  /** Failed: the state is what `initial` threw. */
  #initialised: boolean | 'failed' = false;
  #wait: Wait<unknown> | undefined;
  /** Goes on when the wait has settled; undefined for an async handler, whose end the wait is. */
  #suspended: Steps | undefined;
  /** There is something left to be done after the start and before the first message. */
  #goesOn: boolean;

  constructor(handler: AnyHandler, life: Life) {
    this.#handler = handler;
    this.#life = life;
    this.#goesOn = handler.afterStart !== undefined;
  }

  get answersInTurn(): true {
    return true;
  }

  get receives(): true {
    return true;
  }

  get stopsInParallel(): boolean {
    return this.#handler.stopChildren === 'parallel';
  }

  stopOrder(): readonly AnyRef[] | undefined {
    const { stopChildren } = this.#handler;
    return typeof stopChildren === 'function' ? stopChildren(this.#state) : undefined;
  }

  get interruptible(): boolean {
    return this.#handler.interruptible ?? false;
  }

  get wait(): Wait<unknown> | undefined {
    return this.#wait;
  }

  startAtOnce(): boolean {
    if (this.#handler.start !== undefined || this.#goesOn) return false;
    try {
      this.#initialise();
      return true;
    } catch (error) {
      // A start that fails is a step that crashes, and `initial` is not called a second time for it.
      this.#initialised = 'failed';
      this.#state = error;
      return false;
    }
  }

  start(saved: SavedSnapshot | undefined): Received {
    const { ctx } = this.#life;
    if (saved !== undefined) {
      const { context } = saved.snapshot as { context: unknown };
      this.#state = context;
      this.#initialised = true;
      for (const timer of saved.timers) ctx.restoreTimer(timer);
    }
    this.#initialise();
    if (this.#handler.start === undefined) return this.#end(undefined, ctx);
    return this.#run(
      this.#handler.start(this.#state, ctx as unknown as AgentContext<EventObject>),
      ctx,
    );
  }

  postpones(): boolean {
    return false;
  }

  receive(envelope: Envelope): Received {
    const { ctx } = this.#life;
    const event = envelope.message as EventObject;
    return this.#run(
      this.#handler.receive(this.#state, event, ctx as unknown as AgentContext<EventObject>),
      ctx,
    );
  }

  resume(): Received {
    const wait = this.#wait as Wait<unknown>;
    const generator = this.#suspended;
    this.#wait = undefined;
    this.#suspended = undefined;
    const { ctx } = this.#life;
    if (wait === STARTED) {
      const handled = this.#handler.afterStart?.(
        this.#state,
        ctx as unknown as AgentContext<EventObject>,
      );
      return this.#run(handled, ctx);
    }
    // The end of an async handler: its value, or its rejection, which is a crash.
    if (generator === undefined) return this.#end(wait.value, ctx);
    return this.#drive(generator, ctx);
  }

  stop(reason: ExitReason): void | Promise<void> {
    if (this.#initialised !== true) return undefined;
    return this.#handler.stop?.(
      this.#state,
      reason,
      this.#life.ctx as unknown as AgentContext<EventObject>,
    );
  }

  cutOff(): void {
    // A generator that is cut off still runs its `finally` blocks; it must not wait in them.
    const generator = this.#suspended;
    this.dispose();
    generator?.return(undefined);
  }

  dispose(): void {
    this.#wait = undefined;
    this.#suspended = undefined;
  }

  snapshot(): Snapshot<unknown> {
    this.#initialise();
    const { ending, over, finishing } = this.#life;
    const end = over ? ending : finishing;
    const context = this.#state;
    const snapshot =
      end === undefined
        ? { status: 'active', output: undefined, error: undefined, context }
        : end.type === 'normal'
          ? { status: 'done', output: end.output, error: undefined, context }
          : end.type === 'crash'
            ? { status: 'error', output: undefined, error: end.error, context }
            : { status: 'stopped', output: undefined, error: undefined, context };
    return snapshot as unknown as Snapshot<unknown>;
  }

  persist(): unknown {
    return { context: this.#state };
  }

  #initialise(): void {
    if (this.#initialised === 'failed') throw this.#state;
    if (this.#initialised) return;
    this.#state = this.#handler.initial?.(this.#life.cell.options.input);
    this.#initialised = true;
  }

  /** A handler has returned: a state, a generator to drive or a promise to wait for. */
  #run(handled: unknown, ctx: Context): Received {
    if (typeof handled !== 'object' || handled === null) return this.#end(handled, ctx);
    if (handled instanceof Wait) {
      const allowed = 'a state; wait with yield* in a generator, or with await in an async handler';
      throw new InvalidOption({ field: 'return', given: 'a wait', allowed });
    }
    if (isGenerator(handled)) return this.#drive(handled, ctx);
    if (handled instanceof Promise) {
      this.#wait = ctx.wait(handled as Promise<unknown>);
      return 'waiting';
    }
    return this.#end(handled, ctx);
  }

  #drive(generator: Steps, ctx: Context): Received {
    const step = generator.next();
    if (step.done === true) return this.#end(step.value, ctx);
    if (!(step.value instanceof Wait)) {
      throw new InvalidOption({
        field: 'yield',
        given: step.value,
        allowed: 'yield* of a wait, such as ctx.ask(...)',
      });
    }
    this.#wait = step.value;
    this.#suspended = generator;
    return 'waiting';
  }

  #end(state: unknown, ctx: Context): Received {
    const changed = state !== undefined && state !== this.#state;
    if (changed) this.#state = state;
    if (this.#goesOn) {
      this.#goesOn = false;
      this.#wait = STARTED;
    }
    if (!ctx.postponed) return changed ? 'changed' : 'same';
    ctx.postponed = false;
    return changed ? 'postponed and changed' : 'postponed';
  }
}

function isGenerator(value: object): value is Steps {
  return 'next' in value && typeof value.next === 'function' && Symbol.iterator in value;
}
