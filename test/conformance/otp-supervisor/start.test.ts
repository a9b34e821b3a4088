// OTP's supervisor_SUITE, group sup_start. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import {
  ChildIgnored,
  InvalidOption,
  StartFailed,
  child,
  countChildren,
  dynamicSupervisor,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  type ChildSpec,
} from 'troupe';
import { Stage } from '../../supervision/cast.ts';

const ignoring = { start: (ctx: { ignore(): void }) => ctx.ignore() };

/** Asks as `start_child` does, so that the whole reply can be seen. */
const ask = (supervisor: { ask: (request: never) => Promise<unknown> }, spec: ChildSpec) =>
  supervisor.ask({ type: 'startChild', spec } as never);

describe('sup_start', () => {
  it('sup_start_normal: a supervisor without children starts, and ends with shutdown when told to', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: [] }));
    expect(stage.life('/sup')).toBe(1);
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(stage.at('/sup')).toBeUndefined();
  });

  it('sup_start_ignore_init: options that say there is nothing to do are no failure, and nobody is told of a crash', async () => {
    const stage = new Stage();
    const nothing = supervisor(() => undefined);
    await stage.start(nothing);
    expect(stage.at('/sup')).toBeUndefined();
    const parent = await stage.start(supervisor({ children: [] }), 'parent');
    const spec = child({ id: 'inner', logic: nothing });
    expect(await stage.run(ask(parent, spec))).toMatchObject({ ref: undefined });
    expect(await stage.which(parent)).toEqual(['inner undefined']);
    expect(stage.reports).toEqual([]);
    expect(stage.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('sup_start_ignore_child: the spec of a permanent child that ignores is kept, without a ref', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: stage.specs('a') }));
    const reply = await stage.run(ask(sup, stage.spec('b', ignoring)));
    expect(reply).toEqual({ type: 'childStarted', ref: undefined, info: undefined });
    expect(await stage.which(sup)).toEqual(['b undefined', 'a running']);
    expect(await stage.run(countChildren(sup))).toEqual({
      specs: 2,
      active: 1,
      supervisors: 0,
      workers: 2,
    });
    expect(await stage.failure(restartChild(sup, 'b'))).toBeInstanceOf(ChildIgnored);
  });

  it('sup_start_ignore_temporary_child: the spec of a temporary child that ignores at the start is not kept', async () => {
    const stage = new Stage();
    const sup = await stage.start(
      supervisor({
        children: [stage.spec('a', { ...ignoring, restart: 'temporary' }), stage.spec('b')],
      }),
    );
    expect(await stage.which(sup)).toEqual(['b running']);
    expect((await stage.run(countChildren(sup))).specs).toBe(1);
  });

  it('sup_start_ignore_temporary_child_start_child: nor is that of one that is added', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: stage.specs('b') }));
    const spec = stage.spec('a', { ...ignoring, restart: 'temporary' });
    expect(await stage.run(ask(sup, spec))).toMatchObject({ ref: undefined });
    expect(await stage.which(sup)).toEqual(['b running']);
  });

  it.each([
    ['sup_start_ignore_temporary_child_start_child_simple', 'temporary'],
    ['sup_start_ignore_permanent_child_start_child_simple', 'permanent'],
  ] as const)(
    '%s: a dynamic supervisor records nothing of a %s child that ignores',
    async (_name, restart) => {
      const stage = new Stage();
      const sup = await stage.start(dynamicSupervisor());
      await stage.run(startChild(sup, stage.spec('a')));
      const spec = stage.spec('b', { ...ignoring, restart });
      expect(await stage.run(ask(sup, spec))).toMatchObject({ ref: undefined });
      expect(await stage.which(sup)).toEqual(['a running']);
      expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
      expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    },
  );

  it('sup_start_error_return: junk in place of options is a typed error of the start', async () => {
    const stage = new Stage();
    for (const junk of [42, null, 'options', { children: 'a' }]) {
      const logic = supervisor(() => junk as never);
      const error = (await stage.failure(stage.system.start(logic, { id: 'sup' }))) as StartFailed;
      expect(error).toBeInstanceOf(StartFailed);
      expect(error.cause).toBeInstanceOf(InvalidOption);
      expect(stage.at('/sup')).toBeUndefined();
    }
    expect(() => supervisor(42 as never)).toThrow(InvalidOption);
  });

  it('sup_start_fail: what the options function throws is the cause of the failed start, stack included', async () => {
    const stage = new Stage();
    const cause = new Error('no options today');
    const logic = supervisor(() => {
      throw cause;
    });
    const error = (await stage.failure(stage.system.start(logic, { id: 'sup' }))) as StartFailed;
    expect(error).toBeInstanceOf(StartFailed);
    expect(error.path).toBe('/sup');
    expect(error.cause).toBe(cause);
    expect((error.cause as Error).stack).toContain('no options today');
  });

  it('sup_start_child_returns_error: a child that cannot start is refused with its spec named, and discarded', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: stage.specs('a') }));
    for (const cause of [new Error('reason'), 'junk', undefined]) {
      const failing = stage.spec('b', {
        start: () => {
          throw cause;
        },
      });
      const error = (await stage.failure(startChild(sup, failing))) as StartFailed;
      expect(error).toBeInstanceOf(StartFailed);
      expect(error.path).toBe('/sup/b');
      expect(error.cause).toBe(cause);
      expect(await stage.which(sup)).toEqual(['a running']);
      expect(stage.at('/sup/b')).toBeUndefined();
    }
    expect(stage.reported('start_error')).toHaveLength(3);
  });

  it('sup_start_restart_child_returns_error: after a failed restart on request the spec stays', async () => {
    const stage = new Stage();
    const cause = new Error('reason');
    const sup = await stage.start(
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
    await stage.run(stopChild(sup, 'a'));
    const error = (await stage.failure(restartChild(sup, 'a'))) as StartFailed;
    expect(error).toBeInstanceOf(StartFailed);
    expect(error.cause).toBe(cause);
    expect(await stage.which(sup)).toEqual(['a undefined']);
    expect(stage.life('/sup')).toBe(1);
  });

  it('sup_start_child_returns_error_simple: a dynamic supervisor records nothing of a child that cannot start', async () => {
    const stage = new Stage();
    const cause = new Error('reason');
    const sup = await stage.start(dynamicSupervisor());
    const spec = stage.spec('a', {
      start: () => {
        throw cause;
      },
    });
    const error = (await stage.failure(startChild(sup, spec))) as StartFailed;
    expect(error.cause).toBe(cause);
    expect(await stage.which(sup)).toEqual([]);
    expect(stage.at('/sup/a')).toBeUndefined();
  });
});
