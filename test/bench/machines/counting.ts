import { assign, sendTo, setup, type AnyActorRef } from 'xstate';

/** The counter; its producer is no machine, so that what is measured is a send to a machine. */
export function machine() {
  return setup({
    types: {
      context: {} as { total: number },
      events: {} as { type: 'increment' } | { type: 'read'; from: AnyActorRef },
    },
  }).createMachine({
    context: { total: 0 },
    on: {
      increment: { actions: assign({ total: ({ context }) => context.total + 1 }) },
      read: {
        actions: sendTo(
          ({ event }) => event.from,
          ({ context }) => ({ type: 'total', total: context.total }),
        ),
      },
    },
  });
}
