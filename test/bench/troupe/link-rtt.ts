import { fromHandler } from 'troupe';
import { Completion, type Rate } from '../workload.ts';
import { openLink } from './link.ts';

export async function open(): Promise<Rate> {
  const { system, counters } = await openLink();
  const completion = new Completion();
  const asker = system.spawn(
    fromHandler({
      *receive(_: undefined, { asks }: { readonly type: 'start'; readonly asks: number }, ctx) {
        let answers = 0;
        for (const counter of counters)
          for (; answers < asks; answers += 1) yield* ctx.ask(counter, { type: 'read' });
        completion.done(answers);
      },
    }),
    { id: 'asker' },
  );
  return (asks) => completion.after(() => asker.send({ type: 'start', asks }));
}
