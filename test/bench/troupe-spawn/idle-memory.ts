import { fromHandler } from 'troupe';
import { openStage } from '../troupe/stage.ts';
import type { Fill } from '../workload.ts';

type Add = { readonly type: 'add'; readonly amount: number };

/** Function agents that have started and got one message, without a supervisor. */
export async function open(): Promise<Fill> {
  const { system } = await openStage();
  const logic = fromHandler({
    initial: () => 0,
    receive: (sum: number, { amount }: Add) => sum + amount,
  });
  return async (agents) => {
    const before = system.stats().agents;
    const refs = Array.from({ length: agents }, () => system.spawn(logic));
    for (const ref of refs) ref.send({ type: 'add', amount: 1 });
    await refs.at(-1)?.started();
    const count = system.stats().agents - before;
    return { count, release: () => Promise.all(refs.map((ref) => ref.kill())) };
  };
}
