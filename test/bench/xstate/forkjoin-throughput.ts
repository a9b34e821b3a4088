import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';
import { drive, type Work } from './driver.ts';
import { start } from './start.ts';

export async function open(): Promise<Rate> {
  const workers = Array.from({ length: WORKERS }, () =>
    start(0, (count, { from }: Work) => {
      if (count + 1 < MESSAGES) return count + 1;
      from.send({ type: 'done', count: count + 1 });
      return 0;
    }),
  );
  return drive(workers, new Completion());
}
