/**
 * Delivery: what a bus does with an event between its publishing and its end at a subscription.
 */
import type { AgentContext, Down, Wait } from '../../runtime/index.ts';
import { backoffMs } from '../../supervision/index.ts';
import type { Failure } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { Outcome } from '../task.ts';
import type { BusMessage } from './bus.ts';
import { courier } from './courier.ts';
import { keyOf, type BusRow, type BusStore } from './store.ts';
import { Subscription, laneOf, type DeadEvent, type Due } from './subscription.ts';

/** What a bus remembers of an event. */
export interface Seen {
  readonly sequence: number;
  readonly digest: string;
  readonly subscriptions: number;
}
export interface BusState {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** By id, the oldest first. */
  readonly seen: Map<string, Seen>;
  /** The number of the newest event. */
  sequence: number;
}

/** A lane can go again, or without one its whole subscription. */
interface Rested {
  readonly type: 'rested';
  readonly subscription: string;
  readonly lane: string | undefined;
}
export type Received = BusMessage | Rested | Down;
export type Waits<T> = Generator<Wait<unknown>, T, unknown>;

export class Delivery {
  readonly state: BusState;
  readonly ctx: AgentContext<Received>;
  readonly #store: BusStore;

  constructor(state: BusState, ctx: AgentContext<Received>, store: BusStore) {
    this.state = state;
    this.ctx = ctx;
    this.#store = store;
  }

  /** With the state that the store has. */
  static *restored(ctx: AgentContext<Received>, store: BusStore): Waits<Delivery> {
    const loaded = store.load();
    const rows = loaded instanceof Promise ? yield* ctx.wait(loaded) : loaded;
    const subscriptions = new Map<string, Subscription>();
    for (const row of rows)
      if (row.kind === 'subscription')
        subscriptions.set(row.id, new Subscription(row.id, row.spec));
    const state: BusState = { subscriptions, seen: new Map(), sequence: 0 };
    const numbered = rows.filter((row) => row.kind !== 'subscription');
    for (const row of numbered.toSorted((one, other) => one.sequence - other.sequence)) {
      state.sequence = row.sequence;
      if (row.kind === 'seen') state.seen.set(row.id, row);
      else if (row.kind === 'due')
        subscriptions.get(row.subscription)?.add(row.event, row.sequence);
      else subscriptions.get(row.subscription)?.dead.set(row.sequence, row.letter);
    }
    return new Delivery(state, ctx, store);
  }

