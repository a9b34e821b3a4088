import { child, fromHandler, startChild, type Ref } from 'troupe';
import { CROWD, Completion, nextRandom, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type Pong = { readonly type: 'pong' };
type ToWorker =
  | { readonly type: 'start'; readonly pings: number }
  | { readonly type: 'ping'; readonly from: Ref<Pong> }
  | Pong;

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const workers: Ref<ToWorker>[] = [];
  let count = 0;
  let busy = 0;
  const logic = fromHandler({
    initial: (seed: number) => ({ seed, pings: 0, pongs: 0 }),
    receive(state: { seed: number; pings: number; pongs: number }, event: ToWorker, ctx) {
      switch (event.type) {
        case 'ping':
          ctx.send(event.from, { type: 'pong' });
          return;
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
          return;
      }
      state.seed = nextRandom(state.seed);
      ctx.send(workers[state.seed % CROWD]!, { type: 'ping', from: ctx.self });
    },
  });
  for (let i = 0; i < CROWD; i += 1) {
    workers.push(await startChild(top, child({ id: `w${i}`, logic, input: i + 1 })));
  }
  return (operations) =>
    completion.after(() => {
      count = 0;
      busy = CROWD;
      for (const worker of workers) worker.send({ type: 'start', pings: operations / CROWD });
    });
}
