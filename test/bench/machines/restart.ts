import { setup } from 'xstate';

/** Tells that it is up as it starts, and crashes when it is told to. */
export function machine(up: (crash: () => void) => void) {
  return setup({
    types: { events: {} as { type: 'crash' } },
  }).createMachine({
    initial: 'up',
    states: {
      up: {
        entry: ({ self }) => up(() => self.send({ type: 'crash' })),
        on: {
          crash: {
            actions: () => {
              throw new Error('crash');
            },
          },
        },
      },
    },
  });
}
