import { CROWD, Completion, type Rate } from '../workload.ts';
import { openRoot, post, type ActorRef } from './root.ts';

export async function open(): Promise<Rate> {
  const root = await openRoot();
  const completion = new Completion();
  const nodes: ActorRef[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    const node = await root.createChild({
      token: ({ hop, hops }: { hop: number; hops: number }) => {
        if (hop === hops) completion.done(hop);
        else post(nodes[(i + 1) % CROWD]!, 'token', { hop: hop + 1, hops });
      },
    });
    nodes.push(node);
  }
  return (hops) => completion.after(() => post(nodes[0]!, 'token', { hop: 1, hops }));
}
