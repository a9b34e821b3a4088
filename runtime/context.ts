/**
 * The context: what an agent can do besides changing its state. Function agents get it as the third
 * argument of their handlers; a machine's actions get it from `here()`.
 */
import type { AnyActorLogic, EventObject } from 'xstate';
import { AgentTimer } from './agent-timers.ts';
import { AskWait } from './ask-wait.ts';
import { Failure, askOf, type Ask } from './ask.ts';
import { AgentRef, cellOf } from './agent-ref.ts';
import type { Cell } from './cell.ts';
import { Envelope, type Budget } from './envelope.ts';
import { ActorEnded, InvalidOption, show } from './errors.ts';
import { NORMAL, SHUTDOWN, checkReason, type ExitReason } from './exit.ts';
import type { ReportParts } from './inspection.ts';
import type { Life, Monitor } from './life.ts';
import type { Log } from './log.ts';
import { checkShutdown, type ChildSpawnOptions, type SpawnArguments } from './spawn-options.ts';
import type {
  Address,
  AgentName,
  AnyRef,
  AskOptions,
  Question,
  Ref,
  RefFrom,
  ReplyOf,
  ReplyTo,
  RequestNamed,
  RequestOf,
} from './ref.ts';
import { nameOf } from './names.ts';
import { checkFunction, checkOptions } from './options.ts';
import { NO_ASK_OPTIONS } from './ref.ts';
import { resourceName, type Resources } from './resources.ts';
import type { SavedTimer } from './store.ts';
import { running } from './step.ts';
import { Wait, waitAll, waitAny } from './wait.ts';

/** A request as its handler sees it. */
export interface Request<TReply extends EventObject = EventObject> {
  readonly type: string;
  readonly replyTo: ReplyTo<TReply>;
}

/** How a start went, when it did not fail. */
export interface StartOutcome {
  /** The agent had nothing to do and is gone. */
  readonly ignored: boolean;
  /** What it handed over with `ctx.startInfo`. */
  readonly info: unknown;
}

/** What an agent can do. Every call acts for the agent, and fails with `ActorEnded` once its life is over. */
export interface AgentContext<
  TEvent extends EventObject = never,
  TEmitted extends EventObject = EventObject,
