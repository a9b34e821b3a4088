import { Effect, Queue } from 'effect';
import { CROWD, Completion, type Rate } from '../workload.ts';
import { post, start, type Inbox } from './actor.ts';

type Token = { readonly hop: number; readonly hops: number };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const nodes: Inbox<Token>[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    nodes.push(
      start<Token>(({ hop, hops }) =>
        hop === hops
          ? Effect.sync(() => completion.done(hop))
          : Queue.offer(nodes[(i + 1) % CROWD]!, { hop: hop + 1, hops }),
      ),
    );
  }
  return (hops) => completion.after(() => post(nodes[0]!, { hop: 1, hops }));
}
