import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { backoffMs, stopChild, supervisor, whichChildren, type BackoffOptions } from 'troupe';
import { Stage, type WorkerParts } from './cast.ts';

const arbitraryBackoff = fc
  .record({
    minMs: fc.integer({ min: 0, max: 1_000 }),
    spanMs: fc.integer({ min: 0, max: 100_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ minMs, spanMs, factor, jitter }) => ({ minMs, maxMs: minMs + spanMs, factor, jitter }));

describe('the delay', () => {
  it('grows by the factor from the minimum to the maximum', () => {
    const options: BackoffOptions = { minMs: 100, maxMs: 1_000, factor: 3, jitter: 0 };
    expect([0, 1, 2, 3, 1_000].map((attempts) => backoffMs(options, attempts, 0))).toEqual([
      100, 300, 900, 1_000, 1_000,
    ]);
  });

  it('doubles, and up to a fifth of it is random, unless told otherwise', () => {
    const options = { minMs: 100, maxMs: 1_000 };
    expect([0, 1, 2].map((attempts) => backoffMs(options, attempts, 0))).toEqual([100, 200, 400]);
    expect(backoffMs(options, 0, 0.5)).toBeCloseTo(90);
  });

  test.prop([arbitraryBackoff, fc.nat(2_000), fc.double({ min: 0, max: 0.999, noNaN: true })])(
    'stays between the minimum less jitter and the maximum, for any number of attempts',
    (options, attempts, random) => {
      const delayMs = backoffMs(options, attempts, random);
      expect(delayMs).toBeLessThanOrEqual(options.maxMs);
      expect(delayMs).toBeGreaterThanOrEqual(options.minMs * (1 - options.jitter) - 1e-6);
    },
  );
});

/** A supervisor with one child `a` that is restarted with backoff. */
async function stageWith(backoff: BackoffOptions, parts: WorkerParts = {}, seed?: number) {
  const stage = new Stage(seed === undefined ? {} : { seed });
  const sup = await stage.start(
    supervisor({ intensity: 1_000, children: [stage.spec('a', { backoff, ...parts })] }),
  );
  return { stage, sup };
}

/** Crashes the child, and gives how long it was away. */
async function away(stage: Stage): Promise<number> {
  await stage.end('crash', '/sup/a');
  expect(stage.life('/sup/a')).toBeUndefined();
  const fromMs = stage.system.nowMs;
  const before = stage.starts['a'];
  while (stage.starts['a'] === before) {
    await stage.system.advance(1);
    // No delay here is that long, and without an end a child that never comes back would hang the test.
    if (stage.system.nowMs - fromMs > 2_000) throw new Error('the child never came back');
  }
  return stage.system.nowMs - fromMs;
}

const PLAIN: BackoffOptions = { minMs: 100, maxMs: 1_000, jitter: 0 };

describe('restarts with backoff', () => {
  it('wait longer each time, up to the maximum', async () => {
    const { stage } = await stageWith(PLAIN);
    const delays: number[] = [];
    for (let crash = 0; crash < 6; crash += 1) delays.push(await away(stage));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('begin anew after a quiet time', async () => {
    const { stage } = await stageWith({ ...PLAIN, resetAfterMs: 500 });
    expect([await away(stage), await away(stage)]).toEqual([100, 200]);
    await stage.system.advance(499);
    expect(await away(stage)).toBe(400);
    await stage.system.advance(500);
    expect(await away(stage)).toBe(100);
  });

  it('take the maximum as the quiet time when none is given', async () => {
    const { stage } = await stageWith(PLAIN);
    await away(stage);
    await stage.system.advance(999);
    expect(await away(stage)).toBe(200);
    await stage.system.advance(1_000);
    expect(await away(stage)).toBe(100);
  });

  it('are shortened by chance, the same for the same seed', async () => {
    const backoff = { ...PLAIN, jitter: 0.5 };
    const delaysOf = async (seed: number) => {
      const { stage } = await stageWith(backoff, {}, seed);
      return [await away(stage), await away(stage), await away(stage)];
    };
    const first = await delaysOf(1);
    expect(await delaysOf(1)).toEqual(first);
    expect(await delaysOf(2)).not.toEqual(first);
    first.forEach((delayMs, index) => {
      expect(delayMs).toBeLessThanOrEqual(100 * 2 ** index);
      expect(delayMs).toBeGreaterThanOrEqual(50 * 2 ** index);
    });
  });

  it('count starts that fail like crashes', async () => {
    const { stage } = await stageWith(PLAIN, {
      start: (_ctx, life) => {
        if (life === 2 || life === 3) throw new Error('not yet');
      },
    });
    await stage.end('crash', '/sup/a');
    const startsAt: number[] = [];
    for (let ms = 1; ms <= 800; ms += 1) {
      const before = stage.starts['a'];
      await stage.system.advance(1);
      if (stage.starts['a'] !== before) startsAt.push(ms);
    }
    expect(startsAt).toEqual([100, 300, 700]);
    expect(stage.life('/sup/a')).toBe(4);
  });

  it('say in their report how long they wait', async () => {
    const { stage } = await stageWith(PLAIN);
    await away(stage);
    await away(stage);
    expect(stage.reported('child_terminated').map(({ fields }) => fields['delayMs'])).toEqual([
      100, 200,
    ]);
  });

  it('leave the supervisor free: the child is listed as restarting, and can be stopped', async () => {
    const { stage, sup } = await stageWith(PLAIN);
    await stage.end('crash', '/sup/a');
    expect((await stage.run(whichChildren(sup)))[0]?.ref).toBe('restarting');
    await stage.run(stopChild(sup, 'a'));
    expect(stage.system.stats().timers).toBe(0);
    await stage.system.advance(10_000);
    expect(stage.starts['a']).toBe(1);
    expect(await stage.which(sup)).toEqual(['a undefined']);
  });

  it('end with the supervisor', async () => {
    const { stage, sup } = await stageWith(PLAIN);
    await stage.end('crash', '/sup/a');
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    await stage.system.advance(10_000);
    expect(stage.starts['a']).toBe(1);
    expect(stage.system.stats().timers).toBe(0);
  });

  it('count when they come: a delay longer than the period never reaches the intensity', async () => {
    const stage = new Stage();
    const backoff = { minMs: 1_001, maxMs: 1_001, jitter: 0 };
    await stage.start(
      supervisor({ intensity: 1, periodMs: 1_000, children: [stage.spec('a', { backoff })] }),
    );
    for (let crash = 0; crash < 5; crash += 1) await away(stage);
    expect(stage.life('/sup')).toBe(1);
  });

  it('with one_for_all, siblings run on during the delay and restart with the child', async () => {
    const stage = new Stage();
    const specs = [stage.spec('a', { backoff: PLAIN }), stage.spec('b')];
    await stage.start(supervisor({ strategy: 'one_for_all', children: specs }));
    await stage.end('crash', '/sup/a');
    await stage.system.advance(99);
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([undefined, 1]);
    await stage.system.advance(1);
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 2]);
  });

  it('are overtaken by the restart of the group: a sibling that crashes meanwhile brings all back, once', async () => {
    const stage = new Stage();
    const specs = [stage.spec('a', { backoff: PLAIN }), stage.spec('b')];
    await stage.start(supervisor({ strategy: 'one_for_all', intensity: 5, children: specs }));
    await stage.end('crash', '/sup/a');
    await stage.end('crash', '/sup/b');
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 2]);
    await stage.system.advance(10_000);
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([2, 2]);
  });
});
