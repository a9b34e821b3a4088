/**
 * Routers: which member of a group gets a message. A router is a plain object that asks the group at
 * each message who is in it, so that members come and go as they like.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  type AskOptions,
  type AnyRef,
  type Question,
  type Ref,
  type ReplyOf,
  type RequestNamed,
  type RequestOf,
} from '../runtime/index.ts';
import { hashOf } from '../runtime/internal.ts';
import { NoMembers } from './errors.ts';

/**
 * How a router chooses.
 * - `round robin`: one after the other.
 * - `random`: any.
 * - `least loaded`: of two that are drawn at random, the one with fewer open asks of this very router.
 *   What others ask of a member, and what is only sent to it, does not count.
 * - `key`: the same member for the same key, on all nodes, as long as it is in the group; when one
 *   leaves, the others keep the keys that they have.
 */
export type Routing<TEvent extends EventObject> =
  'round robin' | 'random' | 'least loaded' | { readonly key: (message: TEvent) => string };

/** Sends each message to one member of a group. Every call throws or rejects with `NoMembers` when there is none. */
export interface Router<TEvent extends EventObject> {
  /** The member that this message goes to; the next one may go to another. */
  pick(message: TEvent | Question<RequestOf<TEvent>>): Ref<TEvent>;
  send(message: TEvent): void;
  /** Asks one member. Rejects as `ref.ask` does: what one has failed is not asked of another. */
  ask<TType extends RequestOf<TEvent>['type']>(
    request: { readonly type: TType } & Question<RequestNamed<TEvent, TType>>,
    options?: AskOptions,
  ): Promise<ReplyOf<RequestNamed<TEvent, TType>>>;
}

/** Sends each message to all members of a group, to one that joined twice once. */
export interface Broadcast<TEvent extends EventObject> {
  /** Throws `NoMembers` when there is none. */
  send(message: TEvent): void;
  /** What became of each ask, in the order of the members. Rejects with `NoMembers` when there is none. */
  ask<TType extends RequestOf<TEvent>['type']>(
    request: { readonly type: TType } & Question<RequestNamed<TEvent, TType>>,
    options?: AskOptions,
  ): Promise<readonly PromiseSettledResult<ReplyOf<RequestNamed<TEvent, TType>>>[]>;
}

/** What a router knows of its group. */
export interface Routed {
  readonly name: string;
  readonly members: () => readonly AnyRef[];
  /** A number in [0, 1). */
  readonly random: () => number;
}

type AnyMessage = { readonly type: string };
type AnyMember = Ref<EventObject> & {
  ask(request: AnyMessage, options?: AskOptions): Promise<never>;
};

/** Makes a router. Throws `InvalidOption` for a routing that there is not. */
export function routerOf<TEvent extends EventObject>(
  group: Routed,
  routing: Routing<TEvent>,
): Router<TEvent> {
  const open = new Map<string, number>();
  const choose = chooserOf(group, routing as Routing<EventObject>, open);
  const pick = (message: AnyMessage): AnyMember => choose(membersOf(group, message), message);
  const ask = async (request: AnyMessage, options?: AskOptions): Promise<never> => {
    const member = pick(request);
    const { address } = member;
    open.set(address, (open.get(address) ?? 0) + 1);
    try {
      return await member.ask(request, options);
    } finally {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    }
  };
  const router = { pick, ask, send: (message: EventObject) => pick(message).send(message) };
  return router as unknown as Router<TEvent>;
}

/** Makes what sends to all. */
export function broadcastOf<TEvent extends EventObject>(group: Routed): Broadcast<TEvent> {
  const all = (message: AnyMessage): AnyMember[] => [
    ...new Map(membersOf(group, message).map((member) => [member.address, member])).values(),
  ];
  const broadcast = {
    send: (message: EventObject) => {
      for (const member of all(message)) member.send(message);
    },
    ask: async (request: AnyMessage, options?: AskOptions) =>
      Promise.allSettled(all(request).map((member) => member.ask(request, options))),
  };
  return broadcast as unknown as Broadcast<TEvent>;
}

type Chooser = (members: readonly AnyMember[], message: AnyMessage) => AnyMember;

function chooserOf(
  { random }: Routed,
  routing: Routing<EventObject>,
  open: ReadonlyMap<string, number>,
): Chooser {
  const draw = (count: number): number => Math.floor(random() * count);
  let next = 0;
  switch (routing) {
    case 'round robin':
      return (members) => members[next++ % members.length] as AnyMember;
    case 'random':
      return (members) => members[draw(members.length)] as AnyMember;
    case 'least loaded':
      return (members) => {
        const one = members[draw(members.length)] as AnyMember;
        const other = members[draw(members.length)] as AnyMember;
        const loadOf = ({ address }: AnyRef): number => open.get(address) ?? 0;
        return loadOf(other) < loadOf(one) ? other : one;
      };
    default: {
      const key = (routing as { readonly key?: unknown } | undefined)?.key;
      if (typeof key !== 'function') {
        const allowed = "'round robin', 'random', 'least loaded' or { key: (message) => string }";
        throw new InvalidOption({ field: 'routing', given: routing, allowed });
      }
      return (members, message) => {
        const given: unknown = key(message);
        if (typeof given !== 'string')
          throw new InvalidOption({
            field: 'key',
            given,
            allowed: 'a function that gives a string',
          });
        return highest(members, given);
      };
    }
  }
}

/**
 * The member with the highest hash of its address and the key (rendezvous hashing): when a member
 * leaves, only its own keys go elsewhere, and no ring has to be kept.
 */
function highest(members: readonly AnyMember[], key: string): AnyMember {
  let best = members[0] as AnyMember;
  let weight = -1;
  for (const member of members) {
    const own = spread(hashOf(`${member.address} ${key}`));
    if (own < weight || (own === weight && member.address >= best.address)) continue;
    best = member;
    weight = own;
  }
  return best;
}

/** Lets every bit of a hash change all others (the last step of MurmurHash3): FNV's last letters change few. */
function spread(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function membersOf(group: Routed, { type }: AnyMessage): readonly AnyMember[] {
  const members = group.members() as readonly AnyMember[];
  if (members.length === 0) throw new NoMembers({ group: group.name, message: type });
  return members;
}
