import { BATCH, Completion, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type ToCounter = { readonly type: 'increment' } | { readonly type: 'read' };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let total = 0;
  let goal = 0;
  const counter = new Cell<ToCounter>((message) => {
    if (message.type === 'increment') total += 1;
    else producer.send(total);
  });
  const producer: Cell<number> = new Cell<number>((count) => {
    if (count >= goal) {
      completion.done(count);
      return;
    }
    for (let i = 0; i < BATCH; i += 1) counter.send({ type: 'increment' });
    counter.send({ type: 'read' });
  });
  return (sends) =>
    completion.after(() => {
      total = 0;
      goal = sends;
      producer.send(0);
    });
}
