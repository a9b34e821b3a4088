/** A contender's process, which runs rounds of one workload when it is told to. */

/** What one round took. */
export interface Round {
  readonly operations: number;
  /** What is compared: operations per second of CPU time, bytes, or milliseconds. */
  readonly value: number;
  readonly cpuNs: number;
  readonly wallNs: number;
}

export interface Runner {
  round(operations: number): Promise<Round>;
  close(): Promise<void>;
}

/** Far longer than any round takes: a lost message would otherwise be waited for without end. */
export const ROUND_TIMEOUT_MS = 120_000;

/** Throws unless as many were done as were asked for. */
export function verify(who: string, operations: number, count: number): void {
  if (count === operations) return;
  throw new Error(`${who}: ${count} operations were counted, ${operations} were to be done`);
}
