/**
 * The ledger of obligations: every open request of a system, who holds it and until when.
 *
 * The conservation law that it keeps: a request is settled exactly once, and a life that ends or a
 * handler that returns leaves none behind.
 */
import { OpenAsks } from './ask-list.ts';
import { Ask, type Asker, type Holder } from './ask.ts';
import type { Envelope, Lineage } from './envelope.ts';
import type { EventObject } from 'xstate';
import type { Timers } from './timers.ts';

/** What the ledger reports: for inspection and statistics. */
export interface LedgerReport {
  settled(ask: Ask, error: unknown): void;
  lateReply(ask: Ask, envelope: Envelope): void;
}

const expire = (ask: Ask): void => ask.expire();

/** All open asks of one system. */
export class Ledger {
  readonly #timers: Timers;
  readonly #report: LedgerReport;
  readonly #send: (to: Ask, reply: EventObject) => void;
  readonly #origin: string;
  readonly #open = new OpenAsks();
  #nextId = 1;

  constructor(
    timers: Timers,
    origin: string,
    send: (to: Ask, reply: EventObject) => void,
    report: LedgerReport,
  ) {
    this.#timers = timers;
    this.#origin = origin;
    this.#send = send;
    this.#report = report;
  }

  /** How many requests are open. */
  get size(): number {
    return this.#open.size;
  }

  /** The open requests, oldest first. */
  open(): Ask[] {
    return this.#open.toArray();
  }

  /** Opens a request. Its deadline is the lineage's; nothing is sent yet. */
  make(asker: Asker, request: string, target: string, lineage: Lineage, nowMs: number): Ask {
    // The clock has fractions: a deadline of 50 ms from now must not read 49.99999999999997.
    const timeoutMs = Math.max(0, Math.round(lineage.deadlineMs - nowMs));
    const ask = new Ask(
      this,
      this.#nextId++,
      asker,
      this.#origin,
      request,
      target,
      timeoutMs,
      lineage,
      nowMs,
      this.#send,
    );
    this.#open.add(ask);
    if (Number.isFinite(lineage.deadlineMs)) {
      ask.timer = this.#timers.schedule(lineage.deadlineMs, expire, ask);
    }
    return ask;
  }

  /** A life begins to handle the request: from now on it owes the answer. */
  take(ask: Ask, holder: Holder, nowMs: number): void {
    if (ask.state !== 'open') return;
    ask.takenAtMs = nowMs;
    ask.holder = holder;
    ask.progress = 'started';
    ask.deferred = false;
    holder.obligations.add(ask);
  }

  /** The holder hands the request on, or its answer has left: it owes nothing any more. */
  release(ask: Ask): void {
    ask.holder?.obligations.delete(ask);
    ask.holder = undefined;
    ask.at = undefined;
    ask.deferred = false;
  }

  /** @internal Called by the ask alone, which tells its asker. */
  settle(ask: Ask, state: 'answered' | 'failed' | 'expired' | 'cancelled', error?: unknown): void {
    ask.state = state;
    this.release(ask);
    this.#open.delete(ask);
    if (ask.timer !== undefined) this.#timers.cancel(ask.timer);
    ask.timer = undefined;
    this.#report.settled(ask, error);
    ask.onSettled?.();
    ask.onSettled = undefined;
  }

  /** @internal A reply came for a request that has settled. */
  lateReply(ask: Ask, envelope: Envelope): void {
    this.#report.lateReply(ask, envelope);
  }
}
