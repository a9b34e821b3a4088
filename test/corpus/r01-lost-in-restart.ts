/**
 * R01: a restart loses the request in flight.
 *
 * W crashes while it handles a job, and is restarted with its mailbox; that one job is gone. In the
 * buggy program it is a plain message, and nobody tells the client. In the correct one the runtime
 * fails the request of a life that ends, and the client asks again.
 */
import { ActorEnded, child, supervisor } from 'troupe';
import { done, task, type Scenario, type Stage } from 'troupe/simulation';
import { agent, at, ok, type Request, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Job = { readonly type: 'job'; readonly from: string };

const worker = (stage: Stage) =>
  agent<Job | Request<'ask job'>>((event, ctx) => {
    if (event.type === 'job') ctx.send(at<Tell<'result'>>(stage, event.from), { type: 'result' });
    else ctx.reply(event, ok);
  });

const program = (name: string, asks: boolean): Scenario => ({
  name,
  faults: { crash: { of: ['Sup/W'], max: 1, when: ['before'] } },
  setup(stage) {
    stage.spawn(supervisor({ children: [child({ id: 'W', logic: worker(stage) })] }), {
      id: 'Sup',
    });
    if (asks)
      stage.client('C', function* (ctx) {
        for (;;)
          try {
            yield* ctx.ask(at<Request<'ask job'>>(stage, 'Sup/W'), { type: 'ask job' });
            return;
          } catch (error) {
            if (!(error instanceof ActorEnded)) throw error;
          }
      });
    else {
      task('job');
      const client = stage.spawn(
        agent<Tell<'go' | 'result'>>(({ type }, ctx) => {
          if (type === 'go') ctx.send(at<Job>(stage, 'Sup/W'), { type: 'job', from: 'C' });
          else done('job');
        }),
        { id: 'C' },
      );
      stage.send(client, { type: 'go' });
    }
  },
});

export const pair: Pair = {
  id: 'R01',
  title: 'a restart loses the request in flight',
  expected: ['STUCK'],
  e: 1,
  culprits: ['Sup/W', 'C'],
  buggy: program('R01 buggy', false),
  correct: program('R01 correct', true),
};
