import { fromHandler, type Ref, type ReplyTo } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Balance = ReplyTo<{ type: 'balance'; amount: number }>;
type Event =
  | { type: 'get'; replyTo: Balance }
  | { type: 'set'; amount: number }
  | { type: 'withdraw'; amount: number; replyTo: Balance };

/** Two tellers each take 10 of 100: by reading and writing, or by one message that does both. */
const program = (inOne: boolean): Scenario => ({
  name: 'O02 check then act over two messages',
  eventually: { 'the balance is 80': (world) => world.state('Ac') === 80 },
  setup({ spawn, client }) {
    const account: Ref<Event> = spawn(
      fromHandler({
        initial: () => 100,
        receive(balance: number, event: Event, ctx) {
          if (event.type === 'set') return event.amount;
          const amount = event.type === 'get' ? balance : balance - event.amount;
          ctx.reply(event, { type: 'balance', amount });
          return amount;
        },
      }),
      { id: 'Ac' },
    );
    for (const id of ['T1', 'T2']) {
      task(id);
      client(id, function* (ctx) {
        if (inOne) yield* ctx.ask(account, { type: 'withdraw', amount: 10 });
        else {
          const { amount } = yield* ctx.ask(account, { type: 'get' });
          ctx.send(account, { type: 'set', amount: amount - 10 });
        }
        done(id);
      });
    }
  },
});

export const pair: Pair = {
  id: 'O02',
  title: 'two agents read, then write, and one write is lost',
  expected: ['SAFETY'],
  e: 0,
  culprits: ['Ac', 'T1', 'T2'],
  buggy: program(false),
  correct: program(true),
};
