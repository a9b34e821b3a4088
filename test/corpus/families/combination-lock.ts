/**
 * X3: a lock with n digits. Each is told by an agent of its own, and the lock opens only when they
 * come in falling order; a wrong one jams it. Of n! orders one opens it, so sampling finds it late,
 * while the states are few: nearly all of them are a jam.
 *
 * The look-alike needs all digits, in whatever order.
 */
import { assert, done, task, type Scenario } from 'troupe/simulation';
import { agent, at, stateful, type Tell } from '../notation.ts';

type Digit = { readonly type: 'digit'; readonly digit: number };

/** Where the lock stands: the digits that it has taken, or a jam. */
type Lock = readonly number[] | 'jammed';

export function combinationLock(n: number, variant: 'buggy' | 'correct'): Scenario {
  return {
    name: `a lock of ${n} digits, ${variant}`,
    setup(stage) {
      if (variant === 'correct') task('open');
      const lock = stage.spawn(
        stateful<Lock, Digit>([], (taken, { digit }) => {
          if (taken === 'jammed') return taken;
          if (variant === 'correct') {
            const all = [...taken, digit].toSorted((a, b) => a - b);
            if (all.length === n) done('open');
            return all;
          }
          if (digit !== n - 1 - taken.length) return 'jammed';
          assert(taken.length < n - 1, 'the lock opens');
          return [...taken, digit];
        }),
        { id: 'L' },
      );
      for (let digit = 0; digit < n; digit += 1)
        stage.spawn(
          agent<Tell<'go'>>((_event, ctx) => ctx.send(lock, { type: 'digit', digit })),
          { id: `K${digit}` },
        );
      for (let digit = 0; digit < n; digit += 1)
        stage.send(at<Tell<'go'>>(stage, `K${digit}`), { type: 'go' });
    },
  };
}
