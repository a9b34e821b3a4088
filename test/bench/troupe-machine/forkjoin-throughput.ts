import { child, fromHandler, startChild, type RefFrom } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/forkjoin-throughput.ts';
import { openStage } from '../troupe/stage.ts';
import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';

type ToDriver =
  | { readonly type: 'start'; readonly messages: number }
  | { readonly type: 'done'; readonly count: number };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const logic = machine();
  const workers: RefFrom<typeof logic>[] = [];
  for (let i = 0; i < WORKERS; i += 1) {
    workers.push(await startChild(top, child({ id: `w${i}`, logic })));
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
      const from = ctx.self as unknown as AnyActorRef;
      for (let i = 0; i < MESSAGES; i += 1) {
        for (const worker of workers) ctx.send(worker, { type: 'work', from });
      }
    },
  });
  const driver = await startChild(top, child({ id: 'driver', logic: driverLogic }));
  return (messages) => completion.after(() => driver.send({ type: 'start', messages }));
}
