import { child, fromHandler, startChild, type Ref } from 'troupe';
import type { Loop } from '../workload.ts';
import { openStage } from './stage.ts';

type Token = { readonly type: 'token'; readonly to: Ref<Token>; readonly from: Ref<Token> };

export async function open(): Promise<Loop> {
  const { top } = await openStage();
  let hops = 0;
  let on = false;
  const logic = fromHandler({
    receive(_: undefined, { to, from }: Token, ctx) {
      hops += 1;
      if (on) ctx.send(to, { type: 'token', to: from, from: to });
    },
  });
  const a: Ref<Token> = await startChild(top, child({ id: 'a', logic }));
  const b: Ref<Token> = await startChild(top, child({ id: 'b', logic }));
  return {
    start() {
      on = true;
      a.send({ type: 'token', to: b, from: a });
    },
    hops: () => hops,
    stop: () => (on = false),
  };
}
