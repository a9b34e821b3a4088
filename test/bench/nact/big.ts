import { dispatch, spawn, start, type Ref } from 'nact';
import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';

type Pong = { readonly type: 'pong' };
type ToWorker =
  | { readonly type: 'start'; readonly pings: number }
  | { readonly type: 'ping'; readonly from: Ref<Pong> }
  | Pong;

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  const workers: Ref<ToWorker>[] = [];
  let count = 0;
  let busy = 0;
  for (let i = 0; i < CROWD; i += 1) {
    const initialState = { seed: i + 1, pings: 0, pongs: 0 };
    const receive = (
      state: typeof initialState,
      event: ToWorker,
      { self }: { self: Ref<ToWorker> },
    ): typeof initialState => {
      switch (event.type) {
        case 'ping':
          dispatch(event.from, { type: 'pong' });
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
      dispatch(workers[state.seed % CROWD]!, { type: 'ping', from: self });
      return state;
    };
    workers.push(spawn(system, receive, `w${i}`, { initialState }));
  }
  return (operations) =>
    completion.after(() => {
      count = 0;
      busy = CROWD;
      for (const worker of workers) dispatch(worker, { type: 'start', pings: operations / CROWD });
    });
}
