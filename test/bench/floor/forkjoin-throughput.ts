import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Work = { readonly from: Cell<number> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  let total = 0;
  let busy = 0;
  const workers = Array.from({ length: WORKERS }, () => {
    let count = 0;
    return new Cell<Work>(({ from }) => {
      count += 1;
      if (count < MESSAGES) return;
      from.send(count);
      count = 0;
    });
  });
  const driver: Cell<number> = new Cell<number>((count) => {
    total += count;
    busy -= 1;
    if (busy > 0) return;
    if (count > 0 && total >= goal) {
      completion.done(total);
      return;
    }
    busy = WORKERS;
    for (let i = 0; i < MESSAGES; i += 1) {
      for (const worker of workers) worker.send({ from: driver });
    }
  });
  return (messages) =>
    completion.after(() => {
      goal = messages;
      total = 0;
      busy = 0;
      driver.send(0);
    });
}
