import { assign, not, sendTo, setup, type AnyActorRef } from 'xstate';
import { CROWD, nextRandom } from '../workload.ts';

/** A worker that knows all the others, and its own number among them. */
export function machine(workers: readonly AnyActorRef[], done: (count: number) => void) {
  return setup({
    types: {
      context: {} as { number: number; seed: number; pings: number; pongs: number },
      input: {} as number,
      events: {} as
        { type: 'start'; pings: number } | { type: 'ping'; from: number } | { type: 'pong' },
    },
    actions: {
      reseed: assign({ seed: ({ context }) => nextRandom(context.seed) }),
      ping: sendTo(
        ({ context }) => workers[context.seed % CROWD]!,
        ({ context }) => ({ type: 'ping', from: context.number }),
      ),
      count: assign({ pongs: ({ context }) => context.pongs + 1 }),
      done: ({ context }) => done(context.pongs),
    },
    guards: {
      isLast: ({ context, event }) => event.type === 'pong' && context.pongs + 1 >= context.pings,
    },
  }).createMachine({
    context: ({ input }) => ({ number: input, seed: input + 1, pings: 0, pongs: 0 }),
    initial: 'idle',
    on: {
      ping: { actions: sendTo(({ event }) => workers[event.from]!, { type: 'pong' }) },
    },
    states: {
      idle: {
        on: {
          start: {
            target: 'busy',
            actions: [assign({ pings: ({ event }) => event.pings, pongs: 0 }), 'reseed', 'ping'],
          },
        },
      },
      busy: {
        on: {
          pong: [
            { guard: not('isLast'), actions: ['count', 'reseed', 'ping'] },
            { target: 'idle', actions: ['count', 'done'] },
          ],
        },
      },
    },
  });
}
