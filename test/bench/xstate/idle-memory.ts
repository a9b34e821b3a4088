import type { Fill } from '../workload.ts';
import { start } from './start.ts';

export async function open(): Promise<Fill> {
  return async (agents) => {
    let count = 0;
    let actors = Array.from({ length: agents }, () =>
      start(0, (sum) => {
        count += 1;
        return sum + 1;
      }),
    );
    for (const actor of actors) actor.send({ type: 'add' });
    return { count, release: () => (actors = []) };
  };
}
