/** R04 as machines: a supervised worker that owes an answer until its ledger has confirmed. */
import { assign, sendTo, setup } from 'xstate';
import { ask, child, reply, supervisor, type ReplyTo } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { at, ok, type Ok, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../r04-crash-before-ack.ts';

type Pay = { readonly type: 'pay'; readonly id: number; readonly replyTo: ReplyTo<Ok> };
type Charge = { readonly type: 'charge'; readonly id: number };
interface Charged {
  readonly charged: readonly number[];
}

const program = (name: string, knowsIds: boolean): Scenario => ({
  name,
  faults: { crash: { of: ['Sup/W'], max: 1, when: ['after'] } },
  invariant: { 'charged once at most': (world) => world.state<Charged>('Lg').charged.length <= 1 },
  setup(stage) {
    const ledger = setup({ types: { context: {} as Charged, events: {} as Charge } }).createMachine(
      {
        context: { charged: [] },
        on: {
          charge: {
            actions: [
              sendTo(() => at<Tell<'charged'>>(stage, 'Sup/W'), { type: 'charged' }),
              assign({
                charged: ({ context: { charged }, event: { id } }) =>
                  knowsIds && charged.includes(id) ? charged : [...charged, id],
              }),
            ],
          },
        },
      },
    );
    const worker = setup({
      types: { context: {} as { open: Pay | undefined }, events: {} as Pay | Tell<'charged'> },
    }).createMachine({
      context: { open: undefined },
      initial: 'idle',
      states: {
        idle: {
          on: {
            pay: {
              target: 'charging',
              actions: [
                assign({ open: ({ event }) => event }),
                sendTo(
                  () => at<Charge>(stage, 'Lg'),
                  ({ event }) => ({ type: 'charge', id: event.id }),
                ),
              ],
            },
          },
        },
        charging: {
          on: {
            charged: {
              target: 'idle',
              actions: reply({ to: ({ context }) => context.open!, with: ok }),
            },
          },
        },
      },
    });
    const client = setup({ actors: { pay: ask(at<Pay>(stage, 'Sup/W'), 'pay') } }).createMachine({
      initial: 'paying',
      states: {
        paying: { invoke: { src: 'pay', input: { id: 1 }, onDone: 'paid', onError: 'again' } },
        again: { invoke: { src: 'pay', input: { id: 1 }, onDone: 'paid' } },
        paid: { type: 'final' },
      },
    });
    stage.spawn(ledger, { id: 'Lg' });
    stage.spawn(supervisor({ children: [child({ id: 'W', logic: worker })] }), { id: 'Sup' });
    stage.spawn(client, { id: 'C' });
  },
});

export const pair: Pair = {
  ...functions,
  buggy: program('R04 as machines, buggy', false),
  correct: program('R04 as machines, correct', true),
};
