import { assign, sendTo, setup, type AnyActorRef } from 'xstate';
import { MESSAGES } from '../workload.ts';

/** A worker; its driver is no machine. */
export function machine() {
  return setup({
    types: {
      context: {} as { count: number },
      events: {} as { type: 'work'; from: AnyActorRef },
    },
  }).createMachine({
    context: { count: 0 },
    on: {
      work: [
        {
          guard: ({ context }) => context.count + 1 < MESSAGES,
          actions: assign({ count: ({ context }) => context.count + 1 }),
        },
        {
          actions: [
            assign({ count: 0 }),
            sendTo(({ event }) => event.from, { type: 'done', count: MESSAGES }),
          ],
        },
      ],
    },
  });
}
