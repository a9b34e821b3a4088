// OTP's supervisor_SUITE, its cases on trees. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import { child, startChild, stopChild, supervisor } from 'troupe';
import { Stage } from '../../supervision/cast.ts';

describe('trees', () => {
  it('child_unlink: a child that unlinks itself from its supervisor is stopped like any other', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: stage.specs('a') }));
    stage.ref('/sup/a').send({
      type: 'do',
      act: (ctx) => {
        if (ctx.parent !== undefined) ctx.unlink(ctx.parent);
      },
    });
    await stage.now();
    await stage.run(stopChild(sup, 'a'));
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(await stage.which(sup)).toEqual(['a undefined']);
  });

  it('tree: a crash touches only its own supervisor, until that gives up and its parent restarts the whole tree', async () => {
    const stage = new Stage();
    const inner1 = supervisor({ intensity: 1, children: stage.specs('c1', 'c2') });
    const inner2 = supervisor({ intensity: 0, children: stage.specs('c3') });
    const top = await stage.start(
      supervisor({
        strategy: 'one_for_all',
        intensity: 1,
        children: [
          stage.spec('w'),
          child({ id: 's1', logic: inner1 }),
          child({ id: 's2', logic: inner2 }),
        ],
      }),
      'top',
    );
    const s1 = stage.ref('/top/s1') as unknown as typeof top;
    const all = ['/top', '/top/w', '/top/s1', '/top/s1/c1', '/top/s1/c2', '/top/s2', '/top/s2/c3'];

    await stage.end('crash', '/top/s1/c1');
    expect(stage.lives(...all)).toEqual([1, 1, 1, 2, 1, 1, 1]);

    // A child is added, and one is stopped on purpose.
    await stage.run(startChild(s1, stage.spec('added')));
    await stage.run(stopChild(s1, 'c2'));
    expect(stage.lives('/top/s1/added', '/top/s1/c2')).toEqual([1, undefined]);

    // An inner supervisor gives up: everything is started anew, as it was specified.
    stage.takeDiary();
    await stage.end('crash', '/top/s2/c3');
    expect(stage.takeDiary()).toEqual([
      'end /top/s2/c3 1 crash',
      'end /top/s2 1 shutdown',
      'end /top/s1/added 1 shutdown',
      'end /top/s1/c1 2 shutdown',
      'end /top/s1 1 shutdown',
      'end /top/w 1 shutdown',
      'start /top/w 2',
      'start /top/s1/c1 1',
      'start /top/s1/c2 1',
      'start /top/s1 2',
      'start /top/s2/c3 1',
      'start /top/s2 2',
    ]);
    expect(stage.at('/top/s1/added')).toBeUndefined();
    expect(await stage.which(s1)).toEqual(['c2 running', 'c1 running']);

    // Once more, and the top gives up too.
    await stage.end('crash', '/top/s2/c3');
    expect(stage.reason('/top')?.type).toBe('shutdown');
    expect(stage.system.agents()).toEqual([]);
  });
});
