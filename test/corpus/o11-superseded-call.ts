import { fromHandler, type Ref } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Event = { type: 'ask'; call: number } | { type: 'result'; call: number };
interface Asked {
  readonly current: number;
  readonly answer: number;
}

/** The second question supersedes the first, whose answer may still come, and come last. */
const program = (checksCall: boolean): Scenario => ({
  name: 'O11 the superseded call wins',
  eventually: { 'the answer is of call 2': (world) => world.state<Asked>('Ag').answer === 2 },
  setup({ spawn, send }) {
    const agent: Ref<Event> = spawn(
      fromHandler({
        initial: (): Asked => ({ current: 0, answer: 0 }),
        receive(state: Asked, { type, call }: Event, ctx) {
          if (type === 'ask') {
            ctx.send(models[call - 1]!, { type, call });
            return { ...state, current: call };
          }
          return checksCall && call !== state.current ? state : { ...state, answer: call };
        },
      }),
      { id: 'Ag' },
    );
    const models: Ref<Event>[] = ['L1', 'L2'].map((id) =>
      spawn(
        fromHandler({
          receive: (_state, { call }: Event, ctx) => ctx.send(agent, { type: 'result', call }),
        }),
        { id },
      ),
    );
    send(agent, { type: 'ask', call: 1 });
    send(agent, { type: 'ask', call: 2 });
  },
});

export const pair: Pair = {
  id: 'O11',
  title: 'the answer of a superseded call overwrites the newer one',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Ag'],
  buggy: program(false),
  correct: program(true),
};
