// OTP's supervisor_SUITE, group auto_shutdown. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import {
  child,
  dynamicSupervisor,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  type ChildSpec,
  type Restart,
  type Strategy,
  type SupervisorOptions,
} from 'troupe';
import { Stage, type End } from '../../supervision/cast.ts';

type Mode = NonNullable<SupervisorOptions['autoShutdown']>;
const MODES: readonly Mode[] = ['never', 'any_significant', 'all_significant'];
const ALL: readonly End[] = ['normal', 'shutdown', 'shutdown with a detail', 'crash', 'kill'];
const CLEAN = ALL.slice(0, 3);
const ABNORMAL = ALL.slice(3);

const start = (
  stage: Stage,
  autoShutdown: Mode,
  children: readonly ChildSpec[],
  strategy: Strategy = 'one_for_one',
) => stage.start(supervisor({ autoShutdown, intensity: 10, strategy, children }));

const significant = (stage: Stage, id: string, restart: Restart) =>
  stage.spec(id, { restart, significant: true });

/** The supervisor has ended in an orderly way, and without a word. */
function expectShutDown(stage: Stage): void {
  expect(stage.at('/sup')).toBeUndefined();
  expect(stage.reason('/sup')).toEqual({ type: 'shutdown' });
  expect(stage.reported('shutdown')).toEqual([]);
}

