/** L06 as machines: the client invokes `ask` with a deadline, and once more when that has passed. */
import { assign, setup } from 'xstate';
import { ask, reply, type ReplyTo } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { at, ok, type Ok } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../l06-timeout-races-reply.ts';

type Deposit = { readonly type: 'deposit'; readonly op: string; readonly replyTo: ReplyTo<Ok> };
interface Booked {
  readonly booked: readonly string[];
}

const program = (name: string, knowsOps: boolean): Scenario => ({
  name,
  invariant: { 'booked once at most': (world) => world.state<Booked>('Bk').booked.length <= 1 },
  setup(stage) {
    const bank = setup({ types: { context: {} as Booked, events: {} as Deposit } }).createMachine({
      context: { booked: [] },
      on: {
        deposit: {
          actions: [
            reply(ok),
            assign({
              booked: ({ context: { booked }, event: { op } }) =>
                knowsOps && booked.includes(op) ? booked : [...booked, op],
            }),
          ],
        },
      },
    });
    const bk = at<Deposit>(stage, 'Bk');
    const client = setup({
      actors: { deposit: ask(bk, 'deposit', { timeoutMs: 10 }), retry: ask(bk, 'deposit') },
    }).createMachine({
      initial: 'depositing',
      states: {
        depositing: {
          invoke: { src: 'deposit', input: { op: 'op1' }, onDone: 'booked', onError: 'retrying' },
        },
        retrying: { invoke: { src: 'retry', input: { op: 'op1' }, onDone: 'booked' } },
        booked: { type: 'final' },
      },
    });
    stage.spawn(bank, { id: 'Bk' });
    stage.spawn(client, { id: 'C' });
  },
});

export const pair: Pair = {
  ...functions,
  buggy: program('L06 as machines, buggy', false),
  correct: program('L06 as machines, correct', true),
};
