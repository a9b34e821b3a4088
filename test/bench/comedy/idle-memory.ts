import type { Fill } from '../workload.ts';
import { openRoot, type ActorRef } from './root.ts';

export async function open(): Promise<Fill> {
  const root = await openRoot();
  return async (agents) => {
    let count = 0;
    const actors: ActorRef[] = [];
    for (let i = 0; i < agents; i += 1) {
      let sum = 0;
      const actor = await root.createChild({
        add: (amount: number) => {
          sum += amount;
          count += sum;
        },
      });
      actors.push(actor);
      await actor.send('add', 1);
    }
    return { count, release: () => Promise.all(actors.map((actor) => actor.destroy())) };
  };
}
