import { dispatch, spawn, start, type Ref } from 'nact';
import { Completion, type Rate } from '../workload.ts';

type Crash = { readonly type: 'crash' };
type Up = { readonly type: 'up' };

/** A crash resets the actor; it is up when its state is made again. */
export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  let ups = 0;
  let goal = 0;
  const driver: Ref<Up> = spawn(system, () => {
    ups += 1;
    if (ups > goal) completion.done(ups - 1);
    else dispatch(crasher, { type: 'crash' });
    return undefined;
  });
  const crasher: Ref<Crash> = spawn(
    system,
    (_: undefined, event: Crash): undefined => {
      throw new Error(event.type);
    },
    'child',
    {
      initialStateFunc: () => {
        if (goal > 0) dispatch(driver, { type: 'up' });
        return undefined;
      },
      onCrash: (_, __, ctx) => ctx.reset,
    },
  );
  return (restarts) =>
    completion.after(() => {
      ups = 0;
      goal = restarts;
      dispatch(driver, { type: 'up' });
    });
}
