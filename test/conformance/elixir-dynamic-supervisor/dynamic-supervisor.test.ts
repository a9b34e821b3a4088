// Elixir's dynamic_supervisor_test, by behaviour: one test for each, titled after it. The behaviours
// are ported; no test code is copied. README.md says what is left out.
import { describe, expect, it } from 'vitest';
import {
  AlreadyStarted,
  ChildIgnored,
  ChildNotFound,
  InvalidOption,
  MaxChildren,
  StartFailed,
  child,
  countChildren,
  dynamicSupervisor,
  startChild,
  stopChild,
  supervisor,
  type AnyRef,
  type ChildSpecOptions,
  type DynamicSupervisorOptions,
} from 'troupe';
import {
  ENDS,
  NEVER,
  Stage,
  slowStop,
  type End,
  type WorkerContext,
  type WorkerParts,
} from '../../supervision/cast.ts';

async function setUp(options: DynamicSupervisorOptions = {}) {
  const stage = new Stage();
  const sup = await stage.start(dynamicSupervisor(options));
  const add = (id: string, parts: Parameters<Stage['spec']>[1] = {}) =>
    stage.run(startChild(sup, stage.spec(id, parts)));
  return { stage, sup, add };
}

const COUNT = { specs: 0, active: 0, supervisors: 0, workers: 0 };
const later = (how: (life: number) => void): WorkerParts => ({
  start: (_ctx, life) => {
    if (life > 1) how(life);
    return life;
  },
});
const cannot = (): never => {
  throw new Error('not yet');
};

