import { child, startChild } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/loop-delay.ts';
import { openStage } from '../troupe/stage.ts';
import type { Loop } from '../workload.ts';

export async function open(): Promise<Loop> {
  const { top } = await openStage();
  let hops = 0;
  let on = false;
  const logic = machine(() => {
    hops += 1;
    return on;
  });
  const a = await startChild(top, child({ id: 'a', logic }));
  const b = await startChild(top, child({ id: 'b', logic }));
  const [first, second] = [a, b] as unknown as [AnyActorRef, AnyActorRef];
  return {
    start() {
      on = true;
      a.send({ type: 'token', to: second, from: first });
    },
    hops: () => hops,
    stop: () => (on = false),
  };
}
