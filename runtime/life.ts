/**
 * A life: one incarnation at a place. Links, monitors, timers, names and obligations belong to the
 * life and end with it; the place and its mailbox do not.
 */
import { AgentTimers } from './agent-timers.ts';
import { HeldAsks, OwnAsks, type AskList } from './ask-list.ts';
import type { Ask, Holder } from './ask.ts';
import type { Behavior, Received } from './behavior.ts';
import type { Cell } from './cell.ts';
import { Context } from './context.ts';
import type { Envelope, Lineage } from './envelope.ts';
import { ActorEnded, AskedByStartingChild, RequestLost } from './errors.ts';
import { NOPROC, type Down, type ExitReason } from './exit.ts';
import { handlerOf } from './handler.ts';
import { Persistence } from './persistence.ts';
import { running } from './step.ts';

/** A watch on one life: it reports the end once. */
export interface Monitor {
  /** Undefined when nobody was there, and once the watch is over. */
  watched: Life | undefined;
  /** The life that watches; undefined for a callback outside agents. */
  watcher: Life | undefined;
  /** Called with the end; without it the life that watches gets a message. */
  readonly report: ((down: Down) => void) | undefined;
  /** Ends the watch of a life on another node; undefined for one of this node. */
  away: (() => void) | undefined;
  /** @internal Its place among the watches of its watcher. */
  at: number;
}

export class Life implements Holder {
  readonly cell: Cell;
  readonly incarnation: number;
  behavior: Behavior | undefined;
  context: Context | undefined;
  /** Its start has been taken up. */
  begun = false;
  /** It has ended, and everybody has been told. */
  over = false;
  startFailed = false;
  /** Its parent waits for its start. */
  startAwaited = false;
  /** It chose, while it started, not to be there: no failure, and nobody restarts it. */
  ignored = false;
  /** What it tells whoever started it. */
  startInfo: unknown;
  /** Why it is ending; the first reason counts. */
  ending: ExitReason | undefined;
  /** Its logic is done: the life ends with this reason when the turn is over. */
  finishing: ExitReason | undefined;
  /** What became of the last step. */
  received: Received = 'same';
  /** The message of the turn that is on. */
  current: Envelope | undefined;
  /** Restarts the idle timer; set while there is one. */
  idle: (() => void) | undefined;
  trapExit: boolean;
  links: Set<Cell> | undefined;
  names: Set<string> | undefined;
  persistence: Persistence | undefined;
  #invoked: AskList | undefined;
  #onRoom: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #obligations: AskList | undefined;
  #asks: AskList | undefined;
  /** Mostly one, its supervisor's: the second one makes a set. */
  #watchedBy: Monitor | Set<Monitor> | undefined;
  #watching: Monitor[] | undefined;
  #timers: AgentTimers | undefined;
  #abort: AbortController | undefined;
  #whenOver: Set<(reason: ExitReason) => void> | undefined;

  constructor(cell: Cell, incarnation: number) {
    this.cell = cell;
    this.incarnation = incarnation;
    this.trapExit = cell.options.trapExit;
  }

  get address(): string {
    return this.cell.address;
  }

  /** The requests that it must answer. */
  get obligations(): AskList {
    return (this.#obligations ??= new HeldAsks());
  }

  /** A mailbox that its outbox waited for has room: no business of the next life's. */
  get onRoom(): () => void {
    return this.#onRoom ?? this.#makeOnRoom();
  }

  /** What its handler waited for has settled. */
  get wake(): () => void {
    return this.#wake ?? this.#makeWake();
  }

  // Apart from their getters: a function that makes a closure pays for it each time it is called. One
  // signal serves all its wake-ups, since what it says does not change.

  #makeOnRoom(): () => void {
    const signal = { type: 'room', life: this } as const;
    return (this.#onRoom = () => this.cell.signal(signal));
  }

  #makeWake(): () => void {
    const signal = { type: 'wake', life: this } as const;
    return (this.#wake = () => this.cell.signal(signal));
  }

  get timers(): AgentTimers {
    return (this.#timers ??= new AgentTimers(this.cell.core.timers));
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.ending !== undefined) this.#abort.abort(this.#aborted());
    }
    return this.#abort.signal;
  }

  /** Makes the logic's instance, if there is none yet: at the start, or when somebody looks before it. */
  prepare(): void {
    if (this.behavior !== undefined) return;
    const { core, options } = this.cell;
    this.behavior = core.host(this);
    if (options.persist !== undefined) this.persistence = new Persistence(this, options.persist);
  }

