import { child, fromHandler, startChild, type ReplyTo } from 'troupe';
import { Completion, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Answer = { readonly type: 'answer'; readonly number: number };
type ToServer = { readonly type: 'next'; readonly replyTo: ReplyTo<Answer> };
type ToAsker = { readonly type: 'start'; readonly asks: number };

export async function open(stage = openStage()): Promise<Rate> {
  const { top } = await stage;
  const completion = new Completion();
  const serverLogic = fromHandler({
    initial: () => 0,
    receive(number: number, event: ToServer, ctx) {
      ctx.reply(event, { type: 'answer', number: number + 1 });
      return number + 1;
    },
  });
  const server = await startChild(top, child({ id: 'server', logic: serverLogic }));
  let before = 0;
  const askerLogic = fromHandler({
    *receive(_: undefined, { asks }: ToAsker, ctx) {
      let last = before;
      for (let i = 0; i < asks; i += 1) last = (yield* ctx.ask(server, { type: 'next' })).number;
      completion.done(last - before);
      before = last;
    },
  });
  const asker = await startChild(top, child({ id: 'asker', logic: askerLogic }));
  return (asks) => completion.after(() => asker.send({ type: 'start', asks }));
}
