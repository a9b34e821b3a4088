import { child, startChild, type RefFrom } from 'troupe';
import type { AnyActorRef } from 'xstate';
import { machine } from '../machines/threadring.ts';
import { openStage } from '../troupe/stage.ts';
import { CROWD, Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const { top } = await openStage();
  const completion = new Completion();
  const logic = machine(completion.done);
  const nodes: RefFrom<typeof logic>[] = [];
  for (let i = 0; i < CROWD; i += 1)
    nodes.push(await startChild(top, child({ id: `n${i}`, logic })));
  nodes.forEach((node, i) =>
    node.send({ type: 'link', next: nodes[(i + 1) % CROWD] as unknown as AnyActorRef }),
  );
  return (hops) => completion.after(() => nodes[0]!.send({ type: 'token', hop: 1, hops }));
}
