import { assign, sendTo, setup, type AnyActorRef } from 'xstate';

/** A node of the ring. */
export function machine(done: (count: number) => void) {
  return setup({
    types: {
      context: {} as { next: AnyActorRef | undefined },
      events: {} as
        { type: 'link'; next: AnyActorRef } | { type: 'token'; hop: number; hops: number },
    },
  }).createMachine({
    context: { next: undefined },
    on: {
      link: { actions: assign({ next: ({ event }) => event.next }) },
      token: [
        {
          guard: ({ event }) => event.hop < event.hops,
          actions: sendTo(
            ({ context }) => context.next!,
            ({ event }) => ({ type: 'token', hop: event.hop + 1, hops: event.hops }),
          ),
        },
        { actions: ({ event }) => done(event.hop) },
      ],
    },
  });
}
