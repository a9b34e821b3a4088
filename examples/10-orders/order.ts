// An order: asks for one step after the other, each with its own key. What has no answer is asked
// again, under the same key, of whoever is there then.

import { fromHandler, type Ref, type ReplyTo } from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { STEPS, type Do } from './back-office.ts';

export interface Place {
  readonly type: 'place';
  readonly replyTo: ReplyTo<{ type: 'shipped'; order: string; answeredFromJournal: string[] }>;
}

const RETRY_MS = 20;

export const order = (node: ClusterNode, id: string) =>
  fromHandler<undefined, Place>({
    *receive(_state, request, ctx) {
      const answeredFromJournal: string[] = [];
      for (const step of STEPS) {
        let isDone = false;
        while (!isDone) {
          const [member] = node.group(step).members() as Ref<Do>[];
          if (member === undefined) {
            yield* ctx.sleep(RETRY_MS);
            continue;
          }
          try {
            const { again } = yield* ctx.ask(member, { type: 'do', key: id }, { timeoutMs: 2_000 });
            if (again) answeredFromJournal.push(step);
            isDone = true;
          } catch (error) {
            // Its node is lost, or it has ended: nobody knows whether it was done.
            ctx.log.info({ order: id, step, err: error }, 'no answer; it will be asked again');
            yield* ctx.sleep(RETRY_MS);
          }
        }
      }
      ctx.reply(request, { type: 'shipped', order: id, answeredFromJournal });
    },
  });
