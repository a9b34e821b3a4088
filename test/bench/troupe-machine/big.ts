import { child, startChild, type RefFrom } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/big.ts';
import { openStage } from '../troupe/stage.ts';
import { CROWD, Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const peers: AnyActorRef[] = [];
  let count = 0;
  let busy = 0;
  const logic = machine(peers, (pongs) => {
    count += pongs;
    busy -= 1;
    if (busy === 0) completion.done(count);
  });
  const workers: RefFrom<typeof logic>[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    workers.push(await startChild(top, child({ id: `w${i}`, logic, input: i })));
  }
  peers.push(...(workers as unknown as AnyActorRef[]));
  return (operations) =>
    completion.after(() => {
      count = 0;
      busy = CROWD;
      for (const worker of workers) worker.send({ type: 'start', pings: operations / CROWD });
    });
}
