/**
 * D13: a permit that is granted to nobody.
 *
 * A semaphore has one permit. X waits for it for 10 ms only, and then gives up; but its place in the
 * queue stays. When its turn comes, the permit is granted to somebody who does not wait any more,
 * and never comes back. The correct X says that it has given up, and the semaphore takes it out of
 * the queue, or the permit back.
 *
 * The semaphore is written with plain messages and its own tickets: our own ask is cancelled at its
 * deadline, and a semaphore that holds it can see that (test/corpus/prevented.test.ts).
 */
import { AskTimeout, type AgentContext } from 'troupe';
import { done, task, type Stage } from 'troupe/simulation';
import type { EventObject } from 'xstate';
import { at, ok, stateful, type Request, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Acquire = Request<'acq'> & { readonly by: string };
type Cancel = { readonly type: 'cancel'; readonly by: string };

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
const semaphore = stateful<Semaphore, Acquire | Tell<'rel'> | Cancel>(
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

function users(stage: Stage, cancels: boolean): void {
  stage.spawn(semaphore, { id: 'Sem' });
  const sem = at<Acquire | Tell<'rel'> | Cancel>(stage, 'Sem');
  for (const id of ['H', 'Y']) {
    task(id);
    stage.client(id, function* (ctx) {
      yield* ctx.ask(sem, { type: 'acq', by: id });
      ctx.send(sem, { type: 'rel' });
      done(id);
    });
  }
  stage.client('X', function* (ctx) {
    try {
      yield* ctx.ask(sem, { type: 'acq', by: 'X' }, { timeoutMs: 10 });
    } catch (error) {
      if (!(error instanceof AskTimeout)) throw error;
      if (cancels) ctx.send(sem, { type: 'cancel', by: 'X' });
      return;
    }
    ctx.send(sem, { type: 'rel' });
  });
}

export const pair: Pair = {
  id: 'D13',
  title: 'a permit that is granted to nobody',
  expected: ['STUCK'],
  e: 1,
  culprits: ['Sem', 'X'],
  buggy: { name: 'D13 buggy', setup: (stage) => users(stage, false) },
  correct: { name: 'D13 correct', setup: (stage) => users(stage, true) },
};
