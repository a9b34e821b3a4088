import { fromHandler, type Ref } from 'troupe';
import { requires, type Scenario } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Event = { type: 'go' } | { type: 'init' } | { type: 'use' };

/** `init` goes straight from A to C, and `use` goes by B. Nothing says which of them is first. */
const program = (stashes: boolean): Scenario => ({
  name: 'O01 init/use race',
  ordering: [requires('C', 'use', { after: 'init' })],
  setup({ spawn, send }) {
    const c: Ref<Event> = spawn(
      fromHandler({
        initial: () => 'new',
        receive(state: string, event: Event, ctx) {
          if (event.type === 'init') return 'ready';
          if (event.type === 'use' && stashes && state === 'new') ctx.postpone();
          return state;
        },
      }),
      { id: 'C' },
    );
    const b: Ref<Event> = spawn(
      fromHandler({ receive: (_state, _go: Event, ctx) => ctx.send(c, { type: 'use' }) }),
      { id: 'B' },
    );
    const a: Ref<Event> = spawn(
      fromHandler({
        receive(_state, _go: Event, ctx) {
          ctx.send(c, { type: 'init' });
          ctx.send(b, { type: 'go' });
        },
      }),
      { id: 'A' },
    );
    send(a, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O01',
  title: 'a use overtakes the init that it needs',
  expected: ['ORDER'],
  e: 1,
  culprits: ['C'],
  buggy: program(false),
  correct: program(true),
};
