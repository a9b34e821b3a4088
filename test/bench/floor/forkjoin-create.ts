import { Completion, WAVE, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Work = { readonly from: Cell<string> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const alive = new Map<number, Cell<Work>>();
  let ids = 0;
  let done = 0;
  let goal = 0;
  const driver: Cell<string> = new Cell<string>((message) => {
    if (message === 'done') done += 1;
    if (done === goal) completion.done(done - alive.size);
    if (done === goal || done % WAVE !== 0) return;
    for (let i = 0; i < WAVE; i += 1) {
      const id = (ids += 1);
      const child = new Cell<Work>(({ from }) => {
        alive.delete(id);
        from.send('done');
      });
      alive.set(id, child);
      child.send({ from: driver });
    }
  });
  return (children) =>
    completion.after(() => {
      done = 0;
      goal = children;
      driver.send('start');
    });
}
