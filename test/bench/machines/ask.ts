import { assign, sendTo, setup, type AnyActorRef } from 'xstate';

/** The server; who asks is no machine. */
export function machine() {
  return setup({
    types: {
      context: {} as { number: number },
      events: {} as { type: 'next'; replyTo: AnyActorRef },
    },
  }).createMachine({
    context: { number: 0 },
    on: {
      next: {
        actions: [
          assign({ number: ({ context }) => context.number + 1 }),
          sendTo(
            ({ event }) => event.replyTo,
            ({ context }) => ({ type: 'answer', number: context.number }),
          ),
        ],
      },
    },
  });
}
