// OTP's supervisor_SUITE, its cases on the management calls. Each test bears the name of its case.
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  AlreadyPresent,
  AlreadyStarted,
  ChildNotFound,
  ChildRunning,
  InvalidOption,
  NoSuchActor,
  child,
  countChildren,
  deleteChild,
  dynamicSupervisor,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  whichChildren,
  type ChildSpecOptions,
  type ChildStarted,
  type StartFailed,
  type SupervisorOptions,
} from 'troupe';
import { Stage } from '../../supervision/cast.ts';

/** A call that a supervisor of this kind does not offer; the types refuse it already. */
const junkCall = (supervisor: { ask: (request: never) => Promise<unknown> }, request: object) =>
  supervisor.ask(request as never);

describe('the management calls', () => {
  it('child_adm: start, stop, restart and delete of a child, with every refusal', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: stage.specs('a') }));

    const running = await stage.failure(startChild(sup, stage.spec('a')));
    expect(running).toBeInstanceOf(AlreadyStarted);
    expect((running as AlreadyStarted).ref).toBe(stage.ref('/sup/a'));
    expect(await stage.failure(restartChild(sup, 'a'))).toBeInstanceOf(ChildRunning);
    expect(await stage.failure(deleteChild(sup, 'a'))).toBeInstanceOf(ChildRunning);

    await stage.run(stopChild(sup, 'a'));
    await stage.run(stopChild(sup, 'a'));
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(await stage.which(sup)).toEqual(['a undefined']);
    expect(await stage.run(countChildren(sup))).toEqual({
      specs: 1,
      active: 0,
      supervisors: 0,
      workers: 1,
    });
    expect(await stage.failure(startChild(sup, stage.spec('a')))).toBeInstanceOf(AlreadyPresent);

    const again = await stage.run(restartChild(sup, 'a'));
    expect(again).toBe(stage.ref('/sup/a'));
    expect(stage.starts['a']).toBe(2);
    expect(await stage.failure(restartChild(sup, 'a'))).toBeInstanceOf(ChildRunning);

    await stage.run(stopChild(sup, 'a'));
    await stage.run(deleteChild(sup, 'a'));
    expect(await stage.which(sup)).toEqual([]);
    expect(await stage.failure(restartChild(sup, 'a'))).toBeInstanceOf(ChildNotFound);
    expect(await stage.failure(deleteChild(sup, 'a'))).toBeInstanceOf(ChildNotFound);
    expect(await stage.failure(stopChild(sup, 'a'))).toBeInstanceOf(ChildNotFound);

    // A ref is no id here.
    const ref = await stage.run(startChild(sup, stage.spec('a')));
    const byRef = await stage.failure(junkCall(sup, { type: 'stopChild', ref }));
    expect(byRef).toBeInstanceOf(ChildNotFound);
    expect(stage.life('/sup/a')).toBe(1);

    await stage.run(sup.stop());
    expect(await stage.failure(whichChildren(sup))).toBeInstanceOf(NoSuchActor);
    expect(await stage.failure(countChildren(sup))).toBeInstanceOf(NoSuchActor);
    expect(await stage.failure(startChild(sup, stage.spec('b')))).toBeInstanceOf(NoSuchActor);
  });

  it('child_adm_simple: a dynamic supervisor knows its children by ref', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const stranger = await stage.start(stage.worker('s'), 'stranger');
    expect(await stage.which(sup)).toEqual([]);

    const a = await stage.run(startChild(sup, stage.spec('a')));
    const b = await stage.run(startChild(sup, stage.spec('b')));
    expect(await stage.which(sup)).toEqual(['b running', 'a running']);

    for (const type of ['stopChild', 'restartChild', 'deleteChild'])
      expect(await stage.failure(junkCall(sup, { type, id: 'a' }))).toBeInstanceOf(InvalidOption);
    expect(stage.lives('/sup', '/sup/a', '/sup/b')).toEqual([1, 1, 1]);

    await stage.run(stopChild(sup, a));
    expect(await stage.which(sup)).toEqual(['b running']);
    // It is dead already, and that is fine.
    await stage.run(stopChild(sup, a));
    expect(await stage.failure(stopChild(sup, stranger))).toBeInstanceOf(ChildNotFound);
    expect(stage.lives('/stranger', '/sup/b')).toEqual([1, 1]);

    await stage.run(sup.stop());
    expect(await stage.failure(stopChild(sup, b))).toBeInstanceOf(NoSuchActor);
  });

  it('extra_return: what a child hands over at its start comes with the answers, and is ignored on a restart', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: [], intensity: 2 }));
    const spec = stage.spec('a', { start: (ctx, life) => ctx.startInfo(`extra ${life}`) });
    const first = await stage.run(junkCall(sup, { type: 'startChild', spec }));
    expect(first).toMatchObject({ type: 'childStarted', info: 'extra 1' });
    expect((first as ChildStarted).ref).toBe(stage.ref('/sup/a'));

    await stage.end('crash', '/sup/a');
    expect(stage.life('/sup/a')).toBe(2);

    await stage.run(stopChild(sup, 'a'));
    const again = await stage.run(junkCall(sup, { type: 'restartChild', id: 'a' }));
    expect(again).toMatchObject({ type: 'childStarted', info: 'extra 3' });

    expect(await stage.failure(startChild(sup, spec))).toBeInstanceOf(AlreadyStarted);
    await stage.run(stopChild(sup, 'a'));
    expect(await stage.failure(startChild(sup, spec))).toBeInstanceOf(AlreadyPresent);
    await stage.run(deleteChild(sup, 'a'));
    expect(await stage.failure(restartChild(sup, 'a'))).toBeInstanceOf(ChildNotFound);
  });

  it('child_specs: each bad field of a spec has its own error, from a call and at the start', async () => {
    const stage = new Stage();
    const good = { id: 'a', logic: stage.worker('a') };
    const bad: readonly (readonly [field: string, change: object])[] = [
      ['id', { id: 5 }],
      ['id', { id: 'a/b' }],
      ['logic', { logic: () => undefined }],
      ['restart', { restart: 'prmanent' }],
      ['shutdown', { shutdown: -10 }],
      ['shutdown', { shutdown: Number.NaN }],
      ['shutdown', { shutdown: 'soon' }],
      ['type', { type: 'wrker' }],
      ['significant', { significant: 1 }],
      ['significant', { significant: true, restart: 'permanent' }],
    ];
    const sup = await stage.start(supervisor({ children: [] }), 'sup');
    for (const [field, change] of bad) {
      const spec = { ...good, ...change } as never;
      expect(await stage.failure(startChild(sup, spec))).toMatchObject({ field: `spec.${field}` });
      // A request that reaches the supervisor with such a spec does not harm it.
      const sent = await stage.failure(junkCall(sup, { type: 'startChild', spec }));
      expect(sent).toMatchObject({ code: 'INVALID_OPTION', field: `spec.${field}` });
      const options = { children: [{ ...good, id: 'z' }, spec] };
      const starting = stage.system.start(
        supervisor(() => options),
        { id: 'other' },
      );
      const failed = (await stage.failure(starting)) as StartFailed;
      expect(failed.cause).toMatchObject({ field: `children[1].${field}` });
      expect(stage.at('/other')).toBeUndefined();
    }
    expect(stage.life('/sup')).toBe(1);
    expect(() => supervisor({ children: good as never })).toThrow(
      expect.objectContaining({ field: 'children' }) as Error,
    );
    expect(() => supervisor({ children: [good, good] })).toThrow(
      expect.objectContaining({ field: 'children[1].id' }) as Error,
    );
    for (const shutdown of [0, 1, 5_000, 'infinity', 'brutal_kill'] as const)
      for (const restart of ['permanent', 'transient', 'temporary'] as const)
        for (const type of ['worker', 'supervisor'] as const)
          expect(child({ ...good, shutdown, restart, type })).toMatchObject({ shutdown, restart });
  });

  test.prop([
    fc.record(
      {
        restart: fc.constantFrom('permanent', 'transient', 'temporary'),
        shutdown: fc.constantFrom(0, 1, 1_000, 'infinity', 'brutal_kill'),
        type: fc.constantFrom('worker', 'supervisor'),
        significant: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    fc.constantFrom('never', 'any_significant', 'all_significant', undefined),
  ])(
    'child_specs_map: of all combinations, only those with a significant child that could never matter are refused',
    (fields, autoShutdown) => {
      const spec = {
        id: 'a',
        logic: new Stage().worker('a'),
        ...fields,
      } as ChildSpecOptions<never>;
      const options = {
        children: [spec],
        ...(autoShutdown !== undefined && { autoShutdown }),
      } as SupervisorOptions;
      const permanent = (fields.restart ?? 'permanent') === 'permanent';
      const never = (autoShutdown ?? 'never') === 'never';
      const refused = fields.significant === true && (permanent || never);
      if (!refused) supervisor(options);
      else {
        expect(() => supervisor(options)).toThrow(
          expect.objectContaining({ field: 'children[0].significant' }) as Error,
        );
      }
    },
  );

  it('sup_flags: each bad flag has its own error, at the call and at the start; an unknown flag too, which OTP ignores', async () => {
    const stage = new Stage();
    const bad: readonly (readonly [field: string, flags: object])[] = [
      ['strategy', { strategy: '_' }],
      ['strategy', { strategy: 'simple_one_for_one' }],
      ['intensity', { intensity: -1 }],
      ['intensity', { intensity: 1.5 }],
      ['intensity', { intensity: Infinity }],
      ['intensity', { intensity: 'infinity' }],
      ['periodMs', { periodMs: 0 }],
      ['periodMs', { periodMs: -1 }],
      ['periodMs', { periodMs: Infinity }],
      ['periodMs', { periodMs: '1' }],
      ['autoShutdown', { autoShutdown: 'sometimes' }],
      ['supervisor.unknown', { unknown: true }],
    ];
    for (const [field, flags] of bad) {
      const options = { children: [], ...flags } as unknown as SupervisorOptions;
      const named = expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error;
      expect(() => supervisor(options)).toThrow(named);
      const starting = stage.system.start(
        supervisor(() => options),
        { id: 'sup' },
      );
      expect(((await stage.failure(starting)) as StartFailed).cause).toMatchObject({ field });
      if (field === 'intensity' || field === 'periodMs')
        expect(() => dynamicSupervisor(flags)).toThrow(named);
    }
  });
});