  /** Starts without a step, where there is nothing to load and the logic has nothing to do; false where there is. */
  startAtOnce(): boolean {
    const { logic, persist } = this.cell.options;
    if (persist !== undefined || handlerOf(logic) === undefined) return false;
    this.prepare();
    return this.behavior?.startAtOnce?.() === true;
  }

  /** The function agent's context, and what `here()` gives a machine's actions. */
  get ctx(): Context {
    return (this.context ??= new Context(this));
  }

  /** What the message of this turn hands down to what is sent for it. */
  get lineage(): Lineage | undefined {
    const { current } = this;
    if (current === undefined) return undefined;
    return (current.lineage ??= this.cell.core.newLineage());
  }

  /** The lineage that a timer hands down: the task's, only while a request of that task is still owed. */
  timerLineage(lineage: Lineage | undefined): Lineage | undefined {
    if (lineage === undefined) return undefined;
    for (const ask of this.#obligations?.toArray() ?? [])
      if (ask.lineage.task === lineage.task) return lineage;
    return undefined;
  }

  /** The open requests of the asks that its machine has invoked. */
  get invoked(): AskList {
    return (this.#invoked ??= new OwnAsks());
  }

  /** Whether its machine has invoked an ask at some time. */
  get invokes(): boolean {
    return this.#invoked !== undefined;
  }

  get hasOpenAsks(): boolean {
    return (this.#asks?.size ?? 0) + (this.#invoked?.size ?? 0) > 0;
  }

  /** The one request of its own that is open; undefined when there is none, or more than one. */
  get onlyAsk(): Ask | undefined {
    const own = this.#asks?.size ?? 0;
    const invoked = this.#invoked?.size ?? 0;
    return own + invoked === 1 ? (own === 1 ? this.#asks : this.#invoked)?.first : undefined;
  }

  /** An open ask of this life: cancelled with it. */
  addAsk(ask: Ask): void {
    (this.#asks ??= new OwnAsks()).add(ask);
    // A step's asks are looked at when it has ended: only then is it clear that they are waited for.
    if (running.cell !== this.cell) this.refuseAsksToWaiting();
  }

  /** While it starts: fails its asks to agents that wait for this very start, for neither could go on. */
  refuseAsksToWaiting(): void {
    if (this.#asks === undefined || this.behavior?.wait === undefined) return;
    let { cell } = this;
    while (
      cell.status === 'starting' &&
      cell.life.startAwaited &&
      cell.parent?.life.behavior?.wait
    ) {
      cell = cell.parent;
      for (const ask of this.#asks.toArray()) {
        if (ask.target !== cell.address) continue;
        const { address } = cell;
        const { request: message } = ask;
        ask.fail(new AskedByStartingChild({ address, message, askedBy: this.address }));
      }
    }
  }

  /** Whether anybody is told of its end as a message or a signal: a monitor, or a link. */
  get watched(): boolean {
    const by = this.#watchedBy;
    const isMonitored = by instanceof Set ? by.size > 0 : by !== undefined;
    return isMonitored || (this.links?.size ?? 0) > 0;
  }

  removeAsk(ask: Ask): void {
    this.#asks?.delete(ask);
  }

  // ── Links and monitors ──────────────────────────────────────────────────────────────────────

  link(other: Cell): void {
    if (other === this.cell) return;
    if (this.over) {
      this.cell.core.exit(other, this.cell, NOPROC);
      return;
    }
    if (!isLive(other)) {
      this.cell.core.exit(this.cell, other, NOPROC);
      return;
    }
    (this.links ??= new Set()).add(other);
    (other.life.links ??= new Set()).add(this.cell);
  }

  unlink(other: Cell): void {
    this.links?.delete(other);
    other.life.links?.delete(this.cell);
  }

  /** Watches a life; a dead one is reported at once with `noproc`. */
  watch(watcher: Life | undefined, report: Monitor['report']): Monitor {
    const monitor: Monitor = { watched: this, watcher, report, away: undefined, at: -1 };
    if (this.over || this.cell.status === 'ended' || this.cell.status === 'vacant')
      tellEnd(monitor, this.#down(NOPROC));
    else {
      if (this.#watchedBy === undefined) this.#watchedBy = monitor;
      else if (this.#watchedBy instanceof Set) this.#watchedBy.add(monitor);
      else this.#watchedBy = new Set([this.#watchedBy, monitor]);
      if (watcher !== undefined) monitor.at = (watcher.#watching ??= []).push(monitor) - 1;
    }
    return monitor;
  }

  /** A watch of its own on a life of another node: it ends with this one. */
  noteWatch(monitor: Monitor): void {
    monitor.at = (this.#watching ??= []).push(monitor) - 1;
  }

  /** Ends a watch, whoever made it. */
  unwatch(monitor: Monitor): void {
    const { watched, watcher } = monitor;
    if (watched !== undefined) {
      const by = watched.#watchedBy;
      if (by === monitor) watched.#watchedBy = undefined;
      else if (by instanceof Set) by.delete(monitor);
    }
    if (watcher !== undefined) watcher.#forget(monitor);
    monitor.away?.();
    monitor.away = undefined;
    monitor.watched = undefined;
    monitor.watcher = undefined;
  }

  /** Takes out a watch of its own: the last one moves to its place. A supervisor has one for each child. */
  #forget(monitor: Monitor): void {
    const watching = this.#watching;
    if (watching?.[monitor.at] !== monitor) return;
    const last = watching.pop() as Monitor;
    if (last === monitor) return;
    watching[monitor.at] = last;
    last.at = monitor.at;
  }

  /** Calls back once the life is over; returns what takes the listener away again. */
  whenOver(listener: (reason: ExitReason) => void): () => void {
    if (this.over) listener(this.ending ?? NOPROC);
    else (this.#whenOver ??= new Set()).add(listener);
    return () => this.#whenOver?.delete(listener);
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────

  /** The end has begun: nothing of its own wakes it any more. */
  interrupt(): void {
    this.#timers?.clear();
    this.idle = undefined;
    this.#abort?.abort(this.#aborted());
    for (const ask of this.#asks?.toArray() ?? []) ask.fail(this.#ended(ask));
    this.#asks = undefined;
  }

  /** Every request that it still holds fails now, with the true reason. */
  settleObligations(reason: ExitReason): void {
    this.#timers?.clear();
    for (const ask of this.#asks?.toArray() ?? []) ask.fail(this.#ended(ask));
    this.#asks = undefined;
    for (const ask of this.#obligations?.toArray() ?? []) {
      const { address } = this;
      const message = ask.request;
      if (reason.type !== 'normal') ask.fail(new ActorEnded({ address, message, reason }));
      else
        ask.fail(
          new RequestLost({ address, message, why: 'it ended normally while it held the request' }),
        );
    }
  }

  /** Tells links, monitors and whoever awaits the end. */
  tell(reason: ExitReason): void {
    const { core } = this.cell;
    // First of all: names and memberships that other nodes know of are free there, too, before its `Down`.
    if (this.#whenOver !== undefined) for (const listener of this.#whenOver) listener(reason);
    this.#whenOver = undefined;
    if (this.links !== undefined)
      for (const other of this.links) {
        other.life.links?.delete(this.cell);
        core.exit(other, this.cell, reason);
      }
    const watching = this.#watching ?? [];
    this.#watching = undefined;
    for (const monitor of watching) this.unwatch(monitor);
    const by = this.#watchedBy;
    if (by !== undefined) {
      const down = this.#down(reason);
      for (const monitor of by instanceof Set ? by : [by]) tellEnd(monitor, down);
    }
  }

  #down(reason: ExitReason): Down {
    return { type: 'troupe.down', ref: this.cell.ref, incarnation: this.incarnation, reason };
  }

  #aborted(): DOMException {
    return new DOMException(`${this.address} is ending`, 'AbortError');
  }

  #ended(ask: Ask): ActorEnded {
    const reason = this.ending as ExitReason;
    const { address } = this;
    const { request: message, target } = ask;
    const when = `before its ask "${message}" of ${target} was answered`;
    return new ActorEnded({ address, message, reason }, when);
  }
}

/** Ends a watch with its report. */
export function tellEnd(monitor: Monitor, down: Down): void {
  const { watched, watcher, report } = monitor;
  (watched ?? watcher)?.unwatch(monitor);
  if (report !== undefined) report(down);
  else if (watcher !== undefined) watcher.cell.core.notify(watcher.cell, down);
}

function isLive(cell: Cell): boolean {
  return (cell.status === 'running' || cell.status === 'starting') && !cell.life.over;
}
