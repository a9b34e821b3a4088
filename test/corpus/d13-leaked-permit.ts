/**
 * D13: a permit that is granted to nobody.
 *
 * A semaphore has one permit. X waits for it for 10 ms only, and then gives up; but its place in the
 * queue stays. When its turn comes, the permit is granted to somebody who does not wait any more,
 * and never comes back. The correct X says that it has given up, and the semaphore takes it out of
 * the queue, or the permit back.
 */
import { AskTimeout, type AgentContext } from 'troupe';
import { done, task, type Scenario, type Stage } from 'troupe/simulation';
import type { EventObject } from 'xstate';
import { relayed as through } from './families/way.ts';
import { at, ok, stateful, type Request, type Tell } from './notation.ts';
import type { Pair, Variant } from './pair.ts';

type Acquire = Request<'acq'> & { readonly by: string };
type Cancel = { readonly type: 'cancel'; readonly by: string };

type Message = Acquire | Tell<'rel'> | Cancel;

interface Semaphore {
  readonly owner: string | undefined;
  readonly queue: readonly Acquire[];
}

const next = (
  [first, ...queue]: readonly Acquire[],
  ctx: Pick<AgentContext<EventObject>, 'reply'>,
): Semaphore => {
  if (first === undefined) return { owner: undefined, queue };
  ctx.reply(first, ok);
  return { owner: first.by, queue };
};

/** One permit, granted in the order of the requests. */
const semaphore = stateful<Semaphore, Message>(
  { owner: undefined, queue: [] },
  ({ owner, queue }, event, ctx) => {
    switch (event.type) {
      case 'acq':
        if (owner === undefined) return next([...queue, event], ctx);
        ctx.defer(event);
        return { owner, queue: [...queue, event] };
      case 'rel':
        return next(queue, ctx);
      case 'cancel':
        return owner === event.by
          ? next(queue, ctx)
          : { owner, queue: queue.filter(({ by }) => by !== event.by) };
    }
  },
);

function users(stage: Stage, cancels: boolean, h: number): void {
  stage.spawn(semaphore, { id: 'Sem' });
  const sem = at<Message>(stage, 'Sem');
  for (const id of ['H', 'Y']) {
    task(id);
    stage.client(id, function* (ctx) {
      yield* ctx.ask(sem, { type: 'acq', by: id });
      ctx.send(sem, { type: 'rel' });
      done(id);
    });
  }
  const far = through(h)<Message>(stage, 'Sem');
  stage.client('X', function* (ctx) {
    try {
      yield* ctx.ask(far, { type: 'acq', by: 'X' }, { timeoutMs: 10 });
    } catch (error) {
      if (!(error instanceof AskTimeout)) throw error;
      if (cancels) ctx.send(far, { type: 'cancel', by: 'X' });
      return;
    }
    ctx.send(far, { type: 'rel' });
  });
}

/** X1: the program with h agents in the link from X to the semaphore. */
export const relayed = (h: number, variant: Variant): Scenario => ({
  name: `D13 ${variant}, ${h} hops`,
  setup: (stage) => users(stage, variant === 'correct', h),
});

export const pair: Pair = {
  id: 'D13',
  title: 'a permit that is granted to nobody',
  expected: ['STUCK'],
  e: 1,
  culprits: ['Sem', 'X'],
  buggy: relayed(0, 'buggy'),
  correct: relayed(0, 'correct'),
};
