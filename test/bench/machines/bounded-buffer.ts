import { assign, sendTo, setup, type AnyActorRef } from 'xstate';
import { PRODUCERS } from '../workload.ts';

type Item = { type: 'item'; number: number };

/** Producer, buffer and consumer where the mailboxes are bounded and senders wait. */
export function machines(consumers: readonly AnyActorRef[], counted: () => void) {
  const consumer = setup({
    types: { context: {} as { sum: number }, events: {} as Item },
  }).createMachine({
    context: { sum: 0 },
    on: {
      item: {
        actions: [
          assign({ sum: ({ context, event }) => (context.sum + event.number) | 0 }),
          () => counted(),
        ],
      },
    },
  });
  const buffer = setup({
    types: { context: {} as { turn: number }, events: {} as Item },
  }).createMachine({
    context: { turn: 0 },
    on: {
      item: {
        actions: [
          sendTo(
            ({ context }) => consumers[context.turn]!,
            ({ event }) => event,
          ),
          assign({ turn: ({ context }) => (context.turn + 1) % PRODUCERS }),
        ],
      },
    },
  });
  return { consumer, buffer };
}
