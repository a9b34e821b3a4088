// What one learns: a request is an event with a `replyTo`, which says what the answer is. A machine
// answers with `reply(...)`; a function agent asks with `yield*`, and handles nothing else meanwhile.
// Every ask has a deadline, and one that passes says how far the request had come.

import { AskTimeout, agentName, createSystem, fromHandler, reply, type ReplyTo } from 'troupe';
import { setup } from 'xstate';

type Question = { type: 'price'; item: string; replyTo: ReplyTo<{ type: 'price'; cents: number }> };

// It answers while it is open. In a break it leaves its mail where it is.
const shop = setup({
  types: {
    events: {} as Question | { type: 'rest' },
    meta: {} as { postpone?: 'all' },
  },
}).createMachine({
  initial: 'open',
  states: {
    open: {
      on: {
        price: {
          actions: reply(({ event }) => ({ type: 'price', cents: event.item.length * 100 })),
        },
        rest: 'closed',
      },
    },
    closed: { meta: { postpone: 'all' } },
  },
});

const Shop = agentName<typeof shop>('shop');

type Order = {
  type: 'total';
  items: string[];
  replyTo: ReplyTo<{ type: 'total'; cents: number }>;
};

const buyer = fromHandler({
  *receive(_state, order: Order, ctx) {
    let total = 0;
    for (const item of order.items) {
      const { cents } = yield* ctx.ask(Shop, { type: 'price', item });
      console.log(`${item} costs ${cents}`);
      total += cents;
    }
    ctx.reply(order, { type: 'total', cents: total });
  },
});

const system = createSystem();
const shopRef = system.spawn(shop, { id: 'shop', name: Shop });
const buyerRef = system.spawn(buyer, { id: 'buyer' });

const { cents } = await buyerRef.ask({ type: 'total', items: ['pear', 'quince'] });
console.log(`together ${cents}`);

shopRef.send({ type: 'rest' });
try {
  await shopRef.ask({ type: 'price', item: 'plum' }, { timeoutMs: 50 });
} catch (error) {
  if (error instanceof AskTimeout) console.log(`${error.message}; progress: ${error.progress}`);
}
await system.stop();

// Prints:
// pear costs 400
// quince costs 600
// together 1000
// "price" to local/shop: no answer within 50 ms (queued); progress: queued
