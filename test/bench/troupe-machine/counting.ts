import { child, fromHandler, startChild } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/counting.ts';
import { openStage } from '../troupe/stage.ts';
import { BATCH, Completion, type Rate } from '../workload.ts';

type ToProducer =
  | { readonly type: 'start'; readonly sends: number }
  | { readonly type: 'total'; readonly total: number };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const counter = await startChild(top, child({ id: 'counter', logic: machine() }));
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
      ctx.send(counter, { type: 'read', from: ctx.self as unknown as AnyActorRef });
      return goal;
    },
  });
  const producer = await startChild(top, child({ id: 'producer', logic: producerLogic }));
  return (sends) => completion.after(() => producer.send({ type: 'start', sends }));
}
