import { BATCH, type Rate } from '../workload.ts';
import { openCounter } from './wire.ts';

export async function open(isBatched = true): Promise<Rate> {
  const counter = await openCounter(isBatched);
  return async (asks) => {
    let answers = 0;
    for (let asked = 0; asked < asks; asked += BATCH)
      answers += (await Promise.all(Array.from({ length: BATCH }, () => counter.read()))).length;
    return answers;
  };
}
