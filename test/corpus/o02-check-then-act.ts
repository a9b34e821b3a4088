/**
 * O02: a check and an act in two messages.
 *
 * Two tellers take 10 each of 100. The buggy ones read the balance and write what it should be, and
 * the other may write in between. The correct ones ask for both in one message.
 */
import type { ReplyTo } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import { direct, type Way } from './families/way.ts';
import { stateful, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

type Event =
  | Request<'withdraw'>
  | { readonly type: 'get'; readonly replyTo: ReplyTo<Balance> }
  | { readonly type: 'set'; readonly amount: number };
type Balance = { readonly type: 'ok'; readonly amount: number };

/** The way is that from T2 to the account. */
export const checkThenAct = (inOne: boolean, way: Way = direct): Scenario => ({
  name: `O02 ${inOne ? 'correct' : 'buggy'}`,
  eventually: { 'the balance is 80': (world) => world.state('Ac') === 80 },
  setup(stage) {
    const account = stage.spawn(
      stateful<number, Event>(100, (balance, event, ctx) => {
        if (event.type === 'set') return event.amount;
        const amount = event.type === 'get' ? balance : balance - 10;
        ctx.reply(event, { type: 'ok', amount });
        return amount;
      }),
      { id: 'Ac' },
    );
    for (const [id, ac] of [
      ['T1', account],
      ['T2', way<Event>(stage, 'Ac')],
    ] as const) {
      task(id);
      stage.client(id, function* (ctx) {
        if (inOne) yield* ctx.ask(ac, { type: 'withdraw' });
        else {
          const { amount } = yield* ctx.ask(ac, { type: 'get' });
          ctx.send(ac, { type: 'set', amount: amount - 10 });
        }
        done(id);
      });
    }
  },
});

export const pair: Pair = {
  id: 'O02',
  title: 'a check and an act in two messages',
  expected: ['SAFETY'],
  e: 0,
  culprits: ['Ac', 'T1', 'T2'],
  buggy: checkThenAct(false),
  correct: checkThenAct(true),
};
