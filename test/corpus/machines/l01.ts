/** L01 as machines: Ag keeps the request in its context and answers it with `reply({ to, with })`. */
import { assign, sendTo, setup } from 'xstate';
import { reply } from 'troupe';
import { choose, type Scenario } from 'troupe/simulation';
import { at, ok, type Request } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../l01-fan-in-by-worker.ts';

type Work = { readonly type: 'work'; readonly job: number };
type Result = { readonly type: 'result'; readonly job: number; readonly worker: string };
interface Gathered {
  readonly asked: Request<'req'> | undefined;
  readonly keys: readonly (string | number)[];
}

const program = (name: string, keyOf: (result: Result) => string | number): Scenario => ({
  name,
  setup(stage) {
    const worker = (id: string) =>
      setup({ types: { events: {} as Work } }).createMachine({
        on: {
          work: {
            actions: sendTo(
              () => at<Result>(stage, 'Ag'),
              ({ event }) => ({ type: 'result', job: event.job, worker: id }),
            ),
          },
        },
      });
    const aggregator = setup({
      types: { context: {} as Gathered, events: {} as Request<'req'> | Result },
    }).createMachine({
      context: { asked: undefined, keys: [] },
      initial: 'idle',
      states: {
        idle: {
          on: {
            req: {
              target: 'gathering',
              actions: [
                assign({ asked: ({ event }) => event }),
                sendTo(() => at<Work>(stage, 'W1'), { type: 'work', job: 1 }),
                sendTo(() => at<Work>(stage, choose('worker', ['W2', 'W1'])), {
                  type: 'work',
                  job: 2,
                }),
              ],
            },
          },
        },
        gathering: {
          on: {
            result: {
              actions: assign({
                keys: ({ context, event }) => [...new Set([...context.keys, keyOf(event)])],
              }),
            },
          },
          always: {
            guard: ({ context }) => context.keys.length === 2,
            target: 'idle',
            actions: reply({ to: ({ context }) => context.asked!, with: ok }),
          },
        },
      },
    });
    for (const id of ['W1', 'W2']) stage.spawn(worker(id), { id });
    const ag = stage.spawn(aggregator, { id: 'Ag' });
    stage.client('C', function* (ctx) {
      yield* ctx.ask(ag, { type: 'req' });
    });
  },
});

export const pair: Pair = {
  ...functions,
  buggy: program('L01 as machines, buggy', ({ worker }) => worker),
  correct: program('L01 as machines, correct', ({ job }) => job),
};
