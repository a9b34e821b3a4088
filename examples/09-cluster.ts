// What one learns: agents on several nodes are used as those of one. A ref leads to another node, an
// ask has its deadline, a monitor tells of an end, and of the loss of the whole node. Here three
// systems of one process are linked over loopback; in three processes the code is the same.

import { ActorEnded, agentName, createSystem, fromHandler, type ReplyTo } from 'troupe';
import { joinCluster, type ClusterNode } from 'troupe/transport';

type Count = { type: 'count'; text: string; replyTo: ReplyTo<{ type: 'counted'; by: string }> };

const counter = (node: string) =>
  fromHandler<undefined, Count>({
    receive: (_state, request, ctx) => {
      const words = request.text.split(' ').length;
      ctx.reply(request, { type: 'counted', by: `${node}, ${words} words` });
    },
  });
const Counter = agentName<ReturnType<typeof counter>>('counter');
const secret = 'what all three nodes know';

const system = createSystem({ name: 'core', log: false });
const core = await joinCluster(system, { listen: {}, secret });

/** A node with a counter, which dials the core. */
async function worker(name: string): Promise<ClusterNode> {
  const own = createSystem({ name, log: false });
  own.spawn(counter(name), { id: 'counter', name: Counter });
  const isUp = new Promise((resolve) => core.on('nodeup', resolve));
  const node = await joinCluster(own, { seeds: [core.address!], secret });
  await isUp;
  stops.push(() => own.stop());
  return node;
}
const stops: (() => Promise<void>)[] = [];
const west = await worker('west');
await worker('east');
console.log(
  `linked with ${core
    .nodes()
    .map(({ node }) => node)
    .join(' and ')}`,
);

const count = async (node: string, text: string): Promise<string> => {
  try {
    return (await core.whereis(node, Counter).ask({ type: 'count', text })).by;
  } catch (error) {
    if (error instanceof ActorEnded) return `${node}: no answer (${error.reason.type})`;
    throw error;
  }
};
console.log(await count('east', 'as if it were here'));
console.log(await count('west', 'or there'));

const lost = new Promise((resolve) => core.on('nodedown', resolve));
system.monitor(core.whereis('west', Counter), ({ reason }) => console.log(`down: ${reason.type}`));
await count('west', 'the watch is there by now');
await west.leave();
await lost;
console.log(await count('west', 'is anybody there?'));
console.log(await count('east', 'one is'));

for (const stop of stops) await stop();
await system.stop();

// Prints:
// linked with east and west
// east, 5 words
// west, 2 words
// down: noconnection
// west: no answer (noconnection)
// east, 2 words
