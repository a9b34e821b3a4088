import type { Rate } from '../workload.ts';
import { openCounter } from './wire.ts';

export async function open(isBatched = true): Promise<Rate> {
  const counter = await openCounter(isBatched);
  return async (asks) => {
    let answers = 0;
    for (; answers < asks; answers += 1) await counter.read();
    return answers;
  };
}
