// OTP's supervisor_SUITE, group restart strategies. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import {
  dynamicSupervisor,
  startChild,
  supervisor,
  type ChildSpec,
  type RestartIntensityReached,
  type Strategy,
  type SupervisorOptions,
} from 'troupe';
import { Stage, slowStop, specsHeldBy } from '../../supervision/cast.ts';

const reached = {
  type: 'shutdown',
  detail: 'reached_max_restart_intensity',
  cause: expect.objectContaining({ code: 'RESTART_INTENSITY_REACHED' }) as RestartIntensityReached,
};

/** A supervisor at `/sup` that allows two restarts within a long time. */
const start = (
  stage: Stage,
  children: readonly ChildSpec[],
  options: Omit<SupervisorOptions, 'children'> = {},
) => stage.start(supervisor({ children, intensity: 2, periodMs: 3_600_000, ...options }));

/** A dynamic supervisor at `/sup` with these children. */
const startDynamic = async (stage: Stage, children: readonly ChildSpec[], intensity = 2) => {
  const sup = await stage.start(dynamicSupervisor({ intensity, periodMs: 3_600_000 }));
  for (const spec of children) await stage.run(startChild(sup, spec));
  return sup;
};

/** A child that starts once and never again. */
const once = (stage: Stage, id: string) =>
  stage.spec(id, {
    start: (_ctx, life) => {
      if (life > 1) throw new Error('never again');
    },
  });

/** A child whose second start fails. */
const stumbles = (stage: Stage, id: string) =>
  stage.spec(id, {
    start: (_ctx, life) => {
      if (life === 2) throw new Error('not yet');
    },
  });

