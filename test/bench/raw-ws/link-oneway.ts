import { BATCH, type Rate } from '../workload.ts';
import { openCounter } from './wire.ts';

export async function open(isBatched = true, peers = 1): Promise<Rate> {
  const counters = await Promise.all(Array.from({ length: peers }, () => openCounter(isBatched)));
  const total = async (): Promise<number> => {
    const totals = await Promise.all(counters.map((counter) => counter.read()));
    return totals.reduce((sum, each) => sum + each, 0);
  };
  return async (sends) => {
    const before = await total();
    for (let sent = 0; sent < sends; sent += BATCH * peers) {
      for (let n = 0; n < BATCH; n += 1) for (const counter of counters) counter.item(n);
      await total();
    }
    return (await total()) - before;
  };
}
