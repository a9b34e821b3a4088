// What one learns: an XState machine runs as an agent as it is. It has a mailbox, so events that come
// together are handled one after the other; it can be watched; and its output is the agent's result.

import { createSystem } from 'troupe';
import { assign, setup } from 'xstate';

const counter = setup({
  types: {
    context: {} as { total: number },
    events: {} as { type: 'add'; amount: number } | { type: 'finish' },
    output: {} as { total: number },
  },
}).createMachine({
  context: { total: 0 },
  initial: 'counting',
  states: {
    counting: {
      on: {
        add: { actions: assign({ total: ({ context, event }) => context.total + event.amount }) },
        finish: 'finished',
      },
    },
    finished: { type: 'final' },
  },
  output: ({ context }) => ({ total: context.total }),
});

const system = createSystem();
const ref = system.spawn(counter, { id: 'counter' });
console.log(`the counter lives at ${ref.address}`);

ref.subscribe(({ value, context }) => console.log(`${value}: ${context.total}`));
ref.send({ type: 'add', amount: 2 });
ref.send({ type: 'add', amount: 40 });
ref.send({ type: 'finish' });
// All three wait in the mailbox: nothing runs inside `send`.
console.log(`before its first turn: ${ref.getSnapshot().context.total}`);

const { total } = await ref.result();
console.log(`it ended normally, with ${total}`);
await system.stop();

// Prints:
// the counter lives at local/counter
// before its first turn: 0
// counting: 0
// counting: 2
// counting: 42
// finished: 42
// it ended normally, with 42
