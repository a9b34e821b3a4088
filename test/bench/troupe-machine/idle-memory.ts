import { child, dynamicSupervisor, startChild, stopChild } from 'troupe';
import { machine } from '../machines/idle-memory.ts';
import { openStage } from '../troupe/stage.ts';
import type { Fill } from '../workload.ts';

export async function open(): Promise<Fill> {
  const { system, top } = await openStage();
  const logic = machine();
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
      ref.send({ type: 'add' });
    }
    const count = system.stats().agents - before - 1;
    return { count, release: () => stopChild(top, id) };
  };
}
