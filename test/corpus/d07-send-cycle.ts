/**
 * D07: two agents that fill each other's mailboxes.
 *
 * A mailbox holds one message here, and whoever sends one more waits until there is room, deaf. A
 * and B send three to each other at once: both wait for the other to take one. The correct ones send
 * the next when the one before has been handled, and the mailboxes hold what can be under way.
 */
import { done, task } from 'troupe/simulation';
import { agent, at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

const IDS = ['A', 'B'] as const;
const other = (id: 'A' | 'B') => (id === 'A' ? 'B' : 'A');

export const pair: Pair = {
  id: 'D07',
  title: "two agents that fill each other's mailboxes",
  expected: ['DEADLOCK'],
  e: 0,
  culprits: ['A', 'B'],
  buggy: {
    name: 'D07 buggy',
    setup(stage) {
      for (const id of IDS)
        stage.spawn(
          agent<Tell<'init' | 'x'>>((event, ctx) => {
            if (event.type !== 'init') return;
            for (let count = 0; count < 3; count += 1)
              ctx.send(at<Tell<'x'>>(stage, other(id)), { type: 'x' });
          }),
          { id, mailbox: { capacityMessages: 1, overflow: 'wait' } },
        );
      for (const id of IDS) stage.send(at<Tell<'init'>>(stage, id), { type: 'init' });
    },
  },
  correct: {
    name: 'D07 correct',
    setup(stage) {
      for (const id of IDS) {
        task(`sent by ${id}`);
        stage.spawn(
          stateful<number, Tell<'init' | 'x' | 'ack'>>(0, (sent, event, ctx) => {
            const peer = at<Tell<'x' | 'ack'>>(stage, other(id));
            if (event.type === 'x') {
              ctx.send(peer, { type: 'ack' });
              return sent;
            }
            if (sent === 3) {
              done(`sent by ${id}`);
              return sent;
            }
            ctx.send(peer, { type: 'x' });
            return sent + 1;
          }),
          { id, mailbox: { capacityMessages: 3, overflow: 'wait' } },
        );
      }
      for (const id of IDS) stage.send(at<Tell<'init'>>(stage, id), { type: 'init' });
    },
  },
};
