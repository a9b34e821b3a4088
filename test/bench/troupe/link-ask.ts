import { BATCH, type Rate } from '../workload.ts';
import { openLink, type ToCounter } from './link.ts';
import type { Ref } from 'troupe';

export async function open(): Promise<Rate> {
  const { counters } = await openLink();
  const [counter] = counters as [Ref<ToCounter>];
  return async (asks) => {
    let answers = 0;
    for (let asked = 0; asked < asks; asked += BATCH) {
      const batch = Array.from({ length: BATCH }, () => counter.ask({ type: 'read' }));
      answers += (await Promise.all(batch)).length;
    }
    return answers;
  };
}
