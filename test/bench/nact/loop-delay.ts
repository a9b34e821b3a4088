import { dispatch, spawn, start, type Ref } from 'nact';
import type { Loop } from '../workload.ts';

type Token = { readonly to: Ref<Token>; readonly from: Ref<Token> };

export async function open(): Promise<Loop> {
  const system = start();
  let hops = 0;
  let on = false;
  const receive = (_: undefined, { to, from }: Token): undefined => {
    hops += 1;
    if (on) dispatch(to, { to: from, from: to });
  };
  const a: Ref<Token> = spawn(system, receive, 'a');
  const b: Ref<Token> = spawn(system, receive, 'b');
  return {
    start() {
      on = true;
      dispatch(a, { to: b, from: a });
    },
    hops: () => hops,
    stop: () => (on = false),
  };
}
