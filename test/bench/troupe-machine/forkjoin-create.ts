import {
  child,
  countChildren,
  dynamicSupervisor,
  fromHandler,
  startChild,
  type ChildSpec,
  type RefFrom,
} from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/forkjoin-create.ts';
import { openStage } from '../troupe/stage.ts';
import { Completion, WAVE, type Rate } from '../workload.ts';

type ToDriver = { readonly type: 'start'; readonly children: number } | { readonly type: 'done' };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const pool = await startChild(top, child({ id: 'pool', logic: dynamicSupervisor() }));
  const logic = machine();
  let ids = 0;
  let done = 0;
  let goal = 0;
  const driverLogic = fromHandler({
    *receive(_: undefined, event: ToDriver, ctx) {
      if (event.type === 'start') {
        done = 0;
        goal = event.children;
      } else {
        done += 1;
        if (done === goal) completion.done(done);
        if (done === goal || done % WAVE !== 0) return;
      }
      const from = ctx.self as unknown as AnyActorRef;
      for (let i = 0; i < WAVE; i += 1) {
        const spec = child({ id: `c${(ids += 1)}`, logic, restart: 'temporary' }) as ChildSpec;
        const { ref } = yield* ctx.ask(pool, { type: 'startChild', spec });
        ctx.send(ref as unknown as RefFrom<typeof logic>, { type: 'work', from });
      }
    },
  });
  const driver = await startChild(top, child({ id: 'driver', logic: driverLogic }));
  return async (children) => {
    const count = await completion.after(() => driver.send({ type: 'start', children }));
    while ((await countChildren(pool)).active > 0);
    return count;
  };
}
