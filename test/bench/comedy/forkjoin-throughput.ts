import { Completion, MESSAGES, WORKERS, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  let goal = 0;
  let total = 0;
  let busy = 0;
  const workers: ActorRef[] = [];
  for (let i = 0; i < WORKERS; i += 1) {
    let count = 0;
    const worker = await root.createChild({
      work: (from: ActorRef) => {
        count += 1;
        if (count < MESSAGES) return;
        post(from, 'done', count);
        count = 0;
      },
    });
    workers.push(worker);
  }
  const driver: ActorRef = await root.createChild({
    done: (count: number) => {
      total += count;
      busy -= 1;
      if (busy > 0) return;
      if (count > 0 && total >= goal) {
        completion.done(total);
        return;
      }
      busy = WORKERS;
      for (let i = 0; i < MESSAGES; i += 1) {
        for (const worker of workers) post(worker, 'work', driver);
      }
    },
  });
  return (messages) =>
    completion.after(() => {
      goal = messages;
      total = 0;
      busy = 0;
      post(driver, 'done', 0);
    });
}
