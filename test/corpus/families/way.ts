/**
 * The ways that messages go from one agent to another: at once, through relays (X1), or over a link
 * that breaks once and comes back (X8). A program that takes a way for one of its links is raced
 * along it.
 */
import type { EventObject } from 'xstate';
import type { Ref } from 'troupe';
import { choose, type Stage } from 'troupe/simulation';
import { agent, at, stateful, type Tell } from '../notation.ts';

/** Makes a way to an agent at the top, and gives where it begins. */
export type Way = <TEvent extends EventObject>(stage: Stage, to: string) => Ref<TEvent>;

export const direct: Way = at;

/**
 * Through a number of agents, each of which hands on whatever it gets: as many events more. A race
 * against it needs the right order at every hop, and a search that tosses a coin at each step does
 * not find it.
 */
export function relayed(hops: number): Way {
  return <TEvent extends EventObject>(stage: Stage, to: string) => {
    let next = at<EventObject>(stage, to);
    for (let hop = hops - 1; hop >= 0; hop -= 1) {
      const after = next;
      next = stage.spawn(
        agent<EventObject>((event, ctx) => {
          if ('replyTo' in event) ctx.forward(after, event as never);
          else ctx.send(after, event);
        }),
        { id: `${to}.${hop}` },
      ) as unknown as Ref<EventObject>;
    }
    return next as unknown as Ref<TEvent>;
  };
}

interface Link {
  /** What is under way, the oldest first. */
  readonly sent: readonly EventObject[];
  /** What was delivered last, and is not known to be. */
  readonly unacknowledged?: EventObject;
}

/**
 * Over a link that keeps the order, breaks once, at any time, and comes back: then the newest two of
 * what is under way may be lost, and what was delivered last may come again. It carries no requests.
 */
export const websocket: Way = <TEvent extends EventObject>(stage: Stage, to: string) => {
  const target = at<EventObject>(stage, to);
  const id = `ws-${to}`;
  const link = stage.spawn(
    stateful<Link, EventObject | Tell<'ws.next' | 'ws.cut'>>({ sent: [] }, (link, event, ctx) => {
      const { sent, unacknowledged } = link;
      if (event.type === 'ws.next') {
        const [next, ...rest] = sent;
        if (next === undefined) return link;
        ctx.send(target, next);
        return { sent: rest, unacknowledged: next };
      }
      if (event.type !== 'ws.cut') {
        ctx.send(ctx.self, { type: 'ws.next' });
        return { ...link, sent: [...sent, event] };
      }
      const lost = choose('lost', [0, 1, 2].slice(0, sent.length + 1));
      const comesAgain = unacknowledged !== undefined && choose('comes again', [false, true]);
      if (comesAgain) ctx.send(target, unacknowledged);
      return { sent: sent.slice(0, sent.length - lost) };
    }),
    { id },
  );
  stage.send(link, { type: 'ws.cut' });
  return link as unknown as Ref<TEvent>;
};
