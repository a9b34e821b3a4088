import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { restartGroup, type Strategy } from 'troupe';

describe('restart strategy', () => {
  it.each<readonly [Strategy, string, readonly string[]]>([
    ['one_for_one', 'b', ['b']],
    ['one_for_all', 'b', ['a', 'b', 'c']],
    ['rest_for_one', 'a', ['a', 'b', 'c']],
    ['rest_for_one', 'b', ['b', 'c']],
    ['rest_for_one', 'c', ['c']],
  ])('%s: the end of %s concerns %s', (strategy, id, group) => {
    expect(restartGroup(strategy, ['a', 'b', 'c'], id)).toEqual(group);
  });

  test.prop([
    fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }),
    fc.nat(),
    fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one'),
  ])('a group holds the child itself, in start order, and nobody twice', (ids, at, strategy) => {
    const id = ids[at % ids.length] as string;
    const group = restartGroup(strategy, ids, id);
    expect(group).toContain(id);
    expect(group).toEqual(ids.filter((each) => group.includes(each)));
  });
});
