/** Nodes linked over WebSockets on loopback, all in one process: the CPU time of both ends counts. */
import { createSystem, fromHandler, type Ref, type ReplyTo, type System } from 'troupe';
import { joinCluster } from 'troupe/transport';

export type Item = { readonly type: 'item'; readonly n: number; readonly sku: string };
export type Total = { readonly type: 'total'; readonly total: number };
export type ToCounter = Item | { readonly type: 'read'; readonly replyTo: ReplyTo<Total> };

/** What one message carries: about 64 bytes with its envelope. */
export const SKU = 'a-thing-on-a-shelf';

/** A system, and as many counters as asked for, each on a node of its own. */
export async function openLink(
  peers = 1,
): Promise<{ readonly system: System; readonly counters: readonly Ref<ToCounter>[] }> {
  const secret = 'the secret of a benchmark';
  const logic = fromHandler({
    initial: () => 0,
    receive(total: number, event: ToCounter, ctx) {
      if (event.type === 'item') return total + 1;
      ctx.reply(event, { type: 'total', total });
      return total;
    },
  });
  const seeds: string[] = [];
  for (let peer = 0; peer < peers; peer += 1) {
    const far = createSystem({ name: `far-${peer}`, log: false });
    far.spawn(logic, { id: 'counter' });
    const { address } = await joinCluster(far, { listen: { port: 0 }, secret });
    seeds.push(address as string);
  }
  const system = createSystem({ name: 'near', log: false });
  const node = await joinCluster(system, { seeds, secret });
  await new Promise<void>((linked) => {
    node.on('nodeup', () => {
      if (node.nodes().length === peers) linked();
    });
  });
  const counters = seeds.map((_, peer) => node.ref(`far-${peer}/counter`) as Ref<ToCounter>);
  return { system, counters };
}
