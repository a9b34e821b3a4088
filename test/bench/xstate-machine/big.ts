import { createActor, type AnyActorRef } from 'xstate';
import { machine } from '../machines/big.ts';
import { CROWD, Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const peers: AnyActorRef[] = [];
  let count = 0;
  let busy = 0;
  const logic = machine(peers, (pongs) => {
    count += pongs;
    busy -= 1;
    if (busy === 0) completion.done(count);
  });
  for (let i = 0; i < CROWD; i += 1) peers.push(createActor(logic, { input: i }).start());
  return (operations) =>
    completion.after(() => {
      count = 0;
      busy = CROWD;
      for (const worker of peers) worker.send({ type: 'start', pings: operations / CROWD });
    });
}
