import { child, fromHandler, startChild, type Ref, type ReplyTo } from 'troupe';
import { machine } from '../machines/ask.ts';
import { openStage } from '../troupe/stage.ts';
import { Completion, type Rate } from '../workload.ts';

type Answer = { readonly type: 'answer'; readonly number: number };
type ToServer = { readonly type: 'next'; readonly replyTo: ReplyTo<Answer> };
type ToAsker = { readonly type: 'start'; readonly asks: number };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const server = await startChild(top, child({ id: 'server', logic: machine() }));
  let before = 0;
  const askerLogic = fromHandler({
    *receive(_: undefined, { asks }: ToAsker, ctx) {
      const to = server as unknown as Ref<ToServer>;
      let last = before;
      for (let i = 0; i < asks; i += 1) last = (yield* ctx.ask(to, { type: 'next' })).number;
      completion.done(last - before);
      before = last;
    },
  });
  const asker = await startChild(top, child({ id: 'asker', logic: askerLogic }));
  return (asks) => completion.after(() => asker.send({ type: 'start', asks }));
}
