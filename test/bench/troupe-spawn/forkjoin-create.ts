import { child, fromHandler, startChild, type Ref } from 'troupe';
import { openStage } from '../troupe/stage.ts';
import { Completion, WAVE, type Rate } from '../workload.ts';

type Done = { readonly type: 'done' };
type ToDriver = { readonly type: 'start'; readonly children: number } | Done;
type ToChild = { readonly type: 'work'; readonly from: Ref<Done> };

/** Without a supervisor of its own, each child is spawned by an agent, and ends with it at the latest. */
export async function open(): Promise<Rate> {
  const { system, top } = await openStage();
  const completion = new Completion();
  const childLogic = fromHandler({
    receive(_: undefined, { from }: ToChild, ctx) {
      ctx.send(from, { type: 'done' });
      ctx.stop();
    },
  });
  let done = 0;
  let goal = 0;
  const driverLogic = fromHandler({
    receive(_: undefined, event: ToDriver, ctx) {
      if (event.type === 'start') {
        done = 0;
        goal = event.children;
      } else {
        done += 1;
        if (done === goal) completion.done(done);
        if (done === goal || done % WAVE !== 0) return;
      }
      for (let i = 0; i < WAVE; i += 1) {
        ctx.send(ctx.spawn(childLogic), { type: 'work', from: ctx.self });
      }
    },
  });
  const driver = await startChild(top, child({ id: 'driver', logic: driverLogic }));
  const alone = system.stats().agents;
  return async (children) => {
    const count = await completion.after(() => driver.send({ type: 'start', children }));
    const left = system.stats().agents - alone;
    return count - Math.max(0, left - 1);
  };
}
