import { assign, setup } from 'xstate';

/** A small machine: two states and a count. */
export function machine() {
  return setup({
    types: { context: {} as { count: number }, events: {} as { type: 'add' } },
  }).createMachine({
    context: { count: 0 },
    initial: 'empty',
    states: {
      empty: {
        on: {
          add: { target: 'filled', actions: assign({ count: ({ context }) => context.count + 1 }) },
        },
      },
      filled: { on: { add: { actions: assign({ count: ({ context }) => context.count + 1 }) } } },
    },
  });
}
