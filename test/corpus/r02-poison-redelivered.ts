/**
 * R02: a poison message that is delivered again.
 *
 * W crashes on a message, Sup restarts it and gives it the same message again. The buggy Sup does so
 * for ever; the correct one fails the request after three restarts and stops W. Neither is
 * `supervisor`, which delivers nothing twice: they are what people write by hand.
 */
import { fromHandler, type Down, type Ref, type ReplyTo } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { agent, at, type Ok, type Request, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

interface Supervised {
  readonly worker?: Ref<Tell<'poison'>>;
  readonly asked?: { readonly type: 'poison'; readonly replyTo: ReplyTo<Ok> };
  readonly restarts: number;
}

const worker = agent<Tell<'poison'>>(() => {
  throw new Error('poison');
});

const program = (name: string, restartsMax: number): Scenario => ({
  name,
  setup(stage) {
    stage.spawn(
      fromHandler({
        initial: (): Supervised => ({ restarts: 0 }),
        start(state: Supervised, ctx): Supervised {
          return { ...state, worker: ctx.spawn(worker, { id: 'W', hold: true, monitor: true }) };
        },
        *receive(state: Supervised, event: Request<'poison'> | Down, ctx) {
          const w = state.worker as Ref<Tell<'poison'>>;
          if (event.type === 'poison') {
            ctx.defer(event);
            ctx.send(w, { type: 'poison' });
            return { ...state, asked: event };
          }
          if (state.restarts >= restartsMax) {
            if (state.asked !== undefined) ctx.fail(state.asked, new Error('too many restarts'));
            ctx.release(w);
            return { restarts: state.restarts };
          }
          yield* ctx.restart(w);
          ctx.monitor(w);
          ctx.send(w, { type: 'poison' });
          return Number.isFinite(restartsMax) ? { ...state, restarts: state.restarts + 1 } : state;
        },
      }),
      { id: 'Sup' },
    );
    stage.client('C', function* (ctx) {
      try {
        yield* ctx.ask(at<Request<'poison'>>(stage, 'Sup'), { type: 'poison' });
      } catch {
        // It has been told: that is all it asks for.
      }
    });
  },
});

export const pair: Pair = {
  id: 'R02',
  title: 'a poison message that is delivered again and again',
  expected: ['LIVELOCK', 'RESTART_STORM'],
  e: 0,
  culprits: ['Sup', 'Sup/W'],
  buggy: program('R02 buggy', Infinity),
  correct: program('R02 correct', 3),
};
