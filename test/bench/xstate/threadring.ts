import type { AnyActorRef } from 'xstate';
import { CROWD, Completion, type Rate } from '../workload.ts';
import { start } from './start.ts';

type Token = { readonly type: 'token'; readonly hop: number; readonly hops: number };

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const nodes: AnyActorRef[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    nodes.push(
      start(i, (state, { hop, hops }: Token) => {
        if (hop === hops) completion.done(hop);
        else nodes[(i + 1) % CROWD]!.send({ type: 'token', hop: hop + 1, hops });
        return state;
      }),
    );
  }
  return (hops) => completion.after(() => nodes[0]!.send({ type: 'token', hop: 1, hops }));
}
