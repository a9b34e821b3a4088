import { BATCH, Completion, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  let total = 0;
  let goal = 0;
  const counter = await root.createChild({
    increment: () => {
      total += 1;
    },
    read: (from: ActorRef) => post(from, 'total', total),
  });
  const producer: ActorRef = await root.createChild({
    total: (count: number) => {
      if (count >= goal) {
        completion.done(count);
        return;
      }
      for (let i = 0; i < BATCH; i += 1) post(counter, 'increment');
      post(counter, 'read', producer);
    },
  });
  return (sends) =>
    completion.after(() => {
      total = 0;
      goal = sends;
      post(producer, 'total', 0);
    });
}
