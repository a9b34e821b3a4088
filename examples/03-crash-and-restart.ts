// What one learns: an agent that throws has crashed, and its supervisor starts it again, at the same
// place. A ref names the place: it still works, and what waited in the mailbox is not lost. The
// state is: a new life starts from the beginning. A neighbour notices nothing.

import { ActorEnded, child, createSystem, fromHandler, supervisor, agentName } from 'troupe';
import type { ReplyTo } from 'troupe';

type Divide = {
  type: 'divide';
  by: number;
  replyTo: ReplyTo<{ type: 'quotient'; value: number; nth: number }>;
};

const divider = fromHandler({
  initial: () => 0,
  receive(count, request: Divide, ctx) {
    if (request.by === 0) throw new RangeError('nothing can be divided by zero');
    ctx.reply(request, { type: 'quotient', value: 60 / request.by, nth: count + 1 });
    return count + 1;
  },
});

const Left = agentName<typeof divider>('left');
const Right = agentName<typeof divider>('right');

const system = createSystem({ log: false });
// The log would tell the same on standard error; these are the facts behind it.
system.inspect((event) => {
  if (event.type === 'crashed') console.log(`! ${event.path} crashed: ${String(event.error)}`);
  if (event.type === 'restarted')
    console.log(`! ${event.path} lives again, life ${event.incarnation}`);
});

const root = await system.start(
  supervisor({
    intensity: 3,
    children: [
      child({ id: 'left', logic: divider, name: Left }),
      child({ id: 'right', logic: divider, name: Right }),
    ],
  }),
  { id: 'math' },
);
const left = system.whereis(Left);
const right = system.whereis(Right);
if (left === undefined || right === undefined) throw new Error('they have not started');

const divide = async (ref: typeof left, by: number): Promise<string> => {
  try {
    const { value, nth } = await ref.ask({ type: 'divide', by });
    return `${ref.path}: 60 / ${by} = ${value}, its answer number ${nth}`;
  } catch (error) {
    if (error instanceof ActorEnded) return `${ref.path}: no answer (${error.reason.type})`;
    throw error;
  }
};

console.log(await divide(left, 2));
console.log(await divide(right, 3));
// Both are sent before either is handled: the second waits while the first crashes its reader.
const both = await Promise.all([divide(left, 0), divide(left, 4)]);
console.log(both.join('\n'));
console.log(await divide(right, 5));
console.log(`${root.path} ended: ${(await root.stop()).type}`);
await system.stop();

// Prints:
// /math/left: 60 / 2 = 30, its answer number 1
// /math/right: 60 / 3 = 20, its answer number 1
// ! /math/left crashed: RangeError: nothing can be divided by zero
// ! /math/left lives again, life 2
// /math/left: no answer (crash)
// /math/left: 60 / 4 = 15, its answer number 1
// /math/right: 60 / 5 = 12, its answer number 2
// /math ended: shutdown
