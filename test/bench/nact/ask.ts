import { dispatch, query, spawn, start, type Ref } from 'nact';
import type { Rate } from '../workload.ts';

type Next = { readonly type: 'next'; readonly from: Ref<number> };

/** Its `query` wants a timeout, as ours has one. */
export async function open(): Promise<Rate> {
  const system = start();
  const server = spawn(
    system,
    (number: number, { from }: Next) => {
      dispatch(from, number + 1);
      return number + 1;
    },
    'server',
    { initialState: 0 },
  );
  let before = 0;
  return async (asks) => {
    let last = before;
    for (let i = 0; i < asks; i += 1) {
      last = await query(server, (from: Ref<number>) => ({ type: 'next', from }), 5_000);
    }
    const count = last - before;
    before = last;
    return count;
  };
}