describe('restart strategies', () => {
  it('multiple_restarts: crashes that are far enough apart never end the supervisor', async () => {
    const stage = new Stage();
    await start(stage, stage.specs('a'), { intensity: 1, periodMs: 1_000 });
    for (let crash = 1; crash <= 4; crash += 1) {
      await stage.end('crash', '/sup/a');
      expect(stage.lives('/sup', '/sup/a')).toEqual([1, crash + 1]);
      await stage.system.advance(2_100);
    }
    // Two within the period do.
    await stage.end('crash', '/sup/a');
    await stage.end('crash', '/sup/a');
    expect(stage.at('/sup')).toBeUndefined();
  });

  it('one_for_one: only the crashed child is replaced, and one crash too many of any child ends the supervisor', async () => {
    const stage = new Stage();
    await start(stage, stage.specs('a', 'b'));
    await stage.end('crash', '/sup/a');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 1]);
    await stage.end('crash', '/sup/b');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 2]);
    stage.takeDiary();
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.takeDiary()).toEqual([
      'end /sup/a 2 crash',
      'end /sup/b 2 shutdown',
      'end /sup 1 shutdown',
    ]);
  });

  it('one_for_one_escalation: a child whose restart keeps failing takes the supervisor and its siblings down', async () => {
    const stage = new Stage();
    await start(stage, [once(stage, 'a'), stage.spec('b')], { intensity: 4 });
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.reason('/sup/b')).toEqual({ type: 'shutdown' });
    // Every failed try counts like a crash.
    expect(stage.starts['a']).toBe(1 + 4);
  });

  it('one_for_all: one crash replaces all, and the third group restart ends the supervisor', async () => {
    const stage = new Stage();
    await start(stage, stage.specs('a', 'b'), { strategy: 'one_for_all' });
    stage.takeDiary();
    await stage.end('crash', '/sup/a');
    expect(stage.takeDiary()).toEqual([
      'end /sup/a 1 crash',
      'end /sup/b 1 shutdown',
      'start /sup/a 2',
      'start /sup/b 2',
    ]);
    await stage.end('crash', '/sup/b');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([3, 3]);
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.reason('/sup/b')).toEqual({ type: 'shutdown' });
  });

  it('one_for_all: siblings that crash together cost one restart', async () => {
    const stage = new Stage();
    await start(stage, stage.specs('a', 'b', 'c'), { strategy: 'one_for_all', intensity: 1 });
    await stage.end('crash', '/sup/a', '/sup/b', '/sup/c');
    expect(stage.lives('/sup', '/sup/a', '/sup/b', '/sup/c')).toEqual([1, 2, 2, 2]);
  });

  it('one_for_all_escalation: a member whose restart keeps failing takes all down', async () => {
    const stage = new Stage();
    const specs = [once(stage, 'a'), stage.spec('b')];
    await start(stage, specs, { strategy: 'one_for_all', intensity: 4 });
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.reason('/sup/b')).toEqual({ type: 'shutdown' });
    expect(stage.starts).toEqual({ a: 5, b: 1 });
  });

  it('one_for_all_other_child_fails_restart: those that had been started already are stopped, and all start again', async () => {
    const stage = new Stage();
    const specs = [stage.spec('a'), stumbles(stage, 'b')];
    await start(stage, specs, { strategy: 'one_for_all' });
    stage.takeDiary();
    await stage.end('crash', '/sup/a');
    expect(stage.takeDiary()).toEqual([
      'end /sup/a 1 crash',
      'end /sup/b 1 shutdown',
      'start /sup/a 2',
      'end /sup/b 2 crash',
      'end /sup/a 2 shutdown',
      'start /sup/a 3',
      'start /sup/b 3',
    ]);
    expect(stage.life('/sup')).toBe(1);
  });

  it('simple_one_for_one: only the crashed child is replaced, and one crash too many ends the supervisor with shutdown', async () => {
    const stage = new Stage();
    await startDynamic(stage, stage.specs('a', 'b'));
    await stage.end('crash', '/sup/a');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 1]);
    await stage.end('crash', '/sup/a');
    await stage.end('crash', '/sup/b');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
  });

  it('simple_one_for_one_shutdown: the children are stopped all at once', async () => {
    const stage = new Stage();
    const sup = await startDynamic(stage, [
      stage.spec('a', { stop: slowStop(1_000), shutdown: 2_000 }),
      stage.spec('b', { stop: slowStop(5_000), shutdown: 2_000 }),
      stage.spec('c', { stop: slowStop(1_000), shutdown: 2_000 }),
    ]);
    const stopping = sup.stop();
    await stage.system.advance(999);
    expect(stage.at('/sup')?.children).toHaveLength(3);
    await stage.system.advance(1);
    expect(stage.at('/sup')?.children.map(({ path }) => path)).toEqual(['/sup/b']);
    expect(await stage.run(stopping)).toEqual({ type: 'shutdown' });
    expect(stage.system.nowMs).toBe(2_000);
    expect(stage.reason('/sup/b')).toEqual({ type: 'killed' });
  });

  it('simple_one_for_one_extra: children that hand something over at their start are restarted too', async () => {
    const stage = new Stage();
    await startDynamic(stage, [
      stage.spec('a', { start: (ctx, life) => ctx.startInfo({ life }) }),
      stage.spec('b'),
    ]);
    await stage.end('crash', '/sup/a');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 1]);
  });

  it('simple_one_for_one_escalation: a child whose restart keeps failing ends the supervisor and its siblings', async () => {
    const stage = new Stage();
    await startDynamic(stage, [once(stage, 'a'), stage.spec('b')], 4);
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.reason('/sup/b')).toEqual({ type: 'shutdown' });
    expect(stage.starts).toEqual({ a: 5, b: 1 });
  });

  it('simple_one_for_one_corruption: after a temporary child has died, later ones are not retained with their input either', async () => {
    const stage = new Stage();
    const sup = await startDynamic(stage, []);
    const add = (id: string) =>
      stage.run(startChild(sup, stage.spec(id, { restart: 'temporary', input: { secret: id } })));
    await add('a');
    await stage.end('crash', '/sup/a');
    await add('b');
    await add('c');
    expect(specsHeldBy(sup).map(({ id, input }) => [id, input])).toEqual([
      ['b', undefined],
      ['c', undefined],
    ]);
  });

  it.each(['transient', 'permanent'] as const)(
    'simple_one_for_one_restart_ignore: a %s child that ignores when it is restarted is dropped',
    async (restart) => {
      const stage = new Stage();
      const start = (ctx: { ignore(): void }, life: number) => {
        if (life > 1) ctx.ignore();
      };
      const sup = await startDynamic(stage, [
        stage.spec('a', { restart, start }),
        stage.spec('b', { restart }),
      ]);
      await stage.end('crash', '/sup/a');
      expect(await stage.which(sup)).toEqual(['b running']);
      expect(stage.at('/sup/a')).toBeUndefined();
      expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    },
  );

  it('rest_for_one: those that were started after the crashed child are replaced with it, the others are not touched', async () => {
    const stage = new Stage();
    await start(stage, stage.specs('a', 'b', 'c'), { strategy: 'rest_for_one' });
    stage.takeDiary();
    await stage.end('crash', '/sup/b');
    expect(stage.takeDiary()).toEqual([
      'end /sup/b 1 crash',
      'end /sup/c 1 shutdown',
      'start /sup/b 2',
      'start /sup/c 2',
    ]);
    expect(stage.life('/sup/a')).toBe(1);
    await stage.end('crash', '/sup/c');
    expect(stage.lives('/sup/a', '/sup/b', '/sup/c')).toEqual([1, 2, 3]);
    await stage.end('crash', '/sup/b');
    expect(stage.reason('/sup')).toEqual(reached);
  });

  it('rest_for_one_escalation: a child whose restart keeps failing takes all down', async () => {
    const stage = new Stage();
    const specs = [once(stage, 'a'), stage.spec('b')];
    await start(stage, specs, { strategy: 'rest_for_one', intensity: 4 });
    await stage.end('crash', '/sup/a');
    expect(stage.reason('/sup')).toEqual(reached);
    expect(stage.starts).toEqual({ a: 5, b: 1 });
  });

  it('rest_for_one_other_child_fails_restart: the one that had been started already stays, and the failed one is tried again', async () => {
    const stage = new Stage();
    const specs = [stage.spec('a'), stumbles(stage, 'b'), stage.spec('c')];
    await start(stage, specs, { strategy: 'rest_for_one' });
    stage.takeDiary();
    await stage.end('crash', '/sup/a');
    expect(stage.takeDiary()).toEqual([
      'end /sup/a 1 crash',
      'end /sup/c 1 shutdown',
      'end /sup/b 1 shutdown',
      'start /sup/a 2',
      'end /sup/b 2 crash',
      'start /sup/b 3',
      'start /sup/c 2',
    ]);
  });

  it.each<Strategy>(['one_for_one', 'one_for_all', 'rest_for_one'])(
    '%s: intensity 0 allows no restart at all',
    async (strategy) => {
      const stage = new Stage();
      await start(stage, stage.specs('a', 'b'), { strategy, intensity: 0 });
      await stage.end('crash', '/sup/a');
      expect(stage.reason('/sup')).toEqual(reached);
      expect(stage.starts).toEqual({ a: 1, b: 1 });
    },
  );
});
