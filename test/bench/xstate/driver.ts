import type { AnyActorRef } from 'xstate';
import { MESSAGES, WORKERS, type Completion, type Rate } from '../workload.ts';
import { start } from './start.ts';

export type Work = { readonly type: 'work'; readonly from: AnyActorRef };
type ToDriver =
  | { readonly type: 'start'; readonly messages: number }
  | { readonly type: 'done'; readonly count: number };

/** The driver of `forkjoin-throughput`, for workers of either kind. */
export function drive(workers: readonly AnyActorRef[], completion: Completion): Rate {
  const driver = start({ goal: 0, count: 0, open: 0 }, (state, event: ToDriver, from) => {
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
      for (const worker of workers) worker.send({ type: 'work', from });
    }
    return state;
  });
  return (messages) => completion.after(() => driver.send({ type: 'start', messages }));
}
