// What one learns: a worker that moves from node to node, and keeps its state, its name and every
// request. Its name is known to the whole cluster; on each node a host takes it in. What still comes
// to the place that it has left is forwarded: same asker, same deadline.

import { createSystem, fromHandler, type Ref, type ReplyTo } from 'troupe';
import { joinCluster, type ClusterNode } from 'troupe/transport';

type Tally =
  | { type: 'add'; replyTo: ReplyTo<{ type: 'added'; total: number; at: string }> }
  | { type: 'move'; to: Ref<Take>; replyTo: ReplyTo<{ type: 'moved' }> }
  | { type: 'leave' };
type Take = { type: 'take'; total: number; replyTo: ReplyTo<{ type: 'taken'; by: Ref<Tally> }> };

const tally = (node: ClusterNode) =>
  fromHandler<{ total: number; next?: Ref<Tally> }, Tally, number>({
    initial: (total) => ({ total }),
    *receive({ total, next }, event, ctx) {
      if (event.type === 'leave') ctx.stop();
      else if (next !== undefined) ctx.forward(next, event);
      else if (event.type === 'add') {
        ctx.reply(event, { type: 'added', total: total + 1, at: node.name });
        return { total: total + 1 };
      } else {
        // Deaf while it moves: what comes now waits, and is forwarded then.
        node.names.unregister('tally');
        const { by } = yield* ctx.ask(event.to, { type: 'take', total });
        ctx.reply(event, { type: 'moved' });
        ctx.idle(100, { type: 'leave' });
        return { total, next: by };
      }
      return undefined;
    },
  });

const host = (node: ClusterNode) =>
  fromHandler<undefined, Take>({
    *receive(_state, request, ctx) {
      const by = ctx.spawn(tally(node), { input: request.total });
      yield* ctx.wait(node.names.register('tally', by));
      ctx.reply(request, { type: 'taken', by });
    },
  });

const secret = 'what all three nodes know';
const nodes: ClusterNode[] = [];
const systems = ['core', 'east', 'west'].map((name) => createSystem({ name, log: false }));
for (const system of systems) {
  const seeds = nodes.map(({ address }) => address!);
  const node = await joinCluster(system, { listen: {}, seeds, secret });
  system.spawn(host(node), { id: 'host' });
  while (node.nodes().length < seeds.length)
    await new Promise((resolve) => node.on('nodeup', resolve));
  nodes.push(node);
}
const [core] = nodes as [ClusterNode];
const hostAt = (name: string) => core.ref(`${name}/host`) as Ref<Take>;
const found = () => core.names.whereis('tally') as Ref<Tally> | undefined;
await hostAt('core').ask({ type: 'take', total: 0 });

const answers: { total: number; at: string }[] = [];
for (const to of ['east', 'west', 'core']) {
  const worker = found()!;
  const moving = worker.ask({ type: 'move', to: hostAt(to) });
  // All of these come behind the word to move, at the place that it leaves.
  const asked = Array.from({ length: 10 }, () => worker.ask({ type: 'add' }));
  await moving;
  answers.push(...(await Promise.all(asked)));
  console.log(`it is on ${found()!.node}, and ${answers.at(-1)!.at} has counted ${answers.length}`);
}
const isInOrder = answers.every(({ total }, index) => total === index + 1);
console.log(`no request is lost, and none counted twice: ${isInOrder}`);
for (const system of systems) await system.stop();

// Prints:
// it is on east, and east has counted 10
// it is on west, and west has counted 20
// it is on core, and core has counted 30
// no request is lost, and none counted twice: true