describe('auto-shutdown', () => {
  it('nonsignificant_temporary: the end of a child that is not significant never ends its supervisor', async () => {
    for (const mode of MODES) {
      for (const how of ALL) {
        const stage = new Stage();
        const sup = await start(stage, mode, [
          stage.spec('a', { restart: 'temporary' }),
          stage.spec('b', { restart: 'temporary' }),
        ]);
        await stage.end(how, '/sup/a');
        await stage.end(how, '/sup/b');
        expect(stage.life('/sup')).toBe(1);
        expect(await stage.which(sup)).toEqual([]);
      }
    }
  });

  it('nonsignificant_transient: nor that of a transient one, which an abnormal end restarts', async () => {
    for (const mode of MODES) {
      for (const how of ALL) {
        const stage = new Stage();
        await start(stage, mode, [stage.spec('a', { restart: 'transient' })]);
        await stage.end(how, '/sup/a');
        expect(stage.life('/sup')).toBe(1);
        expect(stage.life('/sup/a')).toBe(ABNORMAL.includes(how) ? 2 : undefined);
      }
    }
  });

  it('significant_temporary: any_significant: every own end of a significant temporary child ends the supervisor, a stop on request does not', async () => {
    for (const how of ALL) {
      const stage = new Stage();
      await start(stage, 'any_significant', [
        significant(stage, 'a', 'temporary'),
        stage.spec('b'),
        significant(stage, 'c', 'temporary'),
      ]);
      stage.takeDiary();
      await stage.end(how, '/sup/a');
      expectShutDown(stage);
      // The rest is stopped in reverse order.
      expect(stage.takeDiary().slice(1)).toEqual([
        'end /sup/c 1 shutdown',
        'end /sup/b 1 shutdown',
        'end /sup 1 shutdown',
      ]);
    }
    const stage = new Stage();
    const sup = await start(stage, 'any_significant', [significant(stage, 'a', 'temporary')]);
    await stage.run(stopChild(sup, 'a'));
    expect(stage.life('/sup')).toBe(1);
  });

  it('significant_temporary: all_significant: only the end of the last one does', async () => {
    for (const how of ALL) {
      const stage = new Stage();
      const sup = await start(stage, 'all_significant', [
        significant(stage, 'a', 'temporary'),
        significant(stage, 'b', 'temporary'),
        significant(stage, 'c', 'temporary'),
        stage.spec('d'),
      ]);
      await stage.end(how, '/sup/a');
      await stage.run(stopChild(sup, 'b'));
      expect(stage.life('/sup')).toBe(1);
      await stage.end(how, '/sup/c');
      expectShutDown(stage);
    }
    const stage = new Stage();
    const sup = await start(stage, 'all_significant', [significant(stage, 'a', 'temporary')]);
    await stage.run(stopChild(sup, 'a'));
    expect(stage.life('/sup')).toBe(1);
  });

  it('significant_transient: an abnormal end restarts a significant transient child, a clean one ends the supervisor', async () => {
    for (const mode of ['any_significant', 'all_significant'] as const) {
      for (const how of ABNORMAL) {
        const stage = new Stage();
        await start(stage, mode, [significant(stage, 'a', 'transient')]);
        await stage.end(how, '/sup/a');
        expect(stage.lives('/sup', '/sup/a')).toEqual([1, 2]);
      }
      for (const how of CLEAN) {
        const stage = new Stage();
        const sup = await start(stage, mode, [
          significant(stage, 'a', 'transient'),
          significant(stage, 'b', 'transient'),
        ]);
        await stage.run(stopChild(sup, 'b'));
        expect(stage.life('/sup')).toBe(1);
        await stage.run(restartChild(sup, 'b'));
        await stage.end(how, '/sup/a');
        if (mode === 'all_significant') {
          expect(stage.life('/sup')).toBe(1);
          await stage.end(how, '/sup/b');
        }
        expectShutDown(stage);
      }
    }
  });

  it('significant_simple: a dynamic supervisor with auto-shutdown, and a significant child of one, are refused', async () => {
    for (const autoShutdown of ['any_significant', 'all_significant'])
      expect(() => dynamicSupervisor({ autoShutdown } as object)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', field: 'autoShutdown' }) as Error,
      );
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor({ autoShutdown: 'never' } as object));
    const refused = await stage.failure(startChild(sup, significant(stage, 'a', 'temporary')));
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', field: 'spec.significant' });
    expect(stage.life('/sup')).toBe(1);
  });

  it('significant_bystander: a significant child that ends because of a sibling does not end the supervisor', async () => {
    for (const mode of ['any_significant', 'all_significant'] as const) {
      for (const strategy of ['one_for_all', 'rest_for_one'] as const) {
        const stage = new Stage();
        const sup = await start(
          stage,
          mode,
          [
            stage.spec('a'),
            significant(stage, 'b', 'temporary'),
            significant(stage, 'c', 'transient'),
          ],
          strategy,
        );
        await stage.end('crash', '/sup/a');
        expect(stage.lives('/sup', '/sup/a', '/sup/c')).toEqual([1, 2, 2]);
        // The temporary one is not brought back.
        expect(await stage.which(sup)).toEqual(['c running', 'a running']);
      }
    }
  });

  it('significant_escalation: the auto-shutdown of a significant supervisor ends its parent too', async () => {
    for (const isSignificant of [true, false]) {
      const stage = new Stage();
      const inner = supervisor({
        autoShutdown: 'any_significant',
        children: [significant(stage, 'a', 'transient')],
      });
      await stage.start(
        supervisor({
          autoShutdown: 'any_significant',
          children: [
            stage.spec('b'),
            child({
              id: 'inner',
              logic: inner,
              restart: 'transient',
              significant: isSignificant,
            }),
          ],
        }),
      );
      await stage.end('normal', '/sup/inner/a');
      expect(stage.at('/sup/inner')).toBeUndefined();
      if (isSignificant) expectShutDown(stage);
      else expect(stage.lives('/sup', '/sup/b')).toEqual([1, 1]);
    }
  });

  it('a significant child is refused where it could never matter, also when it is added', async () => {
    const stage = new Stage();
    const sup = await start(stage, 'never', []);
    const refused = await stage.failure(startChild(sup, significant(stage, 'a', 'temporary')));
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', field: 'spec.significant' });
    const any = await stage.start(
      supervisor({ autoShutdown: 'any_significant', children: [] }),
      'any',
    );
    await stage.run(startChild(any, significant(stage, 'a', 'temporary')));
    await stage.end('normal', '/any/a');
    expect(stage.at('/any')).toBeUndefined();
  });
});
