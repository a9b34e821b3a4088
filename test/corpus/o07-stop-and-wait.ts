/**
 * O07: stop and wait without a look at the bit.
 *
 * Two values go over a link that may lose one message, so the sender repeats what is not
 * acknowledged in time. The buggy receiver takes a repeated value for a new one; the correct one
 * knows by its bit that it has it.
 */
import { done, task, type Scenario } from 'troupe/simulation';
import { at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Data = { readonly type: 'data'; readonly bit: number; readonly value: number };
type Ack = { readonly type: 'ack'; readonly bit: number };
interface Received {
  readonly out: readonly number[];
  readonly bit: number;
}

const program = (name: string, looksAtBit: boolean): Scenario => ({
  name,
  faults: { drop: { on: ['S>Rc', 'Rc>S'], max: 1 } },
  invariant: {
    'what came out is a prefix of 0, 1': (world) =>
      '0,1'.startsWith(world.state<Received>('Rc').out.join()),
  },
  setup(stage) {
    stage.spawn(
      stateful<Received, Data>({ out: [], bit: 0 }, (state, { bit, value }, ctx) => {
        ctx.send(at<Ack>(stage, 'S'), { type: 'ack', bit });
        if (looksAtBit && bit !== state.bit) return state;
        return { out: [...state.out, value], bit: 1 - state.bit };
      }),
      { id: 'Rc' },
    );
    const sender = stage.spawn(
      stateful<number, Ack | Tell<'go' | 'resend'>>(0, (value, event, ctx) => {
        if (value === 2 || (event.type === 'ack' && event.bit !== value % 2)) return value;
        const next = event.type === 'ack' ? value + 1 : value;
        if (next === 2) {
          ctx.cancel('resend');
          done('transfer');
        } else {
          ctx.send(at<Data>(stage, 'Rc'), { type: 'data', bit: next % 2, value: next });
          ctx.after(10, { type: 'resend' }, { id: 'resend' });
        }
        return next;
      }),
      { id: 'S' },
    );
    task('transfer');
    stage.send(sender, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O07',
  title: 'stop and wait without a look at the bit',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Rc'],
  buggy: program('O07 buggy', false),
  correct: program('O07 correct', true),
};
