/**
 * A life: one incarnation at a place. Links, monitors, timers, names and obligations belong to the
 * life and end with it; the place and its mailbox do not.
 */
import { AgentTimers } from './agent-timers.ts';
import { AskList } from './ask-list.ts';
import type { Ask, Holder } from './ask.ts';
import type { Behavior, Received } from './behavior.ts';
import type { Cell } from './cell.ts';
import { Context } from './context.ts';
import type { Envelope, Lineage } from './envelope.ts';
import { ActorEnded, AskedByStartingChild, RequestLost } from './errors.ts';
import { NOPROC, type Down, type ExitReason } from './exit.ts';
import { Persistence } from './persistence.ts';
import { running } from './step.ts';

/** A watch on one life: it reports the end once. */
export interface Monitor {
  /** Undefined when nobody was there. */
  readonly watched: Life | undefined;
  /** The life that watches; undefined for a callback outside agents. */
  readonly watcher: Life | undefined;
  readonly report: (down: Down) => void;
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
  /** A mailbox that its outbox waited for has room: no business of the next life's. */
  readonly onRoom = (): void => this.cell.signal({ type: 'room', life: this });
  #obligations: AskList | undefined;
  #asks: AskList | undefined;
  #watchedBy: Set<Monitor> | undefined;
  #watching: Set<Monitor> | undefined;
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
    return (this.#obligations ??= new AskList('heldAt'));
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

  /** An open ask of this life: cancelled with it. */
  addAsk(ask: Ask): void {
    (this.#asks ??= new AskList('askedAt')).add(ask);
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
    return (this.#watchedBy?.size ?? 0) > 0 || (this.links?.size ?? 0) > 0;
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
  watch(watcher: Life | undefined, report: (down: Down) => void): Monitor {
    const monitor: Monitor = { watched: this, watcher, report };
    if (this.over || this.cell.status === 'ended' || this.cell.status === 'vacant')
      report(this.#down(NOPROC));
    else {
      (this.#watchedBy ??= new Set()).add(monitor);
      if (watcher !== undefined) (watcher.#watching ??= new Set()).add(monitor);
    }
    return monitor;
  }

  /** Ends a watch, whoever made it. */
  unwatch(monitor: Monitor): void {
    const { watched, watcher } = monitor;
    if (watched !== undefined) watched.#watchedBy?.delete(monitor);
    if (watcher !== undefined) watcher.#watching?.delete(monitor);
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
    for (const other of this.links ?? []) {
      other.life.links?.delete(this.cell);
      core.exit(other, this.cell, reason);
    }
    for (const monitor of this.#watching ?? []) this.unwatch(monitor);
    const down = this.#down(reason);
    for (const monitor of this.#watchedBy ?? []) {
      this.unwatch(monitor);
      monitor.report(down);
    }
    this.#watchedBy = undefined;
    for (const listener of this.#whenOver ?? []) listener(reason);
    this.#whenOver = undefined;
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

function isLive(cell: Cell): boolean {
  return (cell.status === 'running' || cell.status === 'starting') && !cell.life.over;
}
