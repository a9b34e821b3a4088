import type { AnyActorRef } from 'xstate';
import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';
import { start } from './start.ts';

type ToWorker =
  | { readonly type: 'start'; readonly pings: number }
  | { readonly type: 'ping'; readonly from: AnyActorRef }
  | { readonly type: 'pong' };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const workers: AnyActorRef[] = [];
  let count = 0;
  let busy = 0;
  for (let i = 0; i < CROWD; i += 1) {
    const initial = { seed: i + 1, pings: 0, pongs: 0 };
    const worker = start(initial, (state, event: ToWorker, from) => {
      switch (event.type) {
        case 'ping':
          event.from.send({ type: 'pong' });
          return state;
        case 'start':
          state.pings = event.pings;
          state.pongs = 0;
          break;
        case 'pong':
          state.pongs += 1;
          if (state.pongs < state.pings) break;
          count += state.pongs;
          busy -= 1;
          if (busy === 0) completion.done(count);
          return state;
      }
      state.seed = nextRandom(state.seed);
      workers[state.seed % CROWD]!.send({ type: 'ping', from });
      return state;
    });
    workers.push(worker);
  }
  return (operations) =>
    completion.after(() => {
      count = 0;
      busy = CROWD;
      for (const worker of workers) worker.send({ type: 'start', pings: operations / CROWD });
    });
}
