/**
 * Inspection: one union of events, from one place, free when nobody looks.
 */
import type { DeadLetter } from './dead-letters.ts';
import type { ExitReason } from './exit.ts';
import type { Alarm } from './watchdog.ts';

/**
 * What an observer of a system sees. `path` names the agent; times are the clock's monotonic
 * milliseconds. What goes somewhere has the address in `to`, and a `path` only when it is one of
 * this node: a reply goes to an ask, and an ask may go to another node.
 */
export type InspectionEvent =
  | { readonly type: 'spawned'; readonly path: string; readonly parent: string | undefined }
  | { readonly type: 'started'; readonly path: string; readonly incarnation: number }
  | {
      readonly type: 'delivered';
      readonly path: string | undefined;
      readonly to: string;
      readonly from: string | undefined;
      readonly message: unknown;
      readonly traceparent: string | undefined;
    }
  | {
      readonly type: 'handled';
      readonly path: string;
      readonly message: unknown;
      readonly waitedMs: number;
    }
  | { readonly type: 'unhandled'; readonly path: string; readonly message: unknown }
  | { readonly type: 'postponed'; readonly path: string; readonly message: unknown }
  | { readonly type: 'transitioned'; readonly path: string; readonly snapshot: unknown }
  | {
      readonly type: 'asked';
      readonly path: string | undefined;
      readonly to: string;
      readonly request: string;
      readonly by: string | undefined;
    }
  | {
      readonly type: 'settled';
      readonly path: string | undefined;
      readonly to: string;
      readonly request: string;
      readonly by: string | undefined;
      readonly outcome: 'answered' | 'failed' | 'expired' | 'cancelled';
      /** Of a request that failed or expired. */
      readonly error: unknown;
      readonly tookMs: number;
    }
  | {
      readonly type: 'late reply';
      readonly request: string;
      readonly state: string;
      readonly from: string | undefined;
    }
  /** Agents wait for each other in a circle; its youngest request fails next, or a message of it is lost. */
  | {
      readonly type: 'deadlock';
      /** Whose request or message that is. */
      readonly path: string;
      /** Their addresses: each waits for the next, the last for the first. */
      readonly members: readonly string[];
      /** The request that each of them waits for; `(room)` for one that waits for room in a mailbox. */
      readonly requests: readonly string[];
    }
  | { readonly type: 'dropped'; readonly letter: DeadLetter }
  | {
      readonly type: 'crashed';
      readonly path: string;
      readonly incarnation: number;
      readonly error: unknown;
      /** What the log gets too. */
      readonly report: Report;
    }
  | {
      readonly type: 'ended';
      readonly path: string;
      readonly incarnation: number;
      readonly reason: ExitReason;
    }
  | { readonly type: 'restarted'; readonly path: string; readonly incarnation: number }
  /** An agent holds a name from now on, or no more: it gave it up, or its life is over. */
  | {
      readonly type: 'registered' | 'unregistered';
      readonly path: string;
      readonly name: string;
    }
  | { readonly type: 'report'; readonly report: Report }
  /** A watchdog has seen something that does not get better by itself. */
  | { readonly type: 'alarm'; readonly alarm: Alarm };

/**
 * What the layers above the runtime have to tell, such as a supervisor's reports: a log record and
 * an inspection event in one.
 */
export interface Report {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Who reports and what about, such as `supervisor/child_terminated`. */
  readonly label: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A report as it is made; a function for fields that are costly to put together. */
export interface ReportParts extends Omit<Report, 'path' | 'fields'> {
  readonly fields: Report['fields'] | (() => Report['fields']);
}

/** The observers of one system. */
export class Inspection {
  readonly #observers = new Set<(event: InspectionEvent) => void>();
  /** Those of them who look at each delivery. */
  readonly #close = new Set<(event: InspectionEvent) => void>();
  readonly #guard: (callback: () => void) => void;
  /** Whether anybody looks: callers test it before they make an event. */
  active = false;
  /** Whether any of them looks at each delivery: that event costs as much as all the rest of one. */
  seesDeliveries = false;

  /** What an observer throws must not reach the agent that it looks at: `guard` keeps it. */
  constructor(guard: (callback: () => void) => void) {
    this.#guard = guard;
  }

  /** Calls `observer` for each event from now on, with or without those of deliveries; returns what ends it. */
  observe(observer: (event: InspectionEvent) => void, deliveries = true): () => void {
    this.#observers.add(observer);
    if (deliveries) this.#close.add(observer);
    this.#look();
    return () => {
      this.#observers.delete(observer);
      this.#close.delete(observer);
      this.#look();
    };
  }

  #look(): void {
    this.active = this.#observers.size > 0;
    this.seesDeliveries = this.#close.size > 0;
  }

  emit(event: InspectionEvent): void {
    for (const observer of this.#observers) this.#guard(() => observer(event));
  }
}
