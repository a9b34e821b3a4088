import { child, fromHandler, startChild, type Ref } from 'troupe';
import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Done = { readonly type: 'done'; readonly count: number };
type ToDriver = { readonly type: 'start'; readonly messages: number } | Done;
type ToWorker = { readonly type: 'work'; readonly from: Ref<Done> };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const workerLogic = fromHandler({
    initial: () => 0,
    receive(count: number, { from }: ToWorker, ctx) {
      if (count + 1 < MESSAGES) return count + 1;
      ctx.send(from, { type: 'done', count: count + 1 });
      return 0;
    },
  });
  const workers: Ref<ToWorker>[] = [];
  for (let i = 0; i < WORKERS; i += 1) {
    workers.push(await startChild(top, child({ id: `w${i}`, logic: workerLogic })));
  }
  const driverLogic = fromHandler({
    initial: () => ({ goal: 0, count: 0, open: 0 }),
    receive(state: { goal: number; count: number; open: number }, event: ToDriver, ctx) {
      if (event.type === 'start') {
        state.goal = event.messages;
        state.count = 0;
      } else {
        state.count += event.count;
        state.open -= 1;
        if (state.open > 0) return;
        if (state.count >= state.goal) {
          completion.done(state.count);
          return;
        }
      }
      state.open = WORKERS;
      for (let i = 0; i < MESSAGES; i += 1) {
        for (const worker of workers) ctx.send(worker, { type: 'work', from: ctx.self });
      }
    },
  });
  const driver = await startChild(top, child({ id: 'driver', logic: driverLogic }));
  return (messages) => completion.after(() => driver.send({ type: 'start', messages }));
}
