import { dispatch, spawn, start, stop, type Ref } from 'nact';
import { Completion, WAVE, type Rate } from '../workload.ts';

type ToDriver = { readonly type: 'start' } | { readonly type: 'done' };
type Work = { readonly type: 'work'; readonly from: Ref<ToDriver> };

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  let ids = 0;
  let done = 0;
  let goal = 0;
  const receive = (_: undefined, { from }: Work, { self }: { self: Ref<Work> }): undefined => {
    dispatch(from, { type: 'done' });
    stop(self);
  };
  const driver = spawn(system, (_: undefined, event: ToDriver, { self }) => {
    if (event.type === 'done') done += 1;
    if (done === goal) completion.done(done);
    else if (done % WAVE === 0) {
      for (let i = 0; i < WAVE; i += 1) {
        dispatch(spawn(self, receive, `c${(ids += 1)}`), { type: 'work', from: self });
      }
    }
    return undefined;
  });
  return (children) =>
    completion.after(() => {
      done = 0;
      goal = children;
      dispatch(driver, { type: 'start' });
    });
}
