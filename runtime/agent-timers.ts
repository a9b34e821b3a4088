/**
 * The timers of one life: `after`, delayed `raise` and `sendTo` of its XState actors, and those of
 * a function agent's context. They end with the life, or with the actor inside it that owns them.
 *
 * A timer is a key of its owner: setting it again cancels the earlier one, and a cancelled timer's
 * event is never seen, even when it has fired and waits in the mailbox.
 */
import type { Lineage } from './envelope.ts';
import type { Timer, Timers } from './timers.ts';

/** One timer of an agent. */
export class AgentTimer {
  readonly owner: object;
  readonly id: string;
  dueMs: number;
  /** What XState needs to send it again after a restore; undefined for a function agent's own. */
  readonly target: object | undefined;
  readonly event: unknown;
  /** Set for `every`. */
  readonly periodMs: number | undefined;
  /** Of the message that was being handled when it was set. */
  readonly lineage: Lineage | undefined;
  /** Set for `idle`: the delay that any message starts anew. */
  idleMs: number | undefined;
  cancelled = false;
  /** Its place among all timers of the system, while it is armed. */
  handle: Timer | undefined;
  /** @internal */
  fire: ((timer: AgentTimer) => void) | undefined;

  constructor(
    owner: object,
    id: string,
    dueMs: number,
    event: unknown,
    target: object | undefined,
    periodMs: number | undefined,
    lineage: Lineage | undefined,
  ) {
    this.owner = owner;
    this.id = id;
    this.dueMs = dueMs;
    this.event = event;
    this.target = target;
    this.periodMs = periodMs;
    this.lineage = lineage;
  }
}

/** All timers of one life, indexed by owner and id. */
export class AgentTimers {
  readonly #timers: Timers;
  readonly #byOwner = new Map<object, Map<string, AgentTimer>>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Arms a timer; one of the same owner and id is cancelled first. */
  set(timer: AgentTimer, fire: (timer: AgentTimer) => void): void {
    this.cancel(timer.owner, timer.id);
    let own = this.#byOwner.get(timer.owner);
    if (own === undefined) this.#byOwner.set(timer.owner, (own = new Map<string, AgentTimer>()));
    own.set(timer.id, timer);
    timer.fire = fire;
    this.#arm(timer);
  }

  /** Its event is being handled: a single timer is over, and its id is free. */
  taken(timer: AgentTimer): void {
    const own = this.#byOwner.get(timer.owner);
    if (timer.periodMs === undefined && own?.get(timer.id) === timer) this.#remove(own, timer);
  }

  /**
   * Its event has been handled: a periodic timer starts its next period only now, so that ticks
   * never pile up in the mailbox of a slow agent.
   */
  handled(timer: AgentTimer, nowMs: number): void {
    if (timer.periodMs === undefined || timer.cancelled) return;
    timer.dueMs = nowMs + timer.periodMs;
    this.#arm(timer);
  }

  has(owner: object, id: string): boolean {
    return this.#byOwner.get(owner)?.has(id) === true;
  }

  cancel(owner: object, id: string): boolean {
    const own = this.#byOwner.get(owner);
    const timer = own?.get(id);
    if (own === undefined || timer === undefined) return false;
    this.#end(timer);
    this.#remove(own, timer);
    return true;
  }

  /** Cancels all timers of one owner. */
  cancelAll(owner: object): void {
    const own = this.#byOwner.get(owner);
    if (own === undefined) return;
    this.#byOwner.delete(owner);
    for (const timer of own.values()) this.#end(timer);
  }

  /** Cancels every timer of the life. */
  clear(): void {
    for (const own of this.#byOwner.values()) for (const timer of own.values()) this.#end(timer);
    this.#byOwner.clear();
  }

  /** The armed timers, and the fired ones whose event still waits. */
  *list(): IterableIterator<AgentTimer> {
    for (const own of this.#byOwner.values()) yield* own.values();
  }

  get size(): number {
    let size = 0;
    for (const own of this.#byOwner.values()) size += own.size;
    return size;
  }

  #arm(timer: AgentTimer): void {
    timer.handle = this.#timers.schedule(timer.dueMs, () => timer.fire?.(timer));
  }

  #end(timer: AgentTimer): void {
    timer.cancelled = true;
    if (timer.handle !== undefined) this.#timers.cancel(timer.handle);
  }

  #remove(own: Map<string, AgentTimer>, timer: AgentTimer): void {
    own.delete(timer.id);
    if (own.size === 0) this.#byOwner.delete(timer.owner);
  }
}
