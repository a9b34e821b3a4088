/**
 * One subscription: what its subscriber has not acknowledged, in lanes. A lane is a key, and its
 * events go one after the other; an event without a key has a lane of its own.
 *
 *     due -> under way -> acknowledged
 *      ^         | failed: its lane rests, and it is due again
 *      |         | gone: the whole subscription waits, and that is no attempt
 *      +-replay- dead: the attempts are used up, or another one would not help
 */
import { InvalidOption } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { checkBackoff } from '../../supervision/backoff.ts';
import type { BackoffOptions } from '../../supervision/index.ts';
import type { Failure } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { isLogic } from '../run.ts';
import type { PerformerName, PerformerRef } from '../task.ts';
import type { BusEvent } from './event.ts';
import { checkPattern, takesTopic } from './topic.ts';

/** Who gets which events, and how. */
export interface SubscriptionSpec<TPayload = never> {
  /** Patterns of topics; see `topic.ts` for their grammar. */
  readonly topics: readonly string[];
  /** Each event is a task for it, and acknowledged when that is done; on any node. */
  readonly performer:
    PerformerRef<BusEvent<TPayload>, unknown> | PerformerName<BusEvent<TPayload>, unknown>;
  /** Events under way at a time, of different keys; default 8. */
  readonly concurrency?: number;
  /** Events that are not acknowledged, at most; default 1,000. */
  readonly backlogMax?: number;
  /**
   * What happens to one more event: it becomes a dead letter of this subscription (the default), or
   * whoever publishes it has to wait until there is room.
   */
  readonly overflow?: 'dead-letter' | 'wait';
  /** Milliseconds that the subscriber has for one event; default 30,000. */
  readonly timeoutMs?: number;
  /** Attempts at an event, the first among them; default 5. */
  readonly attemptsMax?: number;
  /** Delays between them; default 100 to 30,000 ms, doubled each time. */
  readonly backoff?: BackoffOptions;
  /** Dead letters that are kept; the oldest are given up, and the log is told. Default 1,000. */
  readonly deadLettersMax?: number;
}

/** An event that its subscription could not deliver. */
export interface DeadEvent {
  readonly event: BusEvent;
  readonly reason: 'failed' | 'overflow';
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly failure?: Failure;
}

/** An event that is not acknowledged. */
export interface Due {
  readonly event: BusEvent;
  /** Its number among all events of the bus. */
  readonly sequence: number;
  attempts: number;
}

const KEYS: readonly (keyof SubscriptionSpec)[] = [
  'topics',
  'performer',
  'concurrency',
  'backlogMax',
  'overflow',
  'timeoutMs',
  'attemptsMax',
  'backoff',
  'deadLettersMax',
];

/** Throws `InvalidOption`. */
export function checkSubscription(id: unknown, spec: SubscriptionSpec): void {
  const refuse = (field: string, given: unknown, allowed: string): never => {
    throw new InvalidOption({ field, given, allowed });
  };
  if (typeof id !== 'string' || !/^[^/\s]+$/.test(id))
    refuse('subscribe.id', id, 'a string without "/" and white space');
  const field = `subscription "${id as string}"`;
  checkOptions(spec, KEYS, field);
  const { topics, performer, overflow = 'wait', backoff } = spec;
  if (!Array.isArray(topics) || topics.length === 0)
    refuse(`${field}.topics`, topics, 'at least one pattern of topics');
  for (const topic of topics) checkPattern(`${field}.topics`, topic);
  if (performer === undefined || isLogic(performer))
    refuse(`${field}.performer`, performer, 'the ref or the name of a performer');
  if (!['dead-letter', 'wait'].includes(overflow))
    refuse(`${field}.overflow`, overflow, "'dead-letter' or 'wait'");
  for (const name of ['concurrency', 'backlogMax', 'attemptsMax', 'deadLettersMax'] as const) {
    const given = spec[name] ?? 1;
    if (!Number.isInteger(given) || given < 1) refuse(`${field}.${name}`, given, 'an integer >= 1');
  }
  const { timeoutMs = 1 } = spec;
  if (!(timeoutMs > 0)) refuse(`${field}.timeoutMs`, timeoutMs, 'milliseconds > 0');
  if (backoff !== undefined) checkBackoff(`${field}.backoff`, backoff);
}

export class Subscription {
  readonly id: string;
  spec: SubscriptionSpec;
  readonly lanes = new Map<string, Due[]>();
  /** The lanes whose first event can go. */
  readonly ready: string[] = [];
  /** By the address of the courier. */
  readonly underWay = new Map<string, Due>();
  readonly dead = new Map<number, DeadEvent>();
  /** How often in a row its subscriber was not there. */
  timesAway = 0;
  isPaused = false;
  /** Events that are not acknowledged, those under way among them. */
  backlog = 0;

  constructor(id: string, spec: SubscriptionSpec) {
    this.id = id;
    this.spec = spec;
  }

  get isFull(): boolean {
    return this.backlog >= (this.spec.backlogMax ?? ACTORS_LIMITS.backlogMax);
  }

  takes(topic: string): boolean {
    return this.spec.topics.some((pattern) => takesTopic(pattern, topic));
  }

  add(event: BusEvent, sequence: number): void {
    const due = { event, sequence, attempts: 0 };
    const name = laneOf(due);
    const lane = this.lanes.get(name);
    this.backlog += 1;
    if (lane !== undefined) {
      lane.push(due);
      return;
    }
    this.lanes.set(name, [due]);
    this.ready.push(name);
  }

  /** The next event that can go; undefined when there is none, or enough are under way. */
  next(): Due | undefined {
    const { concurrency = ACTORS_LIMITS.concurrency } = this.spec;
    if (this.isPaused || this.underWay.size >= concurrency) return undefined;
    const name = this.ready.shift();
    return name === undefined ? undefined : this.lanes.get(name)![0]!;
  }

  /** The event is no longer due: the next of its lane can go. */
  remove(due: Due): void {
    const name = laneOf(due);
    const lane = this.lanes.get(name)!;
    lane.shift();
    this.backlog -= 1;
    if (lane.length === 0) this.lanes.delete(name);
    else this.ready.push(name);
  }

  /** Its lane can go again. */
  retry(name: string): void {
    this.ready.unshift(name);
  }
}

/** The name of the lane of an event. */
export function laneOf({ event: { key }, sequence }: Due): string {
  return key === undefined ? `#${sequence}` : `=${key}`;
}
