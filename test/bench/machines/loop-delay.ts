import { sendTo, setup, type AnyActorRef } from 'xstate';

/** Hands the token back to its peer for ever. */
export function machine(isOn: () => boolean) {
  return setup({
    types: { events: {} as { type: 'token'; to: AnyActorRef; from: AnyActorRef } },
  }).createMachine({
    on: {
      token: {
        guard: () => isOn(),
        actions: sendTo(
          ({ event }) => event.to,
          ({ event }) => ({ type: 'token', to: event.from, from: event.to }),
        ),
      },
    },
  });
}
