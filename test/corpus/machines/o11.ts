/** O11 as machines: the agent keeps the current call in its context, and looks at it in a guard. */
import { assign, sendTo, setup } from 'xstate';
import type { Scenario } from 'troupe/simulation';
import { at } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../o11-superseded-call.ts';

type Call = { readonly type: 'ask'; readonly call: number };
type Result = { readonly type: 'result'; readonly call: number };
interface Asked {
  readonly current: number;
  readonly answer: number;
}

const program = (looksWhich: boolean): Scenario => ({
  name: `O11 as machines, ${looksWhich ? 'correct' : 'buggy'}`,
  eventually: { 'the answer is to call 2': (world) => world.state<Asked>('Ag').answer === 2 },
  setup(stage) {
    const model = setup({ types: { events: {} as Call } }).createMachine({
      on: {
        ask: {
          actions: sendTo(
            () => at<Result>(stage, 'Ag'),
            ({ event }) => ({ type: 'result', call: event.call }),
          ),
        },
      },
    });
    const agent = setup({
      types: { context: {} as Asked, events: {} as Call | Result },
    }).createMachine({
      context: { current: 0, answer: 0 },
      on: {
        ask: {
          actions: [
            assign({ current: ({ event }) => event.call }),
            sendTo(
              ({ event }) => at<Call>(stage, `L${event.call}`),
              ({ event }) => event,
            ),
          ],
        },
        result: {
          guard: ({ context, event }) => !looksWhich || event.call === context.current,
          actions: assign({ answer: ({ event }) => event.call }),
        },
      },
    });
    stage.spawn(model, { id: 'L1' });
    stage.spawn(model, { id: 'L2' });
    const ag = stage.spawn(agent, { id: 'Ag' });
    stage.send(ag, { type: 'ask', call: 1 });
    stage.send(ag, { type: 'ask', call: 2 });
  },
});

export const pair: Pair = { ...functions, buggy: program(false), correct: program(true) };
