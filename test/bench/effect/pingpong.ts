import { Effect, Queue } from 'effect';
import { Completion, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

type Ping = { readonly number: number; readonly from: Inbox<number> };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  let goal = 0;
  const pong = start<Ping>(({ number, from }) => Queue.offer(from, number));
  const ping: Inbox<number> = start<number>((number) =>
    number === goal
      ? Effect.sync(() => completion.done(number))
      : Queue.offer(pong, { number: number + 1, from: ping }),
  );
  return (rounds) =>
    completion.after(() => {
      goal = rounds;
      post(ping, 0);
    });
}
