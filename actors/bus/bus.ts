/**
 * The bus: an agent that takes events and brings each to all subscriptions whose topics take it, at
 * least once, and in order per key. A subscriber is a performer, and each event is a task for it.
 *
 *     publish -> seen before? -> due for each subscription, stored -> published
 *                                  -> courier -> acknowledged, tried again, or a dead letter
 */
import {
  InvalidOption,
  fromHandler,
  type AgentName,
  type HandlerLogic,
  type Ref,
  type ReplyTo,
} from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { digestOf } from '../digest.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { Delivery, type BusState, type Received, type Waits } from './delivery.ts';
import { eventOf, type BusEvent, type EventSpec } from './event.ts';
import { MemoryBusStore, keyOf, type BusStore } from './store.ts';
import {
  Subscription,
  checkSubscription,
  type DeadEvent,
  type SubscriptionSpec,
} from './subscription.ts';

/** The answer to a publishing: the bus has the event, and will bring it to so many subscriptions. */
export interface Published {
  readonly type: 'published';
  readonly id: string;
  /** It had the event already; nothing happens again. */
  readonly isRepeated: boolean;
  readonly subscriptions: number;
}

/** What a bus takes. */
export type BusMessage =
  | {
      readonly type: 'publish';
      readonly event: EventSpec;
      readonly replyTo: ReplyTo<Published>;
    }
  /** Begins a subscription, or changes one: what it has not acknowledged stays. */
  | {
      readonly type: 'subscribe';
      readonly id: string;
      readonly spec: SubscriptionSpec;
      readonly replyTo: ReplyTo<{ readonly type: 'subscribed' }>;
    }
  /** Ends a subscription, with its backlog and its dead letters. */
  | { readonly type: 'unsubscribe'; readonly id: string }
  | {
      readonly type: 'deadLetters';
      readonly subscription: string;
      readonly replyTo: ReplyTo<{
        readonly type: 'letters';
        readonly letters: readonly DeadEvent[];
      }>;
    }
  /** Makes dead letters due again, as far as there is room; nobody else gets their events. */
  | {
      readonly type: 'replay';
      readonly subscription: string;
      /** Ids of events; default all. */
      readonly ids?: readonly string[];
      readonly replyTo: ReplyTo<{ readonly type: 'replayed'; readonly count: number }>;
    };
export type BusRef = Ref<BusMessage> | AgentName<Ref<BusMessage>>;

/** What a bus can be told. */
export interface EventBusOptions {
  /** Default a store in memory, which every life of the logic shares. */
  readonly store?: BusStore;
  /** Dedupe keys that it remembers, the newest ones; default 10,000. */
  readonly rememberedMax?: number;
}

/** The logic of a bus. */
export type EventBusLogic = HandlerLogic<unknown, BusMessage>;

/**
 * Makes the logic of a bus. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * const bus = system.spawn(eventBus(), { id: 'bus' });
 * const ship = performer('ship', ({ input }: Task<BusEvent<string>>) => input.payload);
 * const shipping = system.spawn(ship);
 * const spec = { topics: ['order.*'], performer: shipping };
 * await bus.ask({ type: 'subscribe', id: 'shipping', spec });
 * const event = { topic: 'order.paid', payload: 'tea', key: 'order 7', id: 'order 7 paid' };
 * const { isRepeated } = await bus.ask({ type: 'publish', event });
 * ```
 */
export function eventBus(options: EventBusOptions = {}): EventBusLogic {
  checkOptions(options, ['store', 'rememberedMax'], 'eventBus');
  const { store = new MemoryBusStore(), rememberedMax = ACTORS_LIMITS.eventsRemembered } = options;
  if (!Number.isInteger(rememberedMax) || rememberedMax < 1) {
    const allowed = 'an integer >= 1';
    throw new InvalidOption({ field: 'eventBus.rememberedMax', given: rememberedMax, allowed });
  }
  const logic = fromHandler<BusState, Received>({
    initial: () => ({ subscriptions: new Map(), seen: new Map(), sequence: 0 }),
    *start(_state, ctx) {
      const delivery = yield* Delivery.restored(ctx, store);
      for (const subscription of delivery.state.subscriptions.values())
        delivery.dispatch(subscription);
      return delivery.state;
    },
    *receive(state, message, ctx) {
      const delivery = new Delivery(state, ctx, store);
      switch (message.type) {
        case 'publish':
          return yield* publish(delivery, message, rememberedMax);
        case 'subscribe':
          return yield* subscribe(delivery, message);
        case 'unsubscribe':
          return yield* unsubscribe(delivery, message.id);
        case 'deadLetters': {
          const found = subscriptionOf(delivery, message.subscription);
          if (found === undefined)
            return ctx.fail(message, unknown(delivery, message.subscription));
          return ctx.reply(message, { type: 'letters', letters: [...found.dead.values()] });
        }
        case 'replay':
          return yield* replay(delivery, message);
        case 'rested':
          return delivery.rested(message);
        case 'troupe.down':
          return yield* delivery.ended(message);
        default: {
          const { type } = message satisfies never as { readonly type: string };
          return ctx.log.warn({ type }, 'a bus takes events and subscriptions only');
        }
      }
    },
  });
  // Whoever uses it sees what it is asked; its own timers and notices are its own.
  return logic as unknown as EventBusLogic;
}

