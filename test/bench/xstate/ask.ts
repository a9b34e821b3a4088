import type { Rate } from '../workload.ts';
import { askOf, type Next } from './asker.ts';
import { start } from './start.ts';

export async function open(): Promise<Rate> {
  const server = start(0, (number, { replyTo }: Next) => {
    replyTo.send({ type: 'answer', number: number + 1 });
    return number + 1;
  });
  return askOf(server);
}
