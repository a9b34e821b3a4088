/**
 * O11: the superseded call wins.
 *
 * The second question supersedes the first, but the answer to the first is on its way and may come
 * last. The correct agent looks which question an answer is for.
 */
import type { Scenario } from 'troupe/simulation';
import { direct, type Way } from './families/way.ts';
import { agent, at, stateful } from './notation.ts';
import type { Pair } from './pair.ts';

type Call = { readonly type: 'ask'; readonly call: number };
type Result = { readonly type: 'result'; readonly call: number };
interface Asked {
  readonly current: number;
  readonly answer: number;
}

/** The way is that from the agent to the model of the second call. */
export const supersededCall = (looksWhich: boolean, way: Way = direct): Scenario => ({
  name: `O11 ${looksWhich ? 'correct' : 'buggy'}`,
  eventually: { 'the answer is to call 2': (world) => world.state<Asked>('Ag').answer === 2 },
  setup(stage) {
    for (const id of ['L1', 'L2'])
      stage.spawn(
        agent<Call>(({ call }, ctx) => ctx.send(at<Result>(stage, 'Ag'), { type: 'result', call })),
        { id },
      );
    const models = [at<Call>(stage, 'L1'), way<Call>(stage, 'L2')];
    const ag = stage.spawn(
      stateful<Asked, Call | Result>({ current: 0, answer: 0 }, (state, { type, call }, ctx) => {
        if (type === 'ask') {
          ctx.send(models[call - 1]!, { type: 'ask', call });
          return { ...state, current: call };
        }
        return looksWhich && call !== state.current ? state : { ...state, answer: call };
      }),
      { id: 'Ag' },
    );
    stage.send(ag, { type: 'ask', call: 1 });
    stage.send(ag, { type: 'ask', call: 2 });
  },
});

export const pair: Pair = {
  id: 'O11',
  title: 'the superseded call wins',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Ag'],
  buggy: supersededCall(false),
  correct: supersededCall(true),
};