type MessageOf<TType extends BusMessage['type']> = Extract<BusMessage, { readonly type: TType }>;

/** Takes an event: stored for every subscription before it is answered for. */
function* publish(
  delivery: Delivery,
  request: MessageOf<'publish'>,
  rememberedMax: number,
): Waits<void> {
  const { state, ctx } = delivery;
  let event: BusEvent;
  let digest: string;
  try {
    event = eventOf(request.event, ctx);
    const { topic, payload, key } = event;
    digest = digestOf({ topic, payload, key });
    const seen = state.seen.get(event.id);
    if (seen !== undefined && seen.digest !== digest) {
      const allowed = 'an id that no other event has';
      throw new InvalidOption({ field: 'publish.id', given: event.id, allowed });
    }
    if (seen !== undefined) {
      const { subscriptions } = seen;
      const reply = { type: 'published', id: event.id, isRepeated: true, subscriptions } as const;
      return ctx.reply(request, reply);
    }
  } catch (error) {
    return ctx.fail(request, error);
  }
  const { id } = event;
  const takers = [...state.subscriptions.values()].filter((each) => each.takes(event.topic));
  if (takers.some((each) => each.isFull && each.spec.overflow === 'wait')) return ctx.postpone();
  const sequence = (state.sequence += 1);
  const seen = { sequence, digest, subscriptions: takers.length };
  const oldest = state.seen.size < rememberedMax ? [] : [...state.seen.keys()].slice(0, 1);
  yield* delivery.write(
    [
      { kind: 'seen', id, ...seen },
      ...takers
        .filter((each) => !each.isFull)
        .map((each) => ({ kind: 'due', subscription: each.id, sequence, event }) as const),
    ],
    oldest.map((each) => keyOf({ kind: 'seen', id: each })),
  );
  state.seen.set(id, seen);
  for (const each of oldest) state.seen.delete(each);
  for (const each of takers) {
    if (each.isFull) yield* delivery.bury(each, { event, sequence, attempts: 0 }, 'overflow');
    else each.add(event, sequence);
    delivery.dispatch(each);
  }
  ctx.reply(request, { type: 'published', id, isRepeated: false, subscriptions: takers.length });
}

function* subscribe(
  delivery: Delivery,
  request: MessageOf<'subscribe'>,
): Waits<BusState | undefined> {
  const { state, ctx } = delivery;
  const { id, spec } = request;
  try {
    checkSubscription(id, spec);
  } catch (error) {
    ctx.fail(request, error);
    return undefined;
  }
  yield* delivery.write([{ kind: 'subscription', id, spec }]);
  const known = subscriptionOf(delivery, id);
  const subscription = known ?? new Subscription(id, spec);
  subscription.spec = spec;
  ctx.reply(request, { type: 'subscribed' });
  // Whoever subscribes again is there: what waits for it need not wait on.
  delivery.rested({ subscription: id, lane: undefined });
  return { ...state, subscriptions: new Map(state.subscriptions).set(id, subscription) };
}

function* unsubscribe(delivery: Delivery, id: string): Waits<BusState | undefined> {
  const subscription = subscriptionOf(delivery, id);
  if (subscription === undefined) return undefined;
  const due = [...subscription.lanes.values()].flat();
  delivery.forget(subscription);
  const sequences = [...due.map(({ sequence }) => sequence), ...subscription.dead.keys()];
  yield* delivery.write(
    [],
    [
      keyOf({ kind: 'subscription', id }),
      ...sequences.map((sequence) => keyOf({ kind: 'due', subscription: id, sequence })),
    ],
  );
  const subscriptions = new Map(delivery.state.subscriptions);
  subscriptions.delete(id);
  // Publishers that waited for room in it wait no more.
  return { ...delivery.state, subscriptions };
}

function* replay(delivery: Delivery, request: MessageOf<'replay'>): Waits<void> {
  const { ctx } = delivery;
  const { subscription: id, ids } = request;
  const subscription = subscriptionOf(delivery, id);
  if (subscription === undefined) return ctx.fail(request, unknown(delivery, id));
  let count = 0;
  for (const [sequence, { event }] of subscription.dead) {
    if (subscription.isFull) break;
    if (ids !== undefined && !ids.includes(event.id)) continue;
    yield* delivery.write([{ kind: 'due', subscription: id, sequence, event }]);
    subscription.dead.delete(sequence);
    subscription.add(event, sequence);
    count += 1;
  }
  delivery.dispatch(subscription);
  ctx.reply(request, { type: 'replayed', count });
}

function subscriptionOf({ state }: Delivery, id: string): Subscription | undefined {
  return state.subscriptions.get(id);
}

function unknown({ state }: Delivery, given: string): InvalidOption {
  const allowed = [...state.subscriptions.keys()].join(', ') || 'none: there is no subscription';
  return new InvalidOption({ field: 'subscription', given, allowed });
}