  *write(rows: readonly BusRow[], deleted: readonly string[] = []): Waits<void> {
    const written = this.#store.write(
      rows.map((row) => [keyOf(row), row]),
      deleted,
    );
    if (written instanceof Promise) yield* this.ctx.wait(written);
  }

  /** Sends couriers with all that can go. */
  dispatch(subscription: Subscription): void {
    for (let due = subscription.next(); due !== undefined; due = subscription.next()) {
      const { event } = due;
      const input = { event, spec: subscription.spec };
      const { address } = this.ctx.spawn(courier, { input, monitor: true });
      subscription.underWay.set(address, due);
    }
  }

  /** A courier is back. The state is a new one when publishers may have waited for the room. */
  *ended({ ref: { address }, reason }: Down): Waits<BusState | undefined> {
    const { state } = this;
    const subscription = [...state.subscriptions.values()].find((each) =>
      each.underWay.has(address),
    );
    const due = subscription?.underWay.get(address);
    // Its subscription has ended meanwhile.
    if (subscription === undefined || due === undefined) return undefined;
    subscription.underWay.delete(address);
    const wasFull = subscription.isFull;
    const outcome = reason.type === 'normal' ? (reason.output as Outcome) : undefined;
    if (outcome?.status === 'done' || outcome?.status === 'partial') {
      subscription.timesAway = 0;
      const { sequence } = due;
      yield* this.write([], [keyOf({ kind: 'due', subscription: subscription.id, sequence })]);
      subscription.remove(due);
    } else {
      yield* this.#failed(
        subscription,
        due,
        outcome?.status === 'failed' ? outcome.failure : undefined,
      );
    }
    this.dispatch(subscription);
    return wasFull && !subscription.isFull ? { ...state } : undefined;
  }

  /** The time of a rest is over. */
  rested({ subscription: id, lane }: Pick<Rested, 'subscription' | 'lane'>): void {
    const subscription = this.state.subscriptions.get(id);
    if (subscription === undefined) return;
    if (lane === undefined) subscription.isPaused = false;
    else subscription.retry(lane);
    this.dispatch(subscription);
  }

  /** Nothing of a subscription rests any more. */
  forget({ id, lanes }: Subscription): void {
    for (const lane of [undefined, ...lanes.keys()]) this.ctx.cancel(timerOf(id, lane));
  }

  /** The event is a dead letter of this subscription from now on. */
  *bury(
    subscription: Subscription,
    { event, sequence, attempts }: Due,
    reason: DeadEvent['reason'],
    failure?: Failure,
  ): Waits<void> {
    const { deadLettersMax = ACTORS_LIMITS.deadEventsKept } = subscription.spec;
    const letter = { event, reason, attempts, ...(failure !== undefined && { failure }) };
    const [oldest] = subscription.dead.size < deadLettersMax ? [] : subscription.dead.entries();
    const { id } = subscription;
    yield* this.write(
      [{ kind: 'dead', subscription: id, sequence, letter }],
      oldest && [keyOf({ kind: 'dead', subscription: id, sequence: oldest[0] })],
    );
    subscription.dead.set(sequence, letter);
    this.#tell('dead-letter', id, { event: event.id, reason, attempts, failure });
    if (oldest === undefined) return;
    subscription.dead.delete(oldest[0]);
    this.#tell('lost', id, { event: oldest[1].event.id, reason: 'too many dead letters' });
  }

  *#failed(subscription: Subscription, due: Due, failure: Failure | undefined): Waits<void> {
    const { backoff = DEFAULT_BACKOFF, attemptsMax = ACTORS_LIMITS.deliveryAttempts } =
      subscription.spec;
    const random = this.ctx.random();
    // The runtime says so, and not the work: there is nobody, and so it is no attempt at the event.
    if (failure?.kind === 'unavailable' && failure.code !== undefined) {
      subscription.retry(laneOf(due));
      const delayMs = backoffMs(backoff, subscription.timesAway, random);
      if (subscription.isPaused) return;
      subscription.timesAway += 1;
      subscription.isPaused = true;
      this.#rest(subscription.id, undefined, delayMs);
      return;
    }
    subscription.timesAway = 0;
    due.attempts += 1;
    const { retryable = true, sameInputWillFail = false, afterMs = 0 } = failure?.retry ?? {};
    if (!retryable || sameInputWillFail || due.attempts >= attemptsMax) {
      yield* this.bury(subscription, due, 'failed', failure);
      subscription.remove(due);
      return;
    }
    const delayMs = Math.max(afterMs, backoffMs(backoff, due.attempts - 1, random));
    this.#rest(subscription.id, laneOf(due), delayMs);
  }

  #rest(subscription: string, lane: string | undefined, delayMs: number): void {
    const id = timerOf(subscription, lane);
    this.ctx.after(delayMs, { type: 'rested', subscription, lane }, { id });
  }

  #tell(about: string, subscription: string, fields: Readonly<Record<string, unknown>>): void {
    this.ctx.report({ level: 'warn', label: `bus/${about}`, fields: { subscription, ...fields } });
  }
}

function timerOf(subscription: string, lane: string | undefined): string {
  return `${subscription}/${lane ?? ''}`;
}

const DEFAULT_BACKOFF = {
  minMs: ACTORS_LIMITS.deliveryRetryMinMs,
  maxMs: ACTORS_LIMITS.deliveryRetryMaxMs,
};
