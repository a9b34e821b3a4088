import type { Fill } from '../workload.ts';
import { Cell } from './floor.ts';

export async function open(): Promise<Fill> {
  return async (agents) => {
    let count = 0;
    let cells = Array.from({ length: agents }, () => {
      let sum = 0;
      return new Cell<number>((amount) => {
        sum += amount;
        count += sum;
      });
    });
    for (const cell of cells) cell.send(1);
    await new Promise((resolve) => setImmediate(resolve));
    return { count, release: () => (cells = []) };
  };
}
