import { child, fromHandler, startChild, type Ref } from 'troupe';
import { BATCH, Completion, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Total = { readonly type: 'total'; readonly total: number };
type ToProducer = { readonly type: 'start'; readonly sends: number } | Total;
type ToCounter =
  { readonly type: 'increment' } | { readonly type: 'read'; readonly from: Ref<Total> };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const counterLogic = fromHandler({
    initial: () => 0,
    receive(total: number, event: ToCounter, ctx) {
      if (event.type === 'increment') return total + 1;
      ctx.send(event.from, { type: 'total', total });
      return total;
    },
  });
  const counter = await startChild(top, child({ id: 'counter', logic: counterLogic }));
  let before = 0;
  const producerLogic = fromHandler({
    initial: () => 0,
    receive(sends: number, event: ToProducer, ctx) {
      const goal = event.type === 'start' ? event.sends : sends;
      if (event.type === 'total' && event.total - before >= goal) {
        completion.done(event.total - before);
        before = event.total;
        return goal;
      }
      for (let i = 0; i < BATCH; i += 1) ctx.send(counter, { type: 'increment' });
      ctx.send(counter, { type: 'read', from: ctx.self });
      return goal;
    },
  });
  const producer = await startChild(top, child({ id: 'producer', logic: producerLogic }));
  return (sends) => completion.after(() => producer.send({ type: 'start', sends }));
}
