import {
  child,
  countChildren,
  dynamicSupervisor,
  fromHandler,
  startChild,
  type ChildSpec,
  type Ref,
} from 'troupe';
import { Completion, WAVE, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Done = { readonly type: 'done' };
type ToDriver = { readonly type: 'start'; readonly children: number } | Done;
type ToChild = { readonly type: 'work'; readonly from: Ref<Done> };

/** Each child is started by a dynamic supervisor that is asked for it, as `supervisor:start_child`. */
export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const pool = await startChild(top, child({ id: 'pool', logic: dynamicSupervisor() }));
  const childLogic = fromHandler({
    receive(_: undefined, { from }: ToChild, ctx) {
      ctx.send(from, { type: 'done' });
      ctx.stop();
    },
  });
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
      for (let i = 0; i < WAVE; i += 1) {
        const spec = child({ id: `c${(ids += 1)}`, logic: childLogic, restart: 'temporary' });
        const { ref } = yield* ctx.ask(pool, { type: 'startChild', spec: spec as ChildSpec });
        ctx.send(ref as unknown as Ref<ToChild>, { type: 'work', from: ctx.self });
      }
    },
  });
  const driver = await startChild(top, child({ id: 'driver', logic: driverLogic }));
  return async (children) => {
    const count = await completion.after(() => driver.send({ type: 'start', children }));
    // A child that is done is on its way out; the supervisor answers behind its `Down`.
    while ((await countChildren(pool)).active > 0);
    return count;
  };
}
