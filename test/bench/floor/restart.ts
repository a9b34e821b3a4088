import { Completion, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

/** A `catch` that makes the next one. */
export async function open(): Promise<Rate> {
  const completion = new Completion();
  let ups = 0;
  let goal = 0;
  const driver = new Cell<Cell<'crash'>>((child) => {
    ups += 1;
    if (ups > goal) completion.done(ups - 1);
    else child.send('crash');
  });
  const start = (): void => {
    const receive = (message: string): void => {
      throw new Error(message);
    };
    const child = new Cell<'crash'>((message) => {
      try {
        receive(message);
      } catch {
        start();
      }
    });
    driver.send(child);
  };
  return (restarts) =>
    completion.after(() => {
      ups = 0;
      goal = restarts;
      start();
    });
}