describe('DynamicSupervisor', () => {
  it('can be supervised directly: it is the logic of a child, known as a supervisor, and two of them need two ids', async () => {
    const stage = new Stage();
    const logic = dynamicSupervisor();
    const one = child({ id: 'one', logic });
    const top = await stage.start(supervisor({ children: [one, child({ id: 'two', logic })] }));
    expect(one).toMatchObject({ type: 'supervisor', shutdown: 'infinity' });
    expect(await stage.which(top)).toEqual(['two running', 'one running']);
    expect(() => supervisor({ children: [one, one] })).toThrow(InvalidOption);
    expect(await stage.failure(startChild(top, one))).toBeInstanceOf(AlreadyStarted);
  });

  it('init, set default options: one_for_one, any number of children, and OTP’s one restart in 5 seconds, not Elixir’s three', async () => {
    const { stage, add, sup } = await setUp();
    for (let index = 0; index < 100; index += 1) await add(`w${index}`);
    expect((await stage.run(countChildren(sup))).active).toBe(100);
    await stage.end('crash', '/sup/w1');
    expect(stage.lives('/sup/w0', '/sup/w1', '/sup/w2')).toEqual([1, 2, 1]);
    await stage.system.advance(5_001);
    await stage.end('crash', '/sup/w2');
    expect(stage.life('/sup')).toBe(1);
    await stage.end('crash', '/sup/w3');
    expect(stage.reason('/sup')).toMatchObject({ type: 'shutdown' });
  });

  it.each([
    ['intensity', { intensity: -1 }],
    ['periodMs', { periodMs: 0 }],
    ['maxChildren', { maxChildren: -1 }],
    ['maxChildren', { maxChildren: 'many' }],
    ['autoShutdown', { autoShutdown: 'any_significant' }],
    ['dynamicSupervisor.strategy', { strategy: 'one_for_all' }],
  ])('start_link with non-ok init: a bad %s is refused by its name: %j', (field, options) => {
    expect(() => dynamicSupervisor(options as DynamicSupervisorOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error,
    );
  });

  it('start_link with registered process: a name that is taken fails the start, and stop is over when it returns', async () => {
    const stage = new Stage();
    const first = stage.system.spawn(dynamicSupervisor(), { id: 'sup', name: 'pool' });
    await stage.run(first.started());
    expect(() => stage.system.spawn(dynamicSupervisor(), { id: 'b', name: 'pool' })).toThrow(
      expect.objectContaining({ code: 'NAME_TAKEN' }) as Error,
    );
    expect(await stage.run(first.stop())).toEqual({ type: 'shutdown' });
    expect(stage.system.agents()).toEqual([]);
    expect(stage.system.whereis('pool')).toBeUndefined();
  });
});

describe('start_child', () => {
  it.each<readonly [field: string, change: object]>([
    ['spec.id', { id: 5 }],
    ['spec.logic', { logic: 'a module' }],
    ['spec.restart', { restart: 'sometimes' }],
    ['spec.shutdown', { shutdown: -1 }],
    ['spec.shutdown', { shutdown: 'soon' }],
    ['spec.type', { type: 'boss' }],
    ['spec.significant', { significant: 'yes' }],
  ])(
    'with invalid child spec: a bad %s is refused in the caller, before the supervisor hears of it: %j',
    async (field, change) => {
      const { stage, sup } = await setUp();
      const spec = { id: 'a', logic: stage.worker('a'), ...change } as never;
      const handled = () => stage.at('/sup')?.handled;
      const before = handled();
      expect(await stage.failure(startChild(sup, spec))).toMatchObject({
        code: 'INVALID_OPTION',
        field,
      });
      expect(handled()).toBe(before);
    },
  );

  it('with invalid child spec: a significant child is refused, for there is no auto-shutdown', async () => {
    const { stage, sup } = await setUp();
    const spec = stage.spec('a', { restart: 'transient', significant: true });
    expect(await stage.failure(startChild(sup, spec))).toMatchObject({ field: 'spec.significant' });
    expect(await stage.which(sup)).toEqual([]);
  });

  it('with different returns: a ref, a ref with an extra, nothing to do, an error and junk', async () => {
    const { stage, sup, add } = await setUp();
    expect(await add('ok')).toBe(stage.ref('/sup/ok'));
    const spec = stage.spec('extra', { start: (ctx) => ctx.startInfo('extra') });
    const asked = sup.ask({ type: 'startChild', spec });
    expect(await stage.run(asked)).toMatchObject({ ref: { path: '/sup/extra' }, info: 'extra' });
    const idle = stage.spec('idle', { start: (ctx) => ctx.ignore() });
    expect(await stage.failure(startChild(sup, idle))).toBeInstanceOf(ChildIgnored);
    for (const cause of [new Error('found'), 'junk', undefined]) {
      const failing = stage.spec('failing', {
        start: () => {
          throw cause;
        },
      });
      const error = (await stage.failure(startChild(sup, failing))) as StartFailed;
      expect(error).toBeInstanceOf(StartFailed);
      expect(error.cause).toBe(cause);
    }
    expect(await stage.which(sup)).toEqual(['extra running', 'ok running']);
  });

  it('with throw, error and exit in the start: the call fails with the cause, and the supervisor goes on', async () => {
    const { stage, sup, add } = await setUp();
    const thrown = (value: unknown) => (): never => {
      throw value;
    };
    const killed = (ctx: WorkerContext) => (void ctx.self.kill(), NEVER);
    const ways: readonly (readonly [WorkerParts['start'] & object, unknown])[] = [
      [thrown('a value'), 'a value'],
      [thrown(ENDS.crash.error), ENDS.crash.error],
      [() => Promise.reject(ENDS.crash.error), ENDS.crash.error],
      [killed, new Error('it ended (killed) while it started')],
    ];
    for (const [start, cause] of ways) {
      const error = await stage.failure(startChild(sup, stage.spec('a', { start })));
      expect(error).toMatchObject({ code: 'START_FAILED', path: '/sup/a' });
      expect((error as StartFailed).cause).toEqual(cause);
    }
    expect(stage.life('/sup')).toBe(1);
    expect(await stage.which(sup)).toEqual([]);
    await add('a');
    expect(await stage.which(sup)).toEqual(['a running']);
  });

  it('with max_children: one more is refused, and a place that is given up is free again', async () => {
    const { stage, sup, add } = await setUp({ maxChildren: 1 });
    const a = await add('a', { restart: 'temporary' });
    expect(await stage.failure(startChild(sup, stage.spec('b')))).toBeInstanceOf(MaxChildren);
    await stage.run(stopChild(sup, a));
    const b = await add('b', { restart: 'temporary' });
    await stage.run(b.kill());
    await add('c');
    const none = await stage.start(dynamicSupervisor({ maxChildren: 0 }), 'none');
    expect(await stage.failure(startChild(none, stage.spec('a')))).toBeInstanceOf(MaxChildren);
  });

  it('with max_children: a child that nothing was to do for takes no place, one that is being restarted holds its', async () => {
    const { stage, sup, add } = await setUp({ maxChildren: 1, intensity: 1_000 });
    const idle = stage.spec('idle', { start: (ctx) => ctx.ignore() });
    await stage.failure(startChild(sup, idle));
    let stuck = true;
    await add('a', {
      *start(ctx, life): Generator<never, number, unknown> {
        if (life > 1) yield* ctx.sleep(100) as Iterable<never>;
        if (life > 1 && stuck) throw new Error('stuck');
        return life;
      },
    });
    await stage.end('crash', '/sup/a');
    await stage.system.advance(1_000);
    expect(await stage.failure(startChild(sup, stage.spec('b')))).toBeInstanceOf(MaxChildren);
    stuck = false;
    await stage.system.advance(1_000);
    expect(await stage.which(sup)).toEqual(['a running']);
  });

  it.each<
    readonly [restart: NonNullable<ChildSpecOptions<never>['restart']>, restarted: readonly End[]]
  >([
    ['temporary', []],
    ['transient', ['crash', 'kill']],
    ['permanent', ['normal', 'shutdown', 'shutdown with a detail', 'crash', 'kill']],
  ])(
    'a %s child is restarted after these ends, and forgotten after any other: %j',
    async (restart, restarted) => {
      for (const how of Object.keys(ENDS) as End[]) {
        const { stage, sup, add } = await setUp();
        await add('a', { restart });
        await stage.end(how, '/sup/a');
        const back = restarted.includes(how);
        expect(await stage.which(sup)).toEqual(back ? ['a running'] : []);
        expect(await stage.run(countChildren(sup))).toEqual(
          back ? { ...COUNT, specs: 1, active: 1, workers: 1 } : COUNT,
        );
        if (!back) await add('a', { restart });
      }
    },
  );
});

describe('the restart of a child', () => {
  it('child is restarted with different values: nothing to do removes it; what fails is restarting, counted and not active', async () => {
    const { stage, sup, add } = await setUp({ intensity: 1_000 });
    await add('idle', { start: (ctx, life) => (life > 1 ? ctx.ignore() : undefined) });
    await stage.end('crash', '/sup/idle');
    expect(await stage.which(sup)).toEqual([]);
    const backoff = { minMs: 10, maxMs: 10, jitter: 0 };
    await add('a', { ...later((life) => (life < 4 ? cannot() : undefined)), backoff });
    await stage.end('crash', '/sup/a');
    await stage.system.advance(10);
    expect(stage.starts['a']).toBe(2);
    expect(await stage.which(sup)).toEqual(['a restarting']);
    expect(await stage.run(countChildren(sup))).toEqual({ ...COUNT, specs: 1, workers: 1 });
    await stage.system.advance(100);
    expect(stage.life('/sup/a')).toBe(4);
    expect(await stage.which(sup)).toEqual(['a running']);
  });

  it('restarting children counted in max_restarts: each try that fails counts, and one too many ends the supervisor with shutdown', async () => {
    const { stage, add } = await setUp({ intensity: 3 });
    await add('a', later(cannot));
    await stage.end('crash', '/sup/a');
    await stage.now();
    expect(stage.starts['a']).toBe(4);
    expect(stage.reason('/sup')).toMatchObject({
      type: 'shutdown',
      cause: { code: 'RESTART_INTENSITY_REACHED', limit: 'intensity' },
    });
  });

  it('child is restarted when trying again', async () => {
    const { stage, add, sup } = await setUp({ intensity: 3 });
    await add(
      'a',
      later((life) => (life < 4 ? cannot() : undefined)),
    );
    await stage.end('crash', '/sup/a');
    await stage.now();
    expect(await stage.which(sup)).toEqual(['a running']);
    expect(stage.starts['a']).toBe(4);
  });

  it('child triggers maximum restarts: the crashes of all children count together', async () => {
    const { stage, add } = await setUp({ intensity: 2 });
    for (const id of ['a', 'b', 'c']) await add(id);
    await stage.end('crash', '/sup/a');
    await stage.end('crash', '/sup/b');
    expect(stage.lives('/sup/a', '/sup/b', '/sup/c')).toEqual([2, 2, 1]);
    await stage.end('crash', '/sup/c');
    expect(stage.reason('/sup')?.type).toBe('shutdown');
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
  });
});

describe('terminate', () => {
  it('with all kinds of children: each is stopped as its own spec says, all at the same time', async () => {
    const { stage, sup, add } = await setUp();
    const ended = (id: string) => stage.reason(`/sup/${id}`);
    await add('brutal', { shutdown: 'brutal_kill', stop: slowStop(10_000) });
    await add('infinity', { shutdown: 'infinity', stop: slowStop(300) });
    await add('integer', { shutdown: 200, stop: slowStop(100) });
    await add('expired', { shutdown: 200, stop: slowStop(10_000) });
    await add('zero', { shutdown: 0, stop: slowStop(10_000) });
    await add('throws', {
      stop: () => {
        throw new Error('in the cleanup');
      },
    });
    const reason = await stage.run(sup.stop());
    expect(stage.system.nowMs).toBe(300);
    expect(reason).toEqual({ type: 'shutdown' });
    for (const id of ['infinity', 'integer', 'throws'])
      expect(ended(id)).toEqual({ type: 'shutdown' });
    for (const id of ['brutal', 'expired', 'zero']) expect(ended(id)).toEqual({ type: 'killed' });
    const reported = stage.reported('shutdown_error').map(({ fields }) => fields);
    expect(reported).toMatchObject([{ reason: 'killed', count: 2 }]);
  });

  it('with abnormal reason: what ends by itself while it is stopped keeps its reason and is reported; a permanent child’s normal end too', async () => {
    const { stage, sup, add } = await setUp();
    const end = (how: End, id: string) =>
      stage.ref(`/sup/${id}`).send({ type: 'end', reason: ENDS[how] });
    await add('permanent');
    await add('transient', { restart: 'transient' });
    await add('crashing', { restart: 'temporary' });
    end('normal', 'permanent');
    end('normal', 'transient');
    end('crash', 'crashing');
    await stage.run(sup.stop());
    const ids = ['permanent', 'transient', 'crashing'];
    expect(ids.map((id) => stage.reason(`/sup/${id}`)?.type)).toEqual([
      'normal',
      'normal',
      'crash',
    ]);
    expect(stage.reason('/sup')).toEqual({ type: 'shutdown' });
    expect(stage.starts).toEqual({ permanent: 1, transient: 1, crashing: 1 });
    expect(stage.reported('shutdown_error').map(({ fields }) => fields)).toMatchObject([
      { child: { id: 'permanent' }, reason: 'normal' },
      { child: { id: 'crashing' }, reason: 'crash', err: ENDS.crash.error },
    ]);
  });

  it('with valid shutdown: 0 and 1 are legal', async () => {
    const { stage, sup, add } = await setUp();
    await add('zero', { shutdown: 0 });
    await add('one', { shutdown: 1 });
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
  });
});

describe('terminate_child', () => {
  it('stops a child by its ref and forgets it; a second stop is no error, as in OTP and unlike Elixir', async () => {
    const { stage, sup, add } = await setUp();
    const a = await add('a');
    await stage.run(stopChild(sup, a));
    expect(stage.reason('/sup/a')).toEqual({ type: 'shutdown' });
    expect(await stage.which(sup)).toEqual([]);
    await stage.run(stopChild(sup, a));
  });

  it('refuses an id, and the ref of a stranger, whom it leaves alone', async () => {
    const { stage, sup, add } = await setUp();
    await add('a');
    const byId = stopChild(sup as never, 'a');
    expect(await stage.failure(byId)).toBeInstanceOf(InvalidOption);
    const stranger: AnyRef = await stage.start(stage.worker('s'), 'stranger');
    expect(await stage.failure(stopChild(sup, stranger))).toBeInstanceOf(ChildNotFound);
    expect(stage.lives('/sup/a', '/stranger')).toEqual([1, 1]);
  });

  it('stops a child that is being restarted, and its tries end', async () => {
    const { stage, sup, add } = await setUp({ intensity: 1_000 });
    const backoff = { minMs: 100, maxMs: 100, jitter: 0 };
    const a = await add('a', { ...later(cannot), backoff });
    await stage.end('crash', '/sup/a');
    await stage.system.advance(250);
    expect(await stage.which(sup)).toEqual(['a restarting']);
    const tries = stage.starts['a'];
    await stage.run(stopChild(sup, a));
    await stage.system.advance(10_000);
    expect(stage.starts['a']).toBe(tries);
    expect(await stage.run(countChildren(sup))).toEqual(COUNT);
  });
});
