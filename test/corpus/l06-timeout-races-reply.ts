/**
 * L06: a timeout races the reply, and the retry is applied twice.
 *
 * The client asks the bank once more when no answer has come within 10 ms, with the same id of the
 * operation. The buggy bank books it again; the correct one only answers.
 */
import { AskTimeout, type ReplyTo } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { ok, stateful, type Ok } from './notation.ts';
import type { Pair } from './pair.ts';

type Deposit = { readonly type: 'deposit'; readonly op: string; readonly replyTo: ReplyTo<Ok> };

const program = (name: string, knowsOps: boolean): Scenario => ({
  name,
  invariant: {
    'booked once at most': (world) => world.state<readonly string[]>('Bk').length <= 1,
  },
  setup(stage) {
    const bank = stage.spawn(
      stateful<readonly string[], Deposit>([], (booked, event, ctx) => {
        ctx.reply(event, ok);
        return knowsOps && booked.includes(event.op) ? booked : [...booked, event.op];
      }),
      { id: 'Bk' },
    );
    stage.client('C', function* (ctx) {
      try {
        yield* ctx.ask(bank, { type: 'deposit', op: 'op1' }, { timeoutMs: 10 });
      } catch (error) {
        if (!(error instanceof AskTimeout)) throw error;
        yield* ctx.ask(bank, { type: 'deposit', op: 'op1' });
      }
    });
  },
});

export const pair: Pair = {
  id: 'L06',
  title: 'a timeout races the reply, and the retry is applied twice',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Bk'],
  buggy: program('L06 buggy', false),
  correct: program('L06 correct', true),
};
