/**
 * The ref to an agent. It keeps an address; whoever lives there now is found at each call, so a ref
 * outlives restarts, and an agent spawned later at the same place is reached by the same ref.
 */
import type { EventObject, Snapshot, Subscription } from 'xstate';
import type { SnapshotObserver } from './behavior.ts';
import type { Cell } from './cell.ts';
import type { Core } from './core.ts';
import type { Destination } from './envelope.ts';
import { ActorEnded, InvalidOption, NoSuchActor, NotLocal } from './errors.ts';
import { NOPROC, SHUTDOWN, type ExitReason } from './exit.ts';
import { checkFunction, checkMethods, checkOptions } from './options.ts';
import {
  Marked,
  NO_ASK_OPTIONS,
  isRef,
  type AnyRef,
  type AskOptions,
  type Ref,
  type StopOptions,
} from './ref.ts';
import { running } from './step.ts';

/** The one implementation of {@link Ref}. Its fields are private so that XState's walk over a context sees none. */
export class AgentRef extends Marked implements Ref<EventObject> {
  readonly #core: Core;
  readonly #node: string;
  readonly #path: string;
  #cell: Cell | undefined;
  #send: ((event: EventObject) => void) | undefined;
  /** Where it leads on another node. */
  #elsewhere: Destination | undefined;

  constructor(core: Core, place: Cell | { readonly node: string; readonly path: string }) {
    super();
    this.#core = core;
    this.#path = place.path;
    this.#node = 'node' in place ? place.node : core.node;
    this.#cell = 'node' in place ? undefined : place;
  }

