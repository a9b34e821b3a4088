/**
 * Events as the bus carries them: what happened, under which key, and what it follows from.
 */
import { HopLimit, InvalidOption, type AnyRef } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { checkTopic } from './topic.ts';

/** One event, as subscribers get it. */
export interface BusEvent<TPayload = unknown> {
  /** The dedupe key: however often it is published and delivered, it is the same event. */
  readonly id: string;
  readonly topic: string;
  readonly payload: TPayload;
  /** Events of one key reach each subscription in the order of their publishing. */
  readonly key?: string;
  /** The event that it follows from; its own id when it follows from none. */
  readonly causationId: string;
  /** The first event of all that it follows from. */
  readonly correlationId: string;
  /** How many events lie between the first one and it. */
  readonly depth: number;
}

/** An event as it is published. */
export interface EventSpec<TPayload = unknown> {
  readonly topic: string;
  readonly payload: TPayload;
  /** Default none: it has no order with others. */
  readonly key?: string;
  /**
   * The dedupe key. Default: fresh, or for an event with a cause that of the cause and its own topic,
   * so that work that is done again for the cause does not publish twice.
   */
  readonly id?: string;
  /** The event that it follows from. */
  readonly cause?: BusEvent;
}

/** The event that a spec means. Throws `InvalidOption`, and `HopLimit` for one that follows from too many. */
export function eventOf(
  spec: EventSpec,
  ctx: { readonly self: AnyRef; random(): number },
): BusEvent {
  checkOptions(spec, ['topic', 'payload', 'key', 'id', 'cause'], 'publish');
  const { topic, payload, key, cause } = spec;
  checkTopic('publish.topic', topic);
  const id = spec.id ?? (cause === undefined ? freshId(ctx) : `${cause.id}>${topic}`);
  for (const [field, given] of Object.entries({ key, id }))
    if (given !== undefined && (typeof given !== 'string' || given === ''))
      throw new InvalidOption({ field: `publish.${field}`, given, allowed: 'a non-empty string' });
  const { causationMax } = ACTORS_LIMITS;
  const depth = cause === undefined ? 0 : cause.depth + 1;
  if (cause !== undefined && depth > causationMax) {
    const chain = [cause.correlationId, '…', cause.id];
    throw new HopLimit({ address: ctx.self.address, hopsMax: causationMax, chain });
  }
  return {
    id,
    topic,
    payload,
    ...(key !== undefined && { key }),
    causationId: cause?.id ?? id,
    correlationId: cause?.correlationId ?? id,
    depth,
  };
}

/** A dedupe key that no other event has. */
export function freshId(ctx: { random(): number }): string {
  return `e${Math.floor(ctx.random() * 2 ** 52).toString(36)}`;
}
