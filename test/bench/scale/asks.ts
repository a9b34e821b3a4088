import { createSystem, fromHandler, type ReplyTo } from 'troupe';
import { decades, type Series } from './series.ts';

type Wait = { readonly type: 'wait'; readonly replyTo: ReplyTo<{ readonly type: 'answer' }> };
type Answer = { readonly type: 'answer all' };

/** So many asks are open at once, all deferred by one agent, and then answered. */
export const asks: Series = {
  name: 'open asks',
  of: 'asks',
  sizes: decades(1, 10_000),
  lines: ['ask and answer'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const waiting: Wait[] = [];
    const logic = fromHandler({
      receive(_: undefined, event: Wait | Answer, ctx) {
        if (event.type === 'wait') {
          ctx.defer(event);
          waiting.push(event);
        } else for (const each of waiting.splice(0)) ctx.reply(each, { type: 'answer' });
      },
    });
    const ref = await system.start(logic, { mailbox: { capacityMessages: size + 1 } });
    await meter('ask and answer').time(size, async () => {
      const open = Array.from({ length: size }, () => ref.ask({ type: 'wait' }));
      ref.send({ type: 'answer all' });
      await Promise.all(open);
    });
    await system.stop();
  },
};
