import { child, fromHandler, startChild, type Ref } from 'troupe';
import { CROWD, Completion, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

type ToNode =
  | { readonly type: 'link'; readonly next: Ref<ToNode> }
  | { readonly type: 'token'; readonly hop: number; readonly hops: number };

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const logic = fromHandler({
    initial: (): Ref<ToNode> | undefined => undefined,
    receive(next: Ref<ToNode> | undefined, event: ToNode, ctx) {
      if (event.type === 'link') return event.next;
      const { hop, hops } = event;
      if (hop === hops) completion.done(hop);
      else if (next !== undefined) ctx.send(next, { type: 'token', hop: hop + 1, hops });
      return next;
    },
  });
  const nodes: Ref<ToNode>[] = [];
  for (let i = 0; i < CROWD; i += 1)
    nodes.push(await startChild(top, child({ id: `n${i}`, logic })));
  nodes.forEach((node, i) => node.send({ type: 'link', next: nodes[(i + 1) % CROWD]! }));
  return (hops) => completion.after(() => nodes[0]!.send({ type: 'token', hop: 1, hops }));
}