  /** A closure, since XState's users destructure `send`; made for the first of them, most refs need none. */
  get send(): (event: EventObject) => void {
    return (this.#send ??= (event) => this._send(event));
  }

  get node(): string {
    return this.#node;
  }
  get path(): string {
    return this.#path;
  }
  get address(): string {
    return this.#cell === undefined ? `${this.#node}${this.#path}` : this.#cell.address;
  }
  get id(): string {
    return this.#path;
  }
  /** @internal The last part of the path: the string of the spawn, which no search has to hash again. */
  get ownId(): string {
    return this.#cell?.id ?? this.#path.slice(this.#path.lastIndexOf('/') + 1);
  }
  get sessionId(): string {
    return this.address;
  }
  get src(): string {
    return this.#path;
  }
  get system(): AnyRefSystem {
    return this.#core.xstate.system;
  }

  /** @internal The cell at the place, as long as somebody may live there. */
  get cell(): Cell | undefined {
    if (this.#cell !== undefined && this.#cell.status !== 'ended') return this.#cell;
    if (this.#node !== this.#core.node) return undefined;
    const cell = this.#core.cells.get(this.#path);
    if (cell !== undefined) this.#cell = cell;
    return cell;
  }

  /** @internal The cell that was here last, ended or not. */
  get lastCell(): Cell | undefined {
    return this.cell ?? this.#cell;
  }

  /** @internal */
  get destination(): Destination {
    const known = this.cell ?? this.#elsewhere;
    if (known !== undefined) return known;
    const found = this.#core.elsewhere(this.#node, this.#path);
    // Of a node that stands alone another may be found once it has joined.
    if (found.check !== undefined) this.#elsewhere = found;
    return found;
  }

  /** @internal Whose it is. */
  get core(): Core {
    return this.#core;
  }

  /** The system for which it is used: its own, or the node whose agent's step runs. */
  get #user(): Core {
    const user = running.cell?.core;
    return user?.network.remote === undefined ? this.#core : user;
  }

  /** @internal What XState's `sendTo` and its relay call. */
  _send(event: EventObject): void {
    const user = this.#user;
    user.send(user.own(this).destination, event, undefined);
  }

  ask(request: { readonly type: string }, options: AskOptions = NO_ASK_OPTIONS): Promise<never> {
    const user = this.#user;
    return user.askFromOutside(user.own(this).destination, request, options);
  }

  offer(event: EventObject, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options, ['signal'], 'offer');
    checkMethods('signal', options.signal, ['addEventListener', 'throwIfAborted']);
    return this.#core.offer(this, event, options.signal);
  }

  result(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cell = this.#local('result');
      cell.whenEnded((reason) => {
        if (reason.type === 'normal') resolve(reason.output);
        else {
          const fields = { address: this.address, message: 'result', reason };
          reject(new ActorEnded(fields, 'without a result'));
        }
      });
    });
  }

  started(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#local('started').whenStarted((error) =>
        error === undefined ? resolve() : reject(error as Error),
      );
    });
  }

  async stop(options: StopOptions = {}): Promise<ExitReason> {
    checkOptions(options, ['detail', 'timeoutMs']);
    const { detail, timeoutMs } = options;
    if (
      timeoutMs !== undefined &&
      timeoutMs !== 'infinity' &&
      !(typeof timeoutMs === 'number' && timeoutMs >= 0)
    ) {
      throw new InvalidOption({
        field: 'timeoutMs',
        given: timeoutMs,
        allowed: 'milliseconds >= 0 or "infinity"',
      });
    }
    const user = this.#user;
    if (user !== this.#core) return user.own(this).stop(options);
    const cell = this.lastCell;
    if (cell === undefined) return this.#stopAway(options);
    const grace = timeoutMs ?? cell.options.shutdown;
    if (grace === 'brutal_kill') return this.kill();
    const reason: ExitReason = detail === undefined ? SHUTDOWN : { type: 'shutdown', detail };
    return this.#over(cell, () => cell.stop(reason, grace));
  }

  async kill(): Promise<ExitReason> {
    const user = this.#user;
    if (user !== this.#core) return user.own(this).kill();
    const cell = this.lastCell;
    return cell === undefined ? this.#stopAway('kill') : this.#over(cell, () => cell.kill());
  }

  start(): void {}

  getSnapshot(): Snapshot<unknown> {
    return this.#local('getSnapshot').snapshot();
  }

  getPersistedSnapshot(): Snapshot<unknown> {
    const { life } = this.#local('getPersistedSnapshot');
    life.prepare();
    return life.behavior?.persist() as Snapshot<unknown>;
  }

  subscribe(
    next?: SnapshotObserver | ((snapshot: Snapshot<unknown>) => void),
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription {
    if (next === null || !['object', 'function', 'undefined'].includes(typeof next)) {
      const allowed = 'a function or an object with next, error and complete';
      throw new InvalidOption({ field: 'observer', given: next, allowed });
    }
    checkFunction('error', error, true);
    checkFunction('complete', complete, true);
    const observer: SnapshotObserver =
      typeof next === 'object'
        ? next
        : { ...(next && { next }), ...(error && { error }), ...(complete && { complete }) };
    return { unsubscribe: this.#local('subscribe').observe(observer) };
  }

  on(type: string, listener: (emitted: never) => void): Subscription {
    if (typeof type !== 'string')
      throw new InvalidOption({ field: 'type', given: type, allowed: 'the type of an event' });
    checkFunction('listener', listener);
    return {
      unsubscribe: this.#local('on').listen(type, listener as (emitted: EventObject) => void),
    };
  }

  select<TSelected>(
    selector: (snapshot: Snapshot<unknown>) => TSelected,
    equals: (a: TSelected, b: TSelected) => boolean = Object.is,
  ): {
    subscribe: (
      observer: ((selected: TSelected) => void) | { next?: (selected: TSelected) => void },
    ) => Subscription;
    get: () => TSelected;
  } {
    return {
      get: () => selector(this.getSnapshot()),
      subscribe: (observer) => {
        const tell = typeof observer === 'function' ? observer : observer.next?.bind(observer);
        let selected = selector(this.getSnapshot());
        return this.subscribe((snapshot) => {
          const next = selector(snapshot);
          if (equals(selected, next)) return;
          selected = next;
          tell?.(next);
        });
      },
    };
  }

  [Symbol.observable](): this {
    return this;
  }

  toJSON(): { readonly address: string } {
    return { address: this.address };
  }

  #over(cell: Cell, act: () => void): Promise<ExitReason> {
    return new Promise((resolve) => {
      if (cell.status === 'ended') resolve(cell.exit ?? NOPROC);
      else if (cell.status === 'vacant') cell.whenEnded(resolve);
      else cell.life.whenOver(resolve);
      act();
    });
  }

  #stopAway(how: StopOptions | 'kill'): Promise<ExitReason> | ExitReason {
    if (this.#node === this.#core.node) return NOPROC;
    return this.#core.network.remote?.stop(this, how) ?? NOPROC;
  }

  #local(asked: string): Cell {
    if (this.#node !== this.#user.node) throw new NotLocal({ address: this.address, asked });
    const cell = this.lastCell;
    if (cell === undefined) throw new NoSuchActor({ address: this.address, message: asked });
    return cell;
  }
}

type AnyRefSystem = AnyRef['system'];

/** The cell that a ref leads to, when there is one in this process. */
export function cellOf(ref: unknown): Cell | undefined {
  if (ref instanceof AgentRef) return ref.cell;
  if (isRef(ref)) return undefined;
  throw new InvalidOption({ field: 'ref', given: ref, allowed: 'a ref of an agent' });
}
