/**
 * D11: cigarette smokers.
 *
 * The table has paper and matches. The smoker who has tobacco needs just these; the others lack one
 * of them for ever, which is as it should be. But all take what they need one by one: somebody who
 * cannot smoke may take what the first needs. The correct ones take both at once or none.
 */
import { done, task, type Stage } from 'troupe/simulation';
import { at, ok, stateful, type Request } from './notation.ts';
import type { Pair } from './pair.ts';

type Item = 'paper' | 'matches' | 'tobacco';
type Put = { readonly type: 'put'; readonly item: Item };
type Take = Request<'take'> & { readonly items: readonly Item[] };

interface Table {
  readonly items: readonly Item[];
  readonly waiting: readonly Take[];
}

/** Gives each of those who wait all that they ask for as soon as it is there. */
const table = stateful<Table, Put | Take>({ items: [], waiting: [] }, (state, event, ctx) => {
  let items = state.items;
  let waiting = state.waiting;
  if (event.type === 'put') items = [...items, event.item];
  else {
    ctx.defer(event);
    waiting = [...waiting, event];
  }
  for (const take of waiting) {
    if (!take.items.every((item) => items.includes(item))) continue;
    items = items.filter((item) => !take.items.includes(item));
    waiting = waiting.filter((other) => other !== take);
    ctx.reply(take, ok);
  }
  return { items, waiting };
});

const NEEDS: readonly (readonly [smoker: string, Item, Item])[] = [
  ['St', 'paper', 'matches'],
  ['Sp', 'matches', 'tobacco'],
  ['Sm', 'paper', 'tobacco'],
];

function smokers(stage: Stage, takes: (one: Item, other: Item) => readonly (readonly Item[])[]) {
  task('smoke');
  const ref = at<Take>(stage, 'Table');
  const put = at<Put>(stage, 'Table');
  stage.spawn(table, { id: 'Table' });
  stage.send(put, { type: 'put', item: 'paper' });
  stage.send(put, { type: 'put', item: 'matches' });
  for (const [id, one, other] of NEEDS)
    stage.client(id, function* (ctx) {
      for (const items of takes(one, other)) yield* ctx.ask(ref, { type: 'take', items });
      done('smoke');
    });
}

export const pair: Pair = {
  id: 'D11',
  title: 'cigarette smokers',
  expected: ['STUCK'],
  e: 0,
  culprits: ['Table', 'St', 'Sp', 'Sm'],
  buggy: {
    name: 'D11 buggy',
    setup: (stage) => smokers(stage, (one, other) => [[one], [other]]),
    allow: { waiting: ['St', 'Sp', 'Sm'] },
  },
  correct: {
    name: 'D11 correct',
    setup: (stage) => smokers(stage, (one, other) => [[one, other]]),
    allow: { waiting: ['St', 'Sp', 'Sm'] },
  },
};
