/** The peer that is made to stand still: a node with a counter, in a process of its own. */
import { createSystem, fromHandler } from 'troupe';
import { joinCluster } from 'troupe/transport';
import { SECRET, type Item } from './stalled.ts';

const system = createSystem({ name: 'far', log: false });
system.spawn(
  fromHandler({ initial: () => 0, receive: (total: number, { n }: Item) => Math.max(total, n) }),
  {
    id: 'counter',
  },
);
const { address } = await joinCluster(system, { listen: { port: 0 }, secret: SECRET });
process.stdout.write(`${address}\n`);
