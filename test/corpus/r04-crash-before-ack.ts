/**
 * R04: a crash between an effect and its acknowledgement.
 *
 * W has the ledger charge a payment, and answers when that is done. When it crashes in between, its
 * client gets an error and pays once more, for it cannot know better. The buggy ledger charges again;
 * the correct one knows the id.
 */
import { ActorEnded, child, supervisor, type ReplyTo } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { at, ok, stateful, type Ok } from './notation.ts';
import type { Pair } from './pair.ts';

type Pay = { readonly type: 'pay'; readonly id: number; readonly replyTo: ReplyTo<Ok> };
type Charge = { readonly type: 'charge'; readonly id: number };
type Charged = { readonly type: 'charged' };

const program = (name: string, knowsIds: boolean): Scenario => ({
  name,
  faults: { crash: { of: ['Sup/W'], max: 1, when: ['after'] } },
  invariant: {
    'charged once at most': (world) => world.state<readonly number[]>('Lg').length <= 1,
  },
  setup(stage) {
    stage.spawn(
      stateful<readonly number[], Charge>([], (charged, { id }, ctx) => {
        ctx.send(at<Charged>(stage, 'Sup/W'), { type: 'charged' });
        return knowsIds && charged.includes(id) ? charged : [...charged, id];
      }),
      { id: 'Lg' },
    );
    const worker = stateful<readonly Pay[], Pay | Charged>([], (open, event, ctx) => {
      if (event.type === 'pay') {
        ctx.defer(event);
        ctx.send(at<Charge>(stage, 'Lg'), { type: 'charge', id: event.id });
        return [...open, event];
      }
      for (const pay of open) ctx.reply(pay, ok);
      return [];
    });
    stage.spawn(supervisor({ children: [child({ id: 'W', logic: worker })] }), { id: 'Sup' });
    stage.client('C', function* (ctx) {
      const w = at<Pay>(stage, 'Sup/W');
      try {
        yield* ctx.ask(w, { type: 'pay', id: 1 });
      } catch (error) {
        if (!(error instanceof ActorEnded)) throw error;
        yield* ctx.ask(w, { type: 'pay', id: 1 });
      }
    });
  },
});

export const pair: Pair = {
  id: 'R04',
  title: 'a crash between an effect and its acknowledgement',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Lg', 'Sup/W'],
  buggy: program('R04 buggy', false),
  correct: program('R04 correct', true),
};
