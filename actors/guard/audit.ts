/**
 * The audit of a guard: one record per decision, completed by what came of it, in a bounded ring.
 */
import type { Decision, Principal } from './policy.ts';

/** What a guard decided about one request, on what grounds, and what came of it. */
export interface AuditRecord {
  /** Counts from 1 within one life of the guard. */
  readonly id: number;
  /** The clock's wall time in milliseconds. */
  readonly atMs: number;
  readonly action: string;
  readonly argsDigest: string;
  readonly principal: Principal;
  readonly stateVersion: number;
  readonly decision: Decision;
  /** What the shadow policy would have decided. */
  readonly shadow: Decision | undefined;
  /** The record of the escalation that this decision follows. */
  readonly after: number | undefined;
  readonly approvedBy: string | undefined;
  /** What came of it: open while the effect or the approval is under way. */
  readonly outcome: 'open' | 'performed' | 'refused' | 'escalated' | 'conflict' | 'failed';
  readonly tookMs: number | undefined;
}

/** The records of one guard, the oldest of which go first. */
export class Audit {
  readonly #records: AuditRecord[] = [];
  readonly #capacity: number;
  readonly #tell: (record: AuditRecord) => void;
  #count = 0;

  /** `tell` gets each record when it is made and when its outcome is known. */
  constructor(capacity: number, tell: (record: AuditRecord) => void) {
    this.#capacity = capacity;
    this.#tell = tell;
  }

  /** Adds a record and returns its id. */
  add(record: Omit<AuditRecord, 'id' | 'outcome' | 'tookMs'>): number {
    const id = (this.#count += 1);
    this.#records.push({ ...record, id, outcome: 'open', tookMs: undefined });
    if (this.#records.length > this.#capacity) this.#records.shift();
    return id;
  }

  /** Says what came of a decision. */
  close(id: number, outcome: AuditRecord['outcome'], nowMs: number): void {
    const index = this.#records.findIndex((record) => record.id === id);
    const record = this.#records[index];
    if (record === undefined) return;
    const closed = { ...record, outcome, tookMs: nowMs - record.atMs };
    this.#records[index] = closed;
    this.#tell(closed);
  }

  /** All that are kept, oldest first. */
  list(): readonly AuditRecord[] {
    return [...this.#records];
  }
}
