import { dispatch, spawn, start, type Ref } from 'nact';
import { BATCH, Completion, type Rate } from '../workload.ts';

type Total = { readonly type: 'total'; readonly total: number };
type ToProducer = { readonly type: 'start'; readonly sends: number } | Total;
type ToCounter =
  { readonly type: 'increment' } | { readonly type: 'read'; readonly from: Ref<Total> };

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  const counter = spawn(
    system,
    (total: number, event: ToCounter) => {
      if (event.type === 'increment') return total + 1;
      dispatch(event.from, { type: 'total', total });
      return total;
    },
    'counter',
    { initialState: 0 },
  );
  let before = 0;
  const producer = spawn(
    system,
    (sends: number, event: ToProducer, { self }) => {
      const goal = event.type === 'start' ? event.sends : sends;
      if (event.type === 'total' && event.total - before >= goal) {
        completion.done(event.total - before);
        before = event.total;
        return goal;
      }
      for (let i = 0; i < BATCH; i += 1) dispatch(counter, { type: 'increment' });
      dispatch(counter, { type: 'read', from: self });
      return goal;
    },
    'producer',
    { initialState: 0 },
  );
  return (sends) => completion.after(() => dispatch(producer, { type: 'start', sends }));
}
