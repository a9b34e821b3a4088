import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, startChild, stopChild, supervisor } from 'troupe';
import { ENDS, Stage, slowStop } from './cast.ts';

const offender = {
  id: 'a',
  path: '/sup/a',
  incarnation: 1,
  restarts: 0,
  restart: 'permanent',
  shutdown: 5_000,
  significant: false,
  type: 'worker',
};

describe('the reports of a supervisor', () => {
  it('reach the log and the inspection alike', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ children: stage.specs('a') }));
    await stage.end('crash', '/sup/a');
    expect(stage.reports).toHaveLength(3);
    const logged = stage.lines.filter(({ fields }) => 'label' in fields);
    expect(logged).toEqual(
      stage.reports.map(({ level, label, path, fields }) => ({
        level,
        message: label,
        fields: { label, path, ...fields },
      })),
    );
  });

  it('supervisor/progress: a child has started', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ children: stage.specs('a') }));
    expect(stage.reports).toEqual([
      { level: 'info', label: 'supervisor/progress', path: '/sup', fields: { child: offender } },
    ]);
  });

  it('supervisor/child_terminated: with the error itself, and the number of restarts', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ intensity: 5, children: stage.specs('a') }));
    await stage.end('crash', '/sup/a');
    await stage.end('shutdown with a detail', '/sup/a');
    await stage.end('kill', '/sup/a');
    expect(stage.reported('child_terminated')).toEqual([
      {
        level: 'error',
        label: 'supervisor/child_terminated',
        path: '/sup',
        fields: {
          child: { ...offender, restarts: 1 },
          reason: 'crash',
          err: ENDS.crash.error,
        },
      },
      {
        level: 'error',
        label: 'supervisor/child_terminated',
        path: '/sup',
        fields: {
          child: { ...offender, incarnation: 2, restarts: 2 },
          reason: 'shutdown',
          detail: 'test',
          err: undefined,
        },
      },
      {
        level: 'error',
        label: 'supervisor/child_terminated',
        path: '/sup',
        fields: { child: { ...offender, incarnation: 3, restarts: 3 }, reason: 'killed' },
      },
    ]);
  });

  it('supervisor/start_error: at the start, at a restart and on request', async () => {
    const stage = new Stage();
    const cause = new Error('cannot');
    const sup = await stage.start(
      supervisor({
        intensity: 5,
        children: [
          stage.spec('a', {
            start: (_ctx, life) => {
              if (life === 2) throw cause;
            },
          }),
        ],
      }),
    );
    await stage.end('crash', '/sup/a');
    const failing = stage.spec('b', {
      start: () => {
        throw cause;
      },
    });
    await stage.failure(startChild(sup, failing));
    const tree = supervisor({ children: [failing] });
    await stage.failure(stage.system.start(tree, { id: 'tree' }));
    expect(stage.reported('start_error')).toMatchObject([
      {
        level: 'error',
        path: '/sup',
        fields: { child: { id: 'a', incarnation: 2 }, err: { cause } },
      },
      { level: 'error', path: '/sup', fields: { child: { id: 'b' }, err: { cause } } },
      { level: 'error', path: '/tree', fields: { child: { id: 'b' }, err: { cause } } },
    ]);
  });

  it('supervisor/shutdown_error: a child did not end as it was told to, by a call, in a group and at the shutdown', async () => {
    const stage = new Stage();
    const slow = { shutdown: 10, stop: slowStop(100) };
    const sup = await stage.start(
      supervisor({
        strategy: 'one_for_all',
        children: [stage.spec('a'), stage.spec('b', slow), stage.spec('c', slow)],
      }),
    );
    await stage.end('crash', '/sup/a');
    await stage.system.advance(100);
    const told = () =>
      stage.reported('shutdown_error').map(({ fields }) => (fields['child'] as { id: string }).id);
    expect(told()).toEqual(['c', 'b']);
    await stage.run(stopChild(sup, 'c'));
    expect(told()).toEqual(['c', 'b', 'c']);
    await stage.run(sup.stop());
    expect(told()).toEqual(['c', 'b', 'c', 'b']);
    expect(stage.reported('shutdown_error')[0]).toMatchObject({
      level: 'error',
      fields: { reason: 'killed', child: { restart: 'permanent', shutdown: 10 } },
    });
  });

  it('supervisor/shutdown: the supervisor gives up, with the cause of the last end', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ intensity: 0, children: stage.specs('a') }));
    await stage.end('crash', '/sup/a');
    expect(stage.reported('shutdown')).toEqual([
      {
        level: 'error',
        label: 'supervisor/shutdown',
        path: '/sup',
        fields: {
          child: { ...offender, restarts: 1 },
          reason: 'reached_max_restart_intensity',
          err: expect.objectContaining({ limit: 'intensity', cause: ENDS.crash.error }) as Error,
        },
      },
    ]);
  });

  it('are silent on clean ends, on calls and on an auto-shutdown', async () => {
    const stage = new Stage();
    const sup = await stage.start(
      supervisor({
        autoShutdown: 'any_significant',
        children: [
          stage.spec('a', { restart: 'transient' }),
          stage.spec('b', { restart: 'temporary' }),
          stage.spec('c'),
          stage.spec('d', { restart: 'transient', significant: true }),
        ],
      }),
    );
    await stage.end('normal', '/sup/a');
    await stage.end('shutdown', '/sup/b');
    await stage.run(stopChild(sup, 'c'));
    await stage.end('normal', '/sup/d');
    expect(stage.at('/sup')).toBeUndefined();
    expect(stage.reports.every(({ label }) => label === 'supervisor/progress')).toBe(true);
    expect(stage.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('group what differs in its error apart', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const trap = { trapExit: true };
    for (const id of ['a', 'b', 'c']) await stage.run(startChild(sup, stage.spec(id, trap)));
    // Each crashes while its supervisor is about to stop it.
    for (const [id, message] of [
      ['a', 'one'],
      ['b', 'one'],
      ['c', 'two'],
    ])
      stage
        .ref(`/sup/${id}`)
        .send({ type: 'end', reason: { type: 'crash', error: new Error(message) } });
    const stopping = sup.stop();
    await stage.run(stopping);
    const told = stage.reported('shutdown_error').map(({ fields }) => fields);
    expect(told).toMatchObject([
      { count: 2, err: { message: 'one' } },
      { child: { id: 'c' }, err: { message: 'two' } },
    ]);
  });
});
