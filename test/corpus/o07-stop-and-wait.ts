import { fromHandler, type Ref } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Event =
  | { type: 'data'; bit: number; value: number }
  | { type: 'ack'; bit: number }
  | { type: 'resend' }
  | { type: 'go' };
interface Received {
  readonly out: readonly number[];
  readonly bit: number;
}

/** Two values over a link that may lose one message. The sender repeats; the receiver may check whether it knows the value. */
const program = (checksBit: boolean): Scenario => ({
  name: 'O07 stop and wait without a check of the bit',
  faults: { drop: { on: ['S>Rc', 'Rc>S'], max: 1 } },
  invariant: {
    'what came out is a prefix of 0, 1': (world) =>
      '0,1'.startsWith(world.state<Received>('Rc').out.join()),
  },
  setup({ spawn, send }) {
    const receiver: Ref<Event> = spawn(
      fromHandler({
        initial: (): Received => ({ out: [], bit: 0 }),
        receive(state: Received, event: Event, ctx) {
          if (event.type !== 'data') return state;
          ctx.send(sender, { type: 'ack', bit: event.bit });
          if (checksBit && event.bit !== state.bit) return state;
          return { out: [...state.out, event.value], bit: 1 - state.bit };
        },
      }),
      { id: 'Rc' },
    );
    const sender: Ref<Event> = spawn(
      fromHandler({
        initial: () => 0,
        receive(value: number, event: Event, ctx) {
          if (value === 2) return value;
          const acked = event.type === 'ack' && event.bit === value % 2;
          if (event.type === 'ack' && !acked) return value;
          const next = acked ? value + 1 : value;
          if (next === 2) {
            ctx.cancel('resend');
            done('transfer');
          } else {
            ctx.send(receiver, { type: 'data', bit: next % 2, value: next });
            ctx.after(10, { type: 'resend' }, { id: 'resend' });
          }
          return next;
        },
      }),
      { id: 'S' },
    );
    task('transfer');
    send(sender, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O07',
  title: 'a value that is sent again is taken for a new one',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Rc'],
  buggy: program(false),
  correct: program(true),
};
