import { describe, expect, it } from 'vitest';
import {
  RestartIntensityReached,
  StartFailed,
  child,
  dynamicSupervisor,
  startChild,
  supervisor,
  type Down,
  type ExitReason,
} from 'troupe';
import { ENDS, Stage } from './cast.ts';

/** The error behind a supervisor's `shutdown`. */
function causeOf(reason: ExitReason | undefined): RestartIntensityReached {
  expect(reason).toMatchObject({ type: 'shutdown', detail: 'reached_max_restart_intensity' });
  const { cause } = reason as { cause: unknown };
  expect(cause).toBeInstanceOf(RestartIntensityReached);
  return cause as RestartIntensityReached;
}

describe('a supervisor that gives up', () => {
  it('carries the true cause up through three levels', async () => {
    const stage = new Stage();
    const level3 = supervisor({ intensity: 1, children: stage.specs('leaf') });
    const level2 = supervisor({ intensity: 1, children: [child({ id: 'l3', logic: level3 })] });
    const level1 = supervisor({ intensity: 1, children: [child({ id: 'l2', logic: level2 })] });
    const root = await stage.start(level1, 'l1');
    const downs: Down[] = [];
    stage.system.monitor(root, (down) => downs.push(down));
    let crashes = 0;
    while (stage.life('/l1') !== undefined) {
      await stage.end('crash', '/l1/l2/l3/leaf');
      crashes += 1;
    }
    // The product of the intensities, each plus one.
    expect(crashes).toBe(8);
    expect(downs).toHaveLength(1);
    const top = causeOf(downs[0]?.reason);
    // And nothing else: the specs, with the inputs in them, are nobody's who reads an error.
    expect(top.fields).toEqual({
      path: '/l1',
      child: 'l2',
      limit: 'intensity',
      intensity: 1,
      periodMs: 5_000,
      restartsMax: Infinity,
      failedStartsMax: Infinity,
    });
    const middle = top.cause as RestartIntensityReached;
    expect([middle.name, middle.fields['path'], middle.fields['child']]).toEqual([
      'RestartIntensityReached',
      '/l1/l2',
      'l3',
    ]);
    const bottom = middle.cause as RestartIntensityReached;
    expect([bottom.fields['path'], bottom.fields['child']]).toEqual(['/l1/l2/l3', 'leaf']);
    expect(bottom.cause).toBe(ENDS.crash.error);
    expect(top.message).toBe('/l1 gave up on "l2": more than 1 restarts within 5000 ms');
  });

  it('is not restarted when it is transient: shutdown is a clean end', async () => {
    const stage = new Stage();
    const inner = supervisor({ intensity: 0, children: stage.specs('a') });
    const sup = await stage.start(
      supervisor({ children: [child({ id: 'inner', logic: inner, restart: 'transient' })] }),
    );
    await stage.end('crash', '/sup/inner/a');
    expect(await stage.which(sup)).toEqual(['inner undefined']);
  });

  it('names the failed start when that is the cause', async () => {
    const stage = new Stage();
    const cause = new Error('never again');
    await stage.start(
      supervisor({
        children: [
          stage.spec('a', {
            start: (_ctx, life) => {
              if (life > 1) throw cause;
            },
          }),
        ],
      }),
    );
    await stage.end('crash', '/sup/a');
    const failed = causeOf(stage.reason('/sup')).cause as StartFailed;
    expect(failed).toBeInstanceOf(StartFailed);
    expect([failed.path, failed.cause]).toEqual(['/sup/a', cause]);
  });
});

describe('restartsMax', () => {
  it('limits the restarts of one child, however slow they come', async () => {
    const stage = new Stage();
    await stage.start(
      supervisor({
        intensity: 1_000,
        children: [stage.spec('a', { restartsMax: 2 }), stage.spec('b')],
      }),
    );
    for (let crash = 1; crash <= 2; crash += 1) {
      await stage.end('crash', '/sup/a');
      await stage.end('crash', '/sup/b');
      await stage.system.advance(1_000_000);
    }
    expect(stage.lives('/sup/a', '/sup/b')).toEqual([3, 3]);
    await stage.end('crash', '/sup/a');
    const error = causeOf(stage.reason('/sup'));
    expect(error.limit).toBe('restartsMax');
    expect(error.message).toBe('/sup gave up on "a": more than 2 restarts of this child');
  });

  it('does not wait for a backoff when there will be no restart', async () => {
    const stage = new Stage();
    const backoff = { minMs: 1_000, maxMs: 1_000 };
    await stage.start(supervisor({ children: [stage.spec('a', { restartsMax: 0, backoff })] }));
    await stage.end('crash', '/sup/a');
    expect(causeOf(stage.reason('/sup')).limit).toBe('restartsMax');
    expect(stage.system.nowMs).toBe(0);
  });
});

describe('failedStartsMax', () => {
  it('limits the starts that fail in a row, however slow they are', async () => {
    const stage = new Stage();
    const fails = new Set([2, 3, 5, 6, 7]);
    await stage.start(
      supervisor({
        intensity: 1_000,
        children: [
          stage.spec('a', {
            failedStartsMax: 2,
            *start(ctx, life) {
              yield* ctx.sleep(10_000);
              if (fails.has(life)) throw new Error(`start ${life}`);
            },
          }),
        ],
      }),
    );
    // Two in a row are allowed; a start that succeeds begins a new row.
    await stage.end('crash', '/sup/a');
    await stage.system.advance(30_000);
    expect(stage.life('/sup/a')).toBe(4);
    await stage.end('crash', '/sup/a');
    await stage.system.advance(29_999);
    expect(stage.life('/sup')).toBe(1);
    await stage.system.advance(1);
    const error = causeOf(stage.reason('/sup'));
    expect(error.limit).toBe('failedStartsMax');
    expect(error.message).toBe('/sup gave up on "a": more than 2 failed starts in a row');
    expect(stage.starts['a']).toBe(7);
  });
});

describe('the mailbox of a supervisor', () => {
  it('never loses the retry of a restart, however full it is', async () => {
    const stage = new Stage();
    const pool = await stage
      .start(
        supervisor({
          children: [
            child({
              id: 'pool',
              logic: dynamicSupervisor({ intensity: 5 }),
              mailbox: { capacityMessages: 1 },
            }),
          ],
        }),
        'top',
      )
      .then(() => stage.ref('/top/pool') as never);
    await stage.run(
      startChild(
        pool,
        stage.spec('a', {
          *start(ctx, life) {
            yield* ctx.sleep(100);
            if (life === 2) throw new Error('not yet');
          },
        }),
      ),
    );
    await stage.end('crash', '/top/pool/a');
    // The supervisor waits for the start, and its mailbox is full when that fails.
    for (let i = 0; i < 10; i += 1) stage.ref('/top/pool').send({ type: 'junk' } as never);
    await stage.system.advance(1_000);
    expect(stage.life('/top/pool/a')).toBe(3);
  });
});
