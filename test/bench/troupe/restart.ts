import { child, createSystem, fromHandler, supervisor, type Ref } from 'troupe';
import { BURST, Completion, type Rate } from '../workload.ts';

type Crash = { readonly type: 'crash' };
type ToDriver = { readonly type: 'start' } | { readonly type: 'up'; readonly child: Ref<Crash> };

/** The reports of crashes are off for all contenders, for writing them would be what is measured. */
export async function open(): Promise<Rate> {
  const system = createSystem({ log: false });
  const completion = new Completion();
  let ups = 0;
  const driver: Ref<ToDriver> = await system.start(
    fromHandler({
      receive(_: undefined, event: ToDriver, ctx) {
        if (event.type === 'start') return;
        ups += 1;
        // The first one is the start of the burst.
        if (ups > BURST) completion.done(ups - 1);
        else ctx.send(event.child, { type: 'crash' });
      },
    }),
  );
  const childLogic = fromHandler({
    start(_: undefined, ctx) {
      ctx.send(driver, { type: 'up', child: ctx.self });
    },
    receive(_: undefined, event: Crash) {
      throw new Error(event.type);
    },
  });
  const burst = async (): Promise<number> => {
    ups = 0;
    const logic = supervisor({
      intensity: BURST,
      children: [child({ id: 'child', logic: childLogic })],
    });
    let ref: Ref | undefined;
    const count = await completion.after(() => (ref = system.spawn(logic)));
    await ref?.stop();
    return count;
  };
  return async (restarts) => {
    let count = 0;
    while (count < restarts) count += await burst();
    return count;
  };
}
