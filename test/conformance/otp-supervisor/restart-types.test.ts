// OTP's supervisor_SUITE, group restart types. Each test bears the name of its case.
import { describe, expect, it } from 'vitest';
import {
  StartFailed,
  child,
  countChildren,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  type Restart,
} from 'troupe';
import { Stage, type End } from '../../supervision/cast.ts';

/** A supervisor with one child `a` of this type. */
async function stageWith(restart: Restart) {
  const stage = new Stage();
  const sup = await stage.start(
    supervisor({ intensity: 10, children: [stage.spec('a', { restart })] }),
  );
  return { stage, sup };
}

const CLEAN: readonly End[] = ['normal', 'shutdown', 'shutdown with a detail'];
const SHUTDOWN: readonly End[] = ['shutdown', 'shutdown with a detail'];
const ABNORMAL: readonly End[] = ['crash', 'kill'];

/** A child that is restarted, and reported: a permanent one even after a clean end. */
async function isRestarted(restart: Restart, how: End): Promise<void> {
  const { stage, sup } = await stageWith(restart);
  await stage.end(how, '/sup/a');
  expect(stage.life('/sup/a')).toBe(2);
  expect(await stage.which(sup)).toEqual(['a running']);
  expect(await stage.run(countChildren(sup))).toMatchObject({ specs: 1, active: 1, workers: 1 });
  expect(stage.reported('child_terminated')).toMatchObject([
    { level: 'error', fields: { child: { id: 'a', restart } } },
  ]);
}

/** A transient child that stays down and is not reported; its spec is kept. */
async function isKept(how: End): Promise<void> {
  const { stage, sup } = await stageWith('transient');
  await stage.end(how, '/sup/a');
  expect(stage.at('/sup/a')).toBeUndefined();
  expect(await stage.which(sup)).toEqual(['a undefined']);
  expect(await stage.run(countChildren(sup))).toEqual({
    specs: 1,
    active: 0,
    supervisors: 0,
    workers: 1,
  });
  expect(stage.reported('child_terminated')).toEqual([]);
  await stage.run(restartChild(sup, 'a'));
  expect(stage.starts['a']).toBe(2);
}

/** A temporary child that is forgotten, and reported after an abnormal end; its id is free. */
async function isForgotten(how: End): Promise<void> {
  const { stage, sup } = await stageWith('temporary');
  await stage.end(how, '/sup/a');
  expect(await stage.which(sup)).toEqual([]);
  expect(await stage.run(countChildren(sup))).toMatchObject({ specs: 0, active: 0 });
  expect(stage.reported('child_terminated')).toHaveLength(CLEAN.includes(how) ? 0 : 1);
  await stage.run(startChild(sup, stage.spec('a', { restart: 'temporary' })));
  expect(stage.life('/sup/a')).toBe(1);
  expect(stage.starts['a']).toBe(2);
}

describe('restart types and exit reasons', () => {
  it('external_start_no_progress_log: the progress of a child that is added is debug, at the start and after a crash it is info', async () => {
    const { stage, sup } = await stageWith('permanent');
    const levels = () => stage.reported('progress').map(({ level }) => level);
    expect(levels()).toEqual(['info']);
    await stage.run(startChild(sup, stage.spec('b')));
    expect(levels()).toEqual(['info', 'debug']);
    await stage.run(stopChild(sup, 'b'));
    await stage.run(restartChild(sup, 'b'));
    expect(levels()).toEqual(['info', 'debug', 'debug']);
    await stage.end('crash', '/sup/b');
    expect(levels()).toEqual(['info', 'debug', 'debug', 'info']);
    const progress = stage.lines.filter(({ message }) => message === 'supervisor/progress');
    expect(progress.map(({ level }) => level)).toEqual(levels());
  });

  it('permanent_normal: a permanent child is restarted after a normal end', () =>
    isRestarted('permanent', 'normal'));

  it('transient_normal: a transient child is not restarted after a normal end, and its spec is kept', () =>
    isKept('normal'));

  it('temporary_normal: a temporary child is not restarted after a normal end, and is forgotten', () =>
    isForgotten('normal'));

  it.each(SHUTDOWN)('permanent_shutdown: a permanent child is restarted after %s', (how) =>
    isRestarted('permanent', how),
  );

  it.each(SHUTDOWN)('transient_shutdown: a transient child is not restarted after %s', isKept);

  it.each(SHUTDOWN)('temporary_shutdown: a temporary child is forgotten after %s', isForgotten);

  it('faulty_application_shutdown: a tree that cannot start rejects with the path of the child and the first cause', async () => {
    const stage = new Stage();
    const cause = new Error('the true cause');
    const inner = supervisor({
      children: [
        stage.spec('good'),
        stage.spec('bad', {
          start: () => {
            throw cause;
          },
        }),
      ],
    });
    const app = supervisor({
      children: [stage.spec('first'), child({ id: 'inner', logic: inner })],
    });
    const error = (await stage.failure(stage.system.start(app, { id: 'app' }))) as StartFailed;
    expect(error).toBeInstanceOf(StartFailed);
    expect(error.path).toBe('/app/inner/bad');
    expect(error.cause).toBe(cause);
    // What had been started was stopped in reverse order.
    expect(stage.diary.filter((line) => line.startsWith('end'))).toEqual([
      'end /app/inner/bad 1 crash',
      'end /app/inner/good 1 shutdown',
      'end /app/inner 1 crash',
      'end /app/first 1 shutdown',
      'end /app 1 crash',
    ]);
    expect(stage.system.agents()).toEqual([]);
    expect(stage.reported('start_error').map(({ path }) => path)).toEqual(['/app/inner', '/app']);
  });

  it.each(ABNORMAL)('permanent_abnormal: a permanent child is restarted after a %s', (how) =>
    isRestarted('permanent', how),
  );

  it.each(ABNORMAL)('transient_abnormal: a transient child is restarted after a %s', (how) =>
    isRestarted('transient', how),
  );

  it.each(ABNORMAL)('temporary_abnormal: a temporary child is forgotten after a %s', isForgotten);
});
