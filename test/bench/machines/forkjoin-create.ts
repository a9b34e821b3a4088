import { sendTo, setup, type AnyActorRef } from 'xstate';

/** A child that answers one message and reaches its final state. */
export function machine() {
  return setup({
    types: { events: {} as { type: 'work'; from: AnyActorRef } },
  }).createMachine({
    initial: 'waiting',
    states: {
      waiting: {
        on: {
          work: {
            target: 'done',
            actions: sendTo(({ event }) => event.from, { type: 'done' }),
          },
        },
      },
      done: { type: 'final' },
    },
  });
}
