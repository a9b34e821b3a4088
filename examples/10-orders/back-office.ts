// The root of the back office, for `npx troupe node`: payment, stock and shipping, each in a group
// of its name. Each does what an order asks once per key, however often it is asked.

import { fromHandler, type ReplyTo } from 'troupe';
import { child, supervisor } from 'troupe/supervision';
import type { ClusterNode } from 'troupe/transport';
import { Journal } from './journal.ts';

export const STEPS = ['payment', 'stock', 'shipping'] as const;
export type Step = (typeof STEPS)[number];
export interface Do {
  readonly type: 'do';
  readonly key: string;
  readonly replyTo: ReplyTo<{ type: 'done'; again: boolean }>;
}

const { ORDERS_FOLDER: folder = '.', ORDERS_STOP_AT: stopAt } = process.env;

export default (node: ClusterNode) => {
  const desk = (step: Step) =>
    fromHandler<Journal, Do>({
      initial: () => new Journal(`${folder}/${step}.journal`),
      start: (_journal, ctx) => node.group(step).join(ctx.self),
      receive: (journal, request, ctx) => {
        const isFirst = journal.once(request.key);
        if (isFirst && `${step} ${request.key}` === stopAt) {
          // The worst moment: it is done, and nobody has been told. The process is killed here.
          ctx.defer(request);
          process.send?.({ type: 'done, and not told' });
        } else ctx.reply(request, { type: 'done', again: !isFirst });
        return journal;
      },
    });
  return supervisor({ children: STEPS.map((step) => child({ id: step, logic: desk(step) })) });
};
