import { child, dynamicSupervisor, fromHandler, startChild, stopChild } from 'troupe';
import type { Fill } from '../workload.ts';
import { openStage } from './stage.ts';

type Add = { readonly type: 'add'; readonly amount: number };

/** Function agents that have started and got one message, each under a supervisor. */
export async function open(): Promise<Fill> {
  const { system, top } = await openStage();
  const logic = fromHandler({
    initial: () => 0,
    receive: (sum: number, { amount }: Add) => sum + amount,
  });
  let pools = 0;
  return async (agents) => {
    const before = system.stats().agents;
    const id = `pool${(pools += 1)}`;
    const pool = await startChild(
      top,
      child({ id, logic: dynamicSupervisor(), restart: 'temporary' }),
    );
    for (let i = 0; i < agents; i += 1) {
      const ref = await startChild(pool, child({ id: `a${i}`, logic, restart: 'temporary' }));
      ref.send({ type: 'add', amount: 1 });
    }
    const count = system.stats().agents - before - 1;
    return { count, release: () => stopChild(top, id) };
  };
}
