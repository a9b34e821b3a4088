import type { Rate } from '../workload.ts';
import { openRoot } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  let number = 0;
  const server = await root.createChild({ next: () => (number += 1) });
  return async (asks) => {
    number = 0;
    let last = 0;
    for (let i = 0; i < asks; i += 1) last = (await server.sendAndReceive('next')) as number;
    return last;
  };
}
