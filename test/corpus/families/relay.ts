/**
 * X1: a long way. One link of a program becomes h agents that only hand on, so that what went over
 * it comes h steps later under FIFO. A race against it needs the right order at every hop, and a
 * search that tosses a coin at each step does not find it.
 */
import type { EventObject } from 'xstate';
import type { Ref } from 'troupe';
import type { Stage } from 'troupe/simulation';
import { agent } from '../notation.ts';

/** A ref that leads to an agent over h others; with 0 it is the agent's own. */
export function relay<TEvent extends EventObject>(
  stage: Stage,
  name: string,
  to: Ref<TEvent>,
  h: number,
): Ref<TEvent> {
  let next = to;
  for (let index = h - 1; index >= 0; index -= 1) {
    const after = next as unknown as Ref<EventObject>;
    next = stage.spawn(
      agent<TEvent>((event, ctx) => {
        if ('replyTo' in event) ctx.forward(after, event);
        else ctx.send(after, event);
      }),
      { id: `${name}.${index}` },
    ) as unknown as Ref<TEvent>;
  }
  return next;
}