> {
  readonly self: Ref<TEvent>;
  /** The agent that spawned it. */
  readonly parent: AnyRef | undefined;
  /** The number of this life at its place: 1, and one more with each restart. */
  readonly incarnation: number;
  /** Aborted when the life ends: pass it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** The log, bound to the agent's path. */
  readonly log: Log;
  /** Milliseconds that the task of the current message has left; `Infinity` when it has no deadline. */
  readonly remainingMs: number;
  /** What the task of the current message may still spend. */
  readonly budget: Budget | undefined;
  /** How many asks and handoffs lie between the root of its task and the current message. */
  readonly hops: number;
  /** The addresses of those who asked or handed on, from the root of the task to the newest. */
  readonly chain: readonly string[];
  /** The clock's monotonic milliseconds. */
  now(): number;
  /** A number in [0, 1), from the `random` seam. */
  random(): number;

  /** Sends; it leaves when the step ends. */
  send<TMessage extends EventObject>(to: Address<TMessage>, message: NoInfer<TMessage>): void;
  /** Asks: `yield*` (or `await`) it for the reply. Fails as `ref.ask` does. */
  ask<TTarget extends EventObject, TType extends RequestOf<TTarget>['type']>(
    to: Ref<TTarget> | AgentName<Ref<TTarget>>,
    request: { readonly type: TType } & Question<RequestNamed<TTarget, TType>>,
    options?: AskOptions,
  ): Wait<ReplyOf<RequestNamed<TTarget, TType>>>;
  /** Answers a request: the current one, or one that was deferred. */
  reply<TReply extends EventObject>(request: Request<TReply>, reply: NoInfer<TReply>): void;
  /** Fails a request with an error. */
  fail(request: Request<never>, error: unknown): void;
  /** Keeps the request beyond this turn: it must be answered, failed or forwarded later. */
  defer(request: Request<never>): void;
  /** Hands the request on: whoever gets it owes the answer, to the same asker, within the same deadline. */
  forward<TMessage extends EventObject>(to: Address<TMessage>, request: NoInfer<TMessage>): void;
  /** Emits to the listeners of `ref.on`. */
  emit(event: TEmitted): void;
  /** Puts the current message back until the state has changed; then it comes ahead of newer ones. */
  postpone(): void;

  /** Spawns a child, which ends with this agent at the latest. */
  spawn<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...[options]: SpawnArguments<TLogic, ChildSpawnOptions>
  ): RefFrom<TLogic>;
  /** Waits until a child has started; fails with `StartFailed`. */
  started(child: AnyRef): Wait<StartOutcome>;
  /** Ends a child within its grace and waits until it and its children have ended. */
  stopChild(child: AnyRef, graceMs?: number | 'infinity' | 'brutal_kill'): Wait<ExitReason>;
  /** Starts a new life in the place of an ended child that was spawned with `hold`. */
  restart(child: AnyRef): Wait<StartOutcome>;
  /** Gives up the place of an ended child that was spawned with `hold`. */
  release(child: AnyRef): void;
  /** While it starts: says that there is nothing to do for this agent. It ends, and that is no failure. */
  ignore(): void;
  /** While it starts: hands something to whoever starts it. */
  startInfo(info: unknown): void;
  /** Ends this agent normally when the turn is over. */
  stop(output?: unknown): void;
  /** Ends this agent with another reason when the turn is over. */
  end(reason: ExitReason): void;
  /** Sends an exit signal, as if this agent had ended with the reason and were linked. */
  exit(to: AnyRef, reason: ExitReason): void;

  /** Links this life with another: any end of one but a normal one ends the other. */
  link(to: AnyRef): void;
  unlink(from: AnyRef): void;
  /** Watches the present life of another agent: its `Down` comes as a message, once. */
  monitor(ref: AnyRef): Monitor;
  /** Ends a watch; a `Down` that has come already stays. */
  demonitor(monitor: Monitor): void;
  /** Whether exits of linked agents come as messages; a stop then lets the handler finish. */
  trapExit(on: boolean): void;
  /** Registers this life under a name. Throws `NameTaken`. */
  register(name: AgentName | string): void;
  unregister(name: AgentName | string): void;
  whereis<TRef extends AnyRef>(name: AgentName<TRef>): TRef | undefined;

  /** Sends the event to itself after a delay; the same id again cancels the earlier timer. Returns the id. */
  after(delayMs: number, event: NoInfer<TEvent>, options?: { readonly id?: string }): string;
  /** Sends the event to itself again and again; each period begins when the event before is being handled. Returns the id. */
  every(periodMs: number, event: NoInfer<TEvent>, options?: { readonly id?: string }): string;
  /** Sends the event to itself when no message has come for this long; any message starts it anew. */
  idle(delayMs: number, event: NoInfer<TEvent>): void;
  /** Cancels a timer: its event is not seen, even when it waits in the mailbox already. */
  cancel(id: string): boolean;

  /** Waits, deaf to messages. */
  sleep(delayMs: number): Wait<void>;
  /** Waits for a promise of the outside world. */
  wait<T>(promise: PromiseLike<T>): Wait<T>;
  /**
   * Says that this life holds a resource, such as a lock that another agent has given it, until it
   * releases it or ends. It changes nothing: with it a deadlock over resources is told as one, by a
   * watchdog and by a simulation. A resource has a name, or is the ref of the agent that keeps it.
   */
  holds(resource: string | AnyRef): void;
  /** Says that it waits for a resource, until it holds it. A request that lies at the agent that keeps it says so too. */
  wants(resource: string | AnyRef): void;
  /** Says that it neither holds nor wants the resource any more. */
  releases(resource: string | AnyRef): void;
  /**
   * Does work of the outside world under a name, and waits for it. The signal is that of the life.
   * A simulation does not call `run`: it has a model of that name.
   */
  effect<T>(key: string, run: (signal: AbortSignal) => PromiseLike<T>, input?: unknown): Wait<T>;
  /** Waits for all. */
  all: typeof waitAll;
  /** Waits for the first to settle, well or not, and gives its index; never settles when there is none. */
  any: typeof waitAny;
  /** Writes the snapshot when the step ends (`persist.save: 'manual'`). */
  save(): void;
  /** Tells the log and the inspection. */
  report(report: ReportParts): void;
}

