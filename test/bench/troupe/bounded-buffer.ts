import { child, fromHandler, startChild, type Ref } from 'troupe';
import { Completion, PRODUCERS, ROOM, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Item = { readonly type: 'item'; readonly number: number };
type ToProducer =
  | { readonly type: 'start'; readonly items: number }
  | { readonly type: 'next'; readonly left: number };

/** The buffer is a mailbox with the policy `wait`: a producer is suspended until there is room. */
export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  let count = 0;
  let goal = 0;
  const consumerLogic = fromHandler({
    initial: () => 0,
    receive(sum: number, { number }: Item) {
      count += 1;
      if (count === goal) completion.done(count);
      return (sum + number) | 0;
    },
  });
  const consumers: Ref<Item>[] = [];
  for (let i = 0; i < PRODUCERS; i += 1) {
    const mailbox = { capacityMessages: 1, overflow: 'wait' } as const;
    consumers.push(await startChild(top, child({ id: `c${i}`, logic: consumerLogic, mailbox })));
  }
  const bufferLogic = fromHandler({
    initial: () => 0,
    receive(turn: number, item: Item, ctx) {
      ctx.send(consumers[turn]!, item);
      return (turn + 1) % PRODUCERS;
    },
  });
  const mailbox = { capacityMessages: ROOM, overflow: 'wait' } as const;
  const buffer = await startChild(top, child({ id: 'buffer', logic: bufferLogic, mailbox }));
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
