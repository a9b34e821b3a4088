import { dispatch, spawn, start, stop } from 'nact';
import type { Fill } from '../workload.ts';

export async function open(): Promise<Fill> {
  return async (agents) => {
    const system = start();
    let count = 0;
    const receive = (sum: number, amount: number): number => {
      count += 1;
      return sum + amount;
    };
    const actors = Array.from({ length: agents }, (_, i) =>
      spawn(system, receive, `a${i}`, { initialState: 0 }),
    );
    for (const actor of actors) dispatch(actor, 1);
    while (count < agents) await new Promise((resolve) => setImmediate(resolve));
    return { count, release: () => stop(system) };
  };
}
