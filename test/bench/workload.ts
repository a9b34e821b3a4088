/**
 * The workloads, and what a contender writes for one: a file `CONTENDER/WORKLOAD.ts` that exports
 * `open`. A contender without the file does not take part.
 */

/** One workload, the same for all contenders. */
export interface Workload {
  readonly name: string;
  /** Higher is better for `ops/s`, lower for the two others. */
  readonly unit: 'ops/s' | 'bytes' | 'ms';
  /** What one operation is. */
  readonly operation: string;
  /** Operations come in multiples of this; with another unit than `ops/s`, so many make a round. */
  readonly step: number;
}

/** Agents of the ring, of `big`. */
export const CROWD = 100;
/** Messages that are sent before the sender waits for the receiver: a default mailbox holds 4,096. */
export const BATCH = 1_000;
/** Workers of `forkjoin-throughput`, and messages to each before it tells that it is done. */
export const WORKERS = 60;
export const MESSAGES = 100;
/** Children that are created before the parent waits for all to be done. */
export const WAVE = 100;
/** Producers, as many consumers, and the room between them. */
export const PRODUCERS = 4;
export const ROOM = 64;
/** Nodes to which `link-fanout` sends. */
export const PEERS = 8;
/** Steps of one run around a loop of two. */
export const STEPS = 100;
/** Handoffs of one request. */
export const HANDOFFS = 10;
/** Restarts under one supervisor before the next burst has a fresh one. */
export const BURST = 100;

export const WORKLOADS: readonly Workload[] = [
  { name: 'pingpong', unit: 'ops/s', operation: 'round trip', step: 1_000 },
  { name: 'threadring', unit: 'ops/s', operation: 'hop', step: 1_000 },
  { name: 'counting', unit: 'ops/s', operation: 'send', step: BATCH },
  { name: 'forkjoin-throughput', unit: 'ops/s', operation: 'message', step: WORKERS * MESSAGES },
  { name: 'forkjoin-create', unit: 'ops/s', operation: 'create, message, stop', step: WAVE },
  { name: 'big', unit: 'ops/s', operation: 'ping and pong', step: CROWD * 10 },
  { name: 'ask', unit: 'ops/s', operation: 'ask', step: 1_000 },
  { name: 'bounded-buffer', unit: 'ops/s', operation: 'item', step: PRODUCERS * 100 },
  { name: 'restart', unit: 'ops/s', operation: 'crash to up', step: BURST },
  { name: 'idle-memory', unit: 'bytes', operation: 'idle agent', step: 10_000 },
  { name: 'link-oneway', unit: 'ops/s', operation: 'message to another node', step: BATCH },
  { name: 'link-fanout', unit: 'ops/s', operation: 'message to one of 8', step: BATCH * PEERS },
  { name: 'link-rtt', unit: 'ops/s', operation: 'ask of another node', step: 100 },
  { name: 'link-ask', unit: 'ops/s', operation: 'ask, 1,000 in flight', step: BATCH },
  { name: 'patterns-loop', unit: 'ops/s', operation: 'step of a loop of two', step: STEPS },
  { name: 'patterns-fan-in', unit: 'ops/s', operation: 'one of 100 side by side', step: CROWD },
  { name: 'patterns-handoff', unit: 'ops/s', operation: 'handoff', step: HANDOFFS },
  { name: 'patterns-delegation', unit: 'ops/s', operation: 'request with a specialist', step: 10 },
  { name: 'loop-delay', unit: 'ms', operation: 'p99 of timers', step: 1 },
];

/** For `ops/s`: runs so many operations, and gives how many the receiving side has counted. */
export type Rate = (operations: number) => Promise<number>;

/** For `bytes`: starts so many agents, and gives how many are there and what ends them. */
export type Fill = (
  agents: number,
) => Promise<{ readonly count: number; readonly release: () => unknown }>;

/** For `ms`: a loop of agents that hand a token on for ever, until it is stopped. */
export interface Loop {
  start(): void;
  /** Hops so far. */
  hops(): number;
  stop(): void;
}

/** What `open` gives. */
export type Opened = Rate | Fill | Loop;

/** A round that waits for somebody to say that it is complete. */
export class Completion {
  #resolve: ((count: number) => void) | undefined;

  /** Starts something, and resolves with the count that {@link done} is called with. */
  after(start: () => void): Promise<number> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      start();
    });
  }

  readonly done = (count: number): void => this.#resolve?.(count);
}

/** A linear congruential generator: the same cheap choice for all contenders. */
export function nextRandom(seed: number): number {
  return (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
}
