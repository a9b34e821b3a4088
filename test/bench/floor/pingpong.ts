import { Completion, type Rate } from '../workload.ts';
import { Cell } from './floor.ts';

type Ping = { readonly number: number; readonly from: Cell<number> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let rounds = 0;
  const pong = new Cell<Ping>(({ number, from }) => from.send(number));
  const ping: Cell<number> = new Cell<number>((number) => {
    if (number === rounds) completion.done(number);
    else pong.send({ number: number + 1, from: ping });
  });
  return (goal) =>
    completion.after(() => {
      rounds = goal;
      ping.send(0);
    });
}
