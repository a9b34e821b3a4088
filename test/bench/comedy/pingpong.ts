import { Completion, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  let goal = 0;
  const pong = await root.createChild({
    ping: ({ number, from }: { number: number; from: ActorRef }) => post(from, 'pong', number),
  });
  const ping: ActorRef = await root.createChild({
    pong: (number: number) => {
      if (number === goal) completion.done(number);
      else post(pong, 'ping', { number: number + 1, from: ping });
    },
  });
  return (rounds) =>
    completion.after(() => {
      goal = rounds;
      post(ping, 'pong', 0);
    });
}
