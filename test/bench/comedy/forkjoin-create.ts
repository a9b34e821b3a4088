import { Completion, WAVE, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  let done = 0;
  let goal = 0;
  const driver: ActorRef = await root.createChild({
    done: (ended: number) => {
      done += ended;
      if (done === goal) completion.done(done);
      else if (done % WAVE === 0) for (let i = 0; i < WAVE; i += 1) void create();
    },
  });
  const create = async (): Promise<void> => {
    const child = await root.createChild({ work: (from: ActorRef) => post(from, 'done', 1) });
    post(child, 'work', driver);
    await child.destroy();
  };
  return (children) =>
    completion.after(() => {
      done = 0;
      goal = children;
      post(driver, 'done', 0);
    });
}
