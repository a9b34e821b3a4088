import { child, fromHandler, startChild, type Ref } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machines } from '../machines/bounded-buffer.ts';
import { openStage } from '../troupe/stage.ts';
import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';

type ToProducer =
  | { readonly type: 'start'; readonly items: number }
  | { readonly type: 'next'; readonly left: number };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  let count = 0;
  let goal = 0;
  const consumers: AnyActorRef[] = [];
  const logics = machines(consumers, () => {
    count += 1;
    if (count === goal) completion.done(count);
  });
  for (let i = 0; i < PRODUCERS; i += 1) {
    const mailbox = { capacityMessages: 1, overflow: 'wait' } as const;
    const ref = await startChild(top, child({ id: `c${i}`, logic: logics.consumer, mailbox }));
    consumers.push(ref as unknown as AnyActorRef);
  }
  const mailbox = { capacityMessages: ROOM, overflow: 'wait' } as const;
  const buffer = await startChild(top, child({ id: 'buffer', logic: logics.buffer, mailbox }));
  const producerLogic = fromHandler({
    receive(_: undefined, event: ToProducer, ctx) {
      const left = event.type === 'start' ? event.items : event.left;
      ctx.send(buffer, { type: 'item', number: left });
      if (left > 1) ctx.send(ctx.self, { type: 'next', left: left - 1 });
    },
  });
  const producers: Ref<ToProducer>[] = [];
  for (let i = 0; i < PRODUCERS; i += 1) {
    producers.push(await startChild(top, child({ id: `p${i}`, logic: producerLogic })));
  }
  return (items) =>
    completion.after(() => {
      count = 0;
      goal = items;
      for (const producer of producers) producer.send({ type: 'start', items: items / PRODUCERS });
    });
}
