import { dispatch, spawn, start, type Ref } from 'nact';
import { CROWD, Completion, type Rate } from '../workload.ts';

type Token = { readonly type: 'token'; readonly hop: number; readonly hops: number };

export async function open(): Promise<Rate> {
  const system = start();
  const completion = new Completion();
  const nodes: Ref<Token>[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    nodes.push(
      spawn(system, (_: undefined, { hop, hops }: Token) => {
        if (hop === hops) completion.done(hop);
        else dispatch(nodes[(i + 1) % CROWD]!, { type: 'token', hop: hop + 1, hops });
        return undefined;
      }),
    );
  }
  return (hops) => completion.after(() => dispatch(nodes[0]!, { type: 'token', hop: 1, hops }));
}
