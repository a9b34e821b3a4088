/**
 * L05: a stop with questions in the queue.
 *
 * S answers one question and stops. What waits in its mailbox then is lost without a word; in the
 * buggy program it is a plain message, whose answer its sender waits for. The correct one asks, and
 * the runtime fails a request that is queued at an agent that stops, or comes to it later.
 */
import { ActorEnded, NoSuchActor } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import { agent, at, ok, type Request, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Query = { readonly type: 'query'; readonly from: string };

const CLIENTS = ['C1', 'C2'];

const buggy: Scenario = {
  name: 'L05 buggy',
  setup(stage) {
    stage.spawn(
      agent<Query>(({ from }, ctx) => {
        ctx.send(at<Tell<'answer'>>(stage, from), { type: 'answer' });
        ctx.stop();
      }),
      { id: 'S' },
    );
    for (const id of CLIENTS) {
      task(`answer for ${id}`);
      const client = stage.spawn(
        agent<Tell<'go' | 'answer'>>(({ type }, ctx) => {
          if (type === 'go') ctx.send(at<Query>(stage, 'S'), { type: 'query', from: id });
          else done(`answer for ${id}`);
        }),
        { id },
      );
      stage.send(client, { type: 'go' });
    }
  },
};

const correct: Scenario = {
  name: 'L05 correct',
  setup(stage) {
    const s = stage.spawn(
      agent<Request<'query'>>((event, ctx) => {
        ctx.reply(event, ok);
        ctx.stop();
      }),
      { id: 'S' },
    );
    for (const id of CLIENTS)
      stage.client(id, function* (ctx) {
        try {
          yield* ctx.ask(s, { type: 'query' });
        } catch (error) {
          if (!(error instanceof ActorEnded || error instanceof NoSuchActor)) throw error;
        }
      });
  },
};

export const pair: Pair = {
  id: 'L05',
  title: 'a stop with questions in the queue',
  expected: ['STUCK'],
  e: 0,
  culprits: ['S'],
  buggy,
  correct,
};