const IDLE = 'troupe.idle';

/** The one implementation of {@link AgentContext}; not exported. */
export class Context implements AgentContext<EventObject> {
  readonly #life: Life;
  #timerIds = 0;
  #log: Log | undefined;
  /** The handler asked to see the current message again. */
  postponed = false;
  /** A manual save is due at the end of the step. */
  saveDue = false;
  /** What it says that it holds and wants. */
  resources: Resources | undefined;
  constructor(life: Life) {
    this.#life = life;
  }

  get #cell(): Cell {
    const { cell, over, ending } = this.#life;
    if (over) throw this.#ended(ending);
    return cell;
  }

  #ended(reason: ExitReason = SHUTDOWN): ActorEnded {
    const { address } = this.#life;
    const message = 'a call of its context';
    return new ActorEnded({ address, message, reason }, `before ${message}`);
  }

  get all(): typeof waitAll {
    return waitAll;
  }
  get any(): typeof waitAny {
    return waitAny;
  }
  get self(): Ref<EventObject> {
    return this.#life.cell.ref;
  }
  get parent(): AnyRef | undefined {
    return this.#life.cell.parent?.ref;
  }
  get incarnation(): number {
    return this.#life.incarnation;
  }
  get signal(): AbortSignal {
    return this.#life.signal;
  }
  get log(): Log {
    const { core, path } = this.#life.cell;
    return (this.#log ??= core.log.child({ path }));
  }
  get remainingMs(): number {
    const deadlineMs = this.#life.current?.lineage?.deadlineMs ?? Infinity;
    return deadlineMs - this.now();
  }
  get budget(): Budget | undefined {
    return this.#life.current?.lineage?.budget;
  }
  get hops(): number {
    return this.#life.current?.lineage?.hops ?? 0;
  }
  get chain(): readonly string[] {
    return this.#life.current?.lineage?.path ?? [];
  }
  now(): number {
    const { clock } = this.#life.cell.core;
    return clock.read === undefined ? clock.now() : clock.read();
  }
  random(): number {
    return this.#life.cell.core.random.float();
  }

  send(to: Address<EventObject>, message: EventObject): void {
    const { core } = this.#cell;
    core.send(core.destinationOf(to), message, this.#life);
  }

  ask(
    to: AnyRef | AgentName,
    request: { readonly type: string },
    options: AskOptions = NO_ASK_OPTIONS,
  ): Wait<never> {
    const { core } = this.#cell;
    const wait = new AskWait(this.#life);
    const ask = core.ask(wait, core.destinationOf(to), request, options, this.#life);
    return wait.await(ask, options.signal);
  }

  reply(request: Request<never>, reply: EventObject): void {
    const { core } = this.#cell;
    core.send(this.#request(request) ?? core.destinationOf(request.replyTo), reply, this.#life);
  }

  fail(request: Request<never>, error: unknown): void {
    const ask = this.#request(request);
    if (ask !== undefined) this.#cell.core.send(ask, new Failure(error), this.#life);
  }

  defer(request: Request<never>): void {
    const ask = this.#request(request);
    if (ask?.holder === this.#life) ask.deferred = true;
  }

  forward(to: Address<EventObject>, request: EventObject): void {
    const { core } = this.#cell;
    const ask = this.#request(request as Request<never>);
    const destination = core.destinationOf(to);
    if (ask === undefined) {
      // Nobody waits any more: as in a mailbox, the request is never started.
      if (askOf((request as unknown as Request).replyTo) !== undefined) return;
      core.send(destination, request, this.#life);
      return;
    }
    if (ask.holder !== this.#life) {
      const given = `a request that ${ask.holder?.address ?? 'nobody'} holds`;
      throw new InvalidOption({ field: 'forward', given, allowed: 'a request that it holds' });
    }
    core.forward(ask, destination, request, this.#life);
  }

  emit(event: EventObject): void {
    this.#cell.emit(event);
  }

  postpone(): void {
    const { current } = this.#life;
    if (current === undefined || current.exempt) {
      const given = current === undefined ? 'no message' : `its own event "${current.type}"`;
      throw new InvalidOption({ field: 'postpone', given, allowed: 'a message from somebody' });
    }
    if (this.#life.behavior?.answersInTurn !== true) {
      const allowed = 'in a handler; a machine says it in a state: meta: { postpone: [...] }';
      throw new InvalidOption({ field: 'postpone', given: current.type, allowed });
    }
    this.postponed = true;
  }

  spawn<TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...[options]: SpawnArguments<TLogic, ChildSpawnOptions>
  ): RefFrom<TLogic> {
    const cell = this.#cell;
    if (cell.status === 'stopping') throw this.#ended(this.#life.ending);
    const child = cell.core.spawn(logic, options, cell);
    if (options?.link === true) this.#life.link(child);
    if (options?.monitor === true) this.monitor(child.ref);
    return child.ref as unknown as RefFrom<TLogic>;
  }

  started(ref: AnyRef): Wait<StartOutcome> {
    const wait = new Wait<StartOutcome>();
    const child = this.#child(ref, 'started');
    if (child.status === 'running') wait.settle(outcomeOf(child));
    else awaitStart(child, wait);
    return wait;
  }

  stopChild(ref: AnyRef, graceMs?: number | 'infinity' | 'brutal_kill'): Wait<ExitReason> {
    const wait = new Wait<ExitReason>();
    const child = this.#child(ref, 'stopChild');
    if (graceMs !== undefined) checkShutdown('stopChild', graceMs);
    const grace = graceMs ?? child.options.shutdown;
    if (child.status === 'vacant' || child.status === 'ended') {
      wait.settle(child.exit ?? SHUTDOWN);
      return wait;
    }
    child.life.whenOver((reason) => wait.settle(reason));
    if (grace === 'brutal_kill') child.kill();
    else child.stop(SHUTDOWN, grace);
    return wait;
  }

  restart(ref: AnyRef): Wait<StartOutcome> {
    const child = this.#child(ref, 'restart');
    if (!child.restart()) {
      const allowed = `an ended child that was spawned with hold (it is ${child.status})`;
      throw new InvalidOption({ field: 'restart', given: child.path, allowed });
    }
    return this.started(ref);
  }

  release(ref: AnyRef): void {
    this.#child(ref, 'release').release();
  }

  ignore(): void {
    const cell = this.#cell;
    cell.life.ignored = true;
    cell.finish({ type: 'shutdown', detail: 'ignore' });
  }

  startInfo(info: unknown): void {
    this.#life.startInfo = info;
  }

  stop(output?: unknown): void {
    this.#cell.finish(output === undefined ? NORMAL : { type: 'normal', output });
  }

  end(reason: ExitReason): void {
    this.#cell.finish(reason);
  }

  exit(to: AnyRef, reason: ExitReason): void {
    const cell = this.#cell;
    const target = cell.core.cellHere(to);
    checkReason(reason);
    if (target === undefined) {
      cell.core.exitAway(to, cell, reason);
      return;
    }
    if (reason.type === 'killed') target.kill();
    else cell.core.exitFromStep(target, cell, reason);
  }

  link(to: AnyRef): void {
    const cell = this.#cell;
    const target = cell.core.cellHere(to);
    if (target !== undefined) this.#life.link(target);
    else if (cell.core.network.remote?.link(this.#life, to) !== true)
      cell.core.exitElsewhere(cell, to);
  }
  unlink(from: AnyRef): void {
    const target = this.#cell.core.cellHere(from);
    if (target !== undefined) this.#life.unlink(target);
    else this.#cell.core.network.remote?.unlink(this.#life, from);
  }

  monitor(ref: AnyRef): Monitor {
    const cell = this.#cell;
    return cell.core.monitor(ref, this.#life, undefined);
  }
  demonitor(monitor: Monitor): void {
    this.#life.unwatch(monitor);
  }
  trapExit(on: boolean): void {
    this.#life.trapExit = on;
  }

  register(name: AgentName | string): void {
    this.#cell.core.names.register(nameOf(name), this.#life);
  }
  unregister(name: AgentName | string): void {
    this.#cell.core.names.unregister(nameOf(name), this.#life);
  }
  whereis<TRef extends AnyRef>(name: AgentName<TRef>): TRef | undefined {
    return this.#cell.core.whereis({ name: nameOf(name) }) as TRef | undefined;
  }

  after(delayMs: number, event: EventObject, options?: { readonly id?: string }): string {
    return this.#timer('after', delayMs, event, undefined, options);
  }
  every(periodMs: number, event: EventObject, options?: { readonly id?: string }): string {
    // A period of 0 would leave time no chance to go on.
    if (periodMs === 0)
      throw new InvalidOption({ field: 'every', given: 0, allowed: 'milliseconds > 0' });
    return this.#timer('every', periodMs, event, periodMs, options);
  }
  idle(delayMs: number, event: EventObject): void {
    const life = this.#life;
    checkDelay('idle', delayMs);
    this.#cell.core.checkMessage(event);
    life.idle = () => this.#armIdle(delayMs, life.cell.core.clock.now() + delayMs, event);
    life.idle();
  }
  cancel(id: string): boolean {
    if (id === IDLE) this.#life.idle = undefined;
    return this.#life.timers.cancel(this.#life, id);
  }

  sleep(delayMs: number): Wait<void> {
    checkDelay('sleep', delayMs);
    const { core } = this.#cell;
    const wait = new Wait<void>();
    const timer = core.timers.schedule(core.clock.now() + delayMs, () => {
      forget();
      wait.settle();
    });
    const forget = this.#life.whenOver(() => core.timers.cancel(timer));
    return wait;
  }

  wait<T>(promise: PromiseLike<T>): Wait<T> {
    const wait = new Wait<T>();
    promise.then(
      (value) => wait.settle(value),
      (error: unknown) => wait.fail(error),
    );
    return wait;
  }

  holds(resource: string | AnyRef): void {
    const name = resourceName(resource);
    const { held, wanted } = this.#resources();
    wanted.delete(name);
    held.add(name);
  }

  wants(resource: string | AnyRef): void {
    this.#resources().wanted.add(resourceName(resource));
  }

  releases(resource: string | AnyRef): void {
    const name = resourceName(resource);
    const { held, wanted } = this.#resources();
    wanted.delete(name);
    held.delete(name);
  }

  #resources(): Resources {
    void this.#cell;
    return (this.resources ??= { held: new Set(), wanted: new Set() });
  }

  effect<T>(key: string, run: (signal: AbortSignal) => PromiseLike<T>, input?: unknown): Wait<T> {
    if (typeof key !== 'string' || key === '')
      throw new InvalidOption({ field: 'effect', given: key, allowed: 'a non-empty string' });
    checkFunction('effect.run', run);
    const { core, path: agent } = this.#cell;
    const { signal } = this;
    const wait = new Wait<T>();
    const effect = { key, kind: 'promise', input, agent, place: undefined } as const;
    if (core.effects === undefined) {
      const recorded = core.recorder?.begun(effect);
      try {
        const work = run(signal);
        if (recorded !== undefined)
          work.then(
            (value) => recorded.done(value),
            (error: unknown) => recorded.failed(error),
          );
        return this.wait(work);
      } catch (error) {
        recorded?.failed(error);
        wait.fail(error);
        return wait;
      }
    }
    const giveUp = core.effects.begin(effect, {
      done: (value) => wait.settle(value as T),
      failed: (error) => wait.fail(error),
      next: () => undefined,
    });
    signal.addEventListener('abort', giveUp, { once: true });
    wait.whenSettled(() => signal.removeEventListener('abort', giveUp));
    return wait;
  }

  save(): void {
    this.saveDue = true;
  }

  report(report: ReportParts): void {
    const { core, path } = this.#life.cell;
    core.report(path, report);
  }

  /** @internal Arms again a timer that was saved: at its due time, or at once when that has passed. */
  restoreTimer({ id, event, dueWallMs, periodMs, idleMs }: SavedTimer): void {
    const { clock } = this.#life.cell.core;
    const dueMs = clock.now() + Math.max(0, dueWallMs - clock.wallMs());
    if (idleMs === undefined) this.#arm(id, dueMs, event as EventObject, periodMs);
    else {
      this.#life.idle = () => this.#armIdle(idleMs, clock.now() + idleMs, event as EventObject);
      this.#armIdle(idleMs, dueMs, event as EventObject);
    }
  }

  #armIdle(idleMs: number, dueMs: number, event: EventObject): void {
    this.#arm(IDLE, dueMs, event, undefined).idleMs = idleMs;
  }

  #arm(id: string, dueMs: number, event: EventObject, periodMs: number | undefined): AgentTimer {
    const life = this.#life;
    const { cell } = life;
    const { core, address } = cell;
    const timer = new AgentTimer(life, id, dueMs, event, undefined, periodMs, life.lineage);
    life.timers.set(timer, (fired) => {
      const lineage = life.timerLineage(fired.lineage);
      const own = new Envelope(
        core.nextId(),
        cell,
        address,
        event,
        lineage,
        undefined,
        true,
        undefined,
        fired,
      );
      cell.fire(fired, own);
    });
    return timer;
  }

  #timer(
    field: string,
    delayMs: number,
    event: EventObject,
    periodMs: number | undefined,
    options: { readonly id?: string } = {},
  ): string {
    checkDelay(field, delayMs);
    checkOptions(options, ['id']);
    const { id } = options;
    if (id !== undefined && (typeof id !== 'string' || id === ''))
      throw new InvalidOption({ field: 'options.id', given: id, allowed: 'a non-empty string' });
    const { core } = this.#cell;
    core.checkMessage(event);
    const timerId = id ?? this.#freeTimerId();
    this.#arm(timerId, core.clock.now() + delayMs, event, periodMs);
    return timerId;
  }

  /** A restored timer, or one of the agent's own naming, may have the next number's id. */
  #freeTimerId(): string {
    for (;;) {
      const id = `t${(this.#timerIds += 1)}`;
      if (!this.#life.timers.has(this.#life, id)) return id;
    }
  }

  /** The open request behind an event; undefined when it has settled already. */
  #request(request: Request<never>): Ask | undefined {
    const replyTo: unknown = request?.replyTo;
    if (replyTo === undefined) {
      throw new InvalidOption({
        field: 'request',
        given: show(request),
        allowed: 'an event with a replyTo',
      });
    }
    const ask = askOf(replyTo);
    return ask?.state === 'open' ? ask : undefined;
  }

  #child(ref: AnyRef, asked: string): Cell {
    const child = cellOf(ref) ?? (ref instanceof AgentRef ? ref.lastCell : undefined);
    if (child?.parent !== this.#cell) {
      throw new InvalidOption({
        field: asked,
        given: show(ref?.path),
        allowed: `a child of ${this.#life.cell.path}`,
      });
    }
    return child;
  }
}

/** The context of the agent whose step runs now. Throws outside a step. */
export function here(): AgentContext<EventObject> {
  const { cell } = running;
  if (cell === undefined) {
    throw new InvalidOption({
      field: 'here()',
      given: 'no agent',
      allowed: 'a call from within a step of an agent',
    });
  }
  return cell.life.ctx;
}

function outcomeOf({ life: { ignored, startInfo: info } }: Cell): StartOutcome {
  return { ignored, info };
}

function awaitStart(child: Cell, wait: Wait<StartOutcome>): void {
  child.life.startAwaited = true;
  child.whenStarted((error) => {
    if (error === undefined) wait.settle(outcomeOf(child));
    else wait.fail(error);
  });
}

function checkDelay(field: string, delayMs: unknown): void {
  if (typeof delayMs !== 'number' || !(delayMs >= 0)) {
    throw new InvalidOption({ field, given: delayMs, allowed: 'milliseconds >= 0' });
  }
}
