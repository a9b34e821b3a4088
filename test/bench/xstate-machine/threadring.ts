import { createActor } from 'xstate';
import { machine } from '../machines/threadring.ts';
import { CROWD, Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const completion = new Completion();
  const logic = machine(completion.done);
  const nodes = Array.from({ length: CROWD }, () => createActor(logic).start());
  nodes.forEach((node, i) => node.send({ type: 'link', next: nodes[(i + 1) % CROWD]! }));
  return (hops) => completion.after(() => nodes[0]!.send({ type: 'token', hop: 1, hops }));
}
