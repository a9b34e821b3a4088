import { dispatch, spawn, start, type Ref } from 'nact';
import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';

type Done = { readonly type: 'done'; readonly count: number };
type ToDriver = { readonly type: 'start'; readonly messages: number } | Done;
type ToWorker = { readonly type: 'work'; readonly from: Ref<Done> };

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  const workers = Array.from({ length: WORKERS }, (_, i) =>
    spawn(
      system,
      (count: number, { from }: ToWorker) => {
        if (count + 1 < MESSAGES) return count + 1;
        dispatch(from, { type: 'done', count: count + 1 });
        return 0;
      },
      `w${i}`,
      { initialState: 0 },
    ),
  );
  const driver = spawn(
    system,
    (state: { goal: number; count: number; open: number }, event: ToDriver, { self }) => {
      if (event.type === 'start') {
        state.goal = event.messages;
        state.count = 0;
      } else {
        state.count += event.count;
        state.open -= 1;
        if (state.open > 0) return state;
        if (state.count >= state.goal) {
          completion.done(state.count);
          return state;
        }
      }
      state.open = WORKERS;
      for (let i = 0; i < MESSAGES; i += 1) {
        for (const worker of workers) dispatch(worker, { type: 'work', from: self });
      }
      return state;
    },
    'driver',
    { initialState: { goal: 0, count: 0, open: 0 } },
  );
  return (messages) => completion.after(() => dispatch(driver, { type: 'start', messages }));
}
