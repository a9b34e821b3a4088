import { fromHandler, type Ref } from 'troupe';
import { BATCH, Completion, type Rate } from '../workload.ts';
import { SKU, openLink } from './link.ts';

type Start = { readonly type: 'start'; readonly sends: number };

/** An agent sends to a counter on each of so many nodes, a batch to each before it waits. */
export async function open(peers = 1): Promise<Rate> {
  const { system, counters } = await openLink(peers);
  const completion = new Completion();
  let before = 0;
  const producer: Ref<Start> = system.spawn(
    fromHandler({
      *receive(_: undefined, { sends }: Start, ctx) {
        for (let sent = 0; sent < sends; sent += BATCH * peers) {
          for (let n = 0; n < BATCH; n += 1)
            for (const counter of counters) ctx.send(counter, { type: 'item', n, sku: SKU });
          yield* ctx.all(counters.map((counter) => ctx.ask(counter, { type: 'read' })));
        }
        let total = 0;
        for (const counter of counters) total += (yield* ctx.ask(counter, { type: 'read' })).total;
        completion.done(total - before);
        before = total;
      },
    }),
    { id: 'producer' },
  );
  return (sends) => completion.after(() => producer.send({ type: 'start', sends }));
}
