// Each error term of OTP's `supervisor` and the error that stands for it here: thrown at the call
// where OTP's start returns it for flags and specs, and what a request rejects with where OTP's call
// returns it. Two terms that OTP tells apart are told apart here.
//
// `modules` is for release handling and has no counterpart, so neither have its two terms.
import { describe, expect, it } from 'vitest';
import {
  AlreadyPresent,
  AlreadyStarted,
  AskedByStartingChild,
  ChildIgnored,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
  InvalidOption,
  MaxChildren,
  NoSuchActor,
  StartFailed,
  child,
  deleteChild,
  dynamicSupervisor,
  getChildSpec,
  restartChild,
  startChild,
  stopChild,
  supervisor,
  whichChildren,
  type AnyRef,
  type ChildSpec,
  type Ref,
  type RefFrom,
  type SupervisorLogic,
  type SupervisorOptions,
} from 'troupe';
import { Stage } from './cast.ts';

const logic = new Stage().worker('a');
const good = { id: 'a', logic };

/** A term of the start of a supervisor: the flags, and what is wrong with them. */
const flags: readonly (readonly [term: string, options: unknown, field: string])[] = [
  ['{invalid_strategy, V}', { children: [], strategy: 'all_for_one' }, 'strategy'],
  ['{invalid_intensity, V}', { children: [], intensity: -1 }, 'intensity'],
  ['{invalid_period, V}', { children: [], periodMs: 0 }, 'periodMs'],
  ['{invalid_auto_shutdown, V}', { children: [], autoShutdown: 'soon' }, 'autoShutdown'],
  ['{invalid_type, V}', 'flags', 'supervisor'],
  ['{bad_start_spec, Specs}', { children: good }, 'children'],
  ['{invalid_child_spec, X}', { children: ['junk'] }, 'children[0]'],
  ['missing_id', { children: [{ logic }] }, 'children[0].id'],
  ['missing_start', { children: [{ id: 'a' }] }, 'children[0].logic'],
  ['{invalid_mfa, X}', { children: [{ id: 'a', logic: {} }] }, 'children[0].logic'],
  ['{invalid_restart_type, X}', { children: [{ ...good, restart: 'no' }] }, 'children[0].restart'],
  ['{invalid_shutdown, X}', { children: [{ ...good, shutdown: -1 }] }, 'children[0].shutdown'],
  ['{invalid_child_type, X}', { children: [{ ...good, type: 'boss' }] }, 'children[0].type'],
  [
    '{invalid_significant, X}',
    { children: [{ ...good, significant: 1 }] },
    'children[0].significant',
  ],
  ['{duplicate_child_name, Id}', { children: [good, good] }, 'children[1].id'],
  [
    '{bad_combination, [{auto_shutdown, never}, {significant, true}]}',
    { children: [{ ...good, restart: 'transient', significant: true }] },
    'children[0].significant',
  ],
  [
    '{bad_combination, [{restart, permanent}, {significant, true}]}',
    { autoShutdown: 'any_significant', children: [{ ...good, significant: true }] },
    'children[0].significant',
  ],
];

describe('an error term of the start of a supervisor', () => {
  it.each(flags)('%s is thrown at the call, and names its field', (_term, options, field) => {
    expect(() => supervisor(options as SupervisorOptions)).toThrow(InvalidOption);
    expect(() => supervisor(options as SupervisorOptions)).toThrow(
      expect.objectContaining({ field }) as Error,
    );
  });

  it.each(flags)(
    '%s fails the start when its options are made then',
    async (_term, options, field) => {
      const stage = new Stage();
      const late = supervisor(() => options as SupervisorOptions);
      const error = await stage.failure(stage.system.start(late, { id: 'sup' }));
      expect(error).toBeInstanceOf(StartFailed);
      expect(error).toMatchObject({ path: '/sup', cause: { code: 'INVALID_OPTION', field } });
      expect(stage.system.agents()).toEqual([]);
    },
  );

  it('is told from every other', () => {
    const messages = flags.map(([, options]) => {
      try {
        supervisor(options as SupervisorOptions);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    });
    expect(new Set(messages).size).toBe(flags.length);
  });

  it('of a spec is thrown by child(…) too: a spec that is made is right', () => {
    const specs: readonly (readonly [spec: unknown, field: string])[] = [
      ['junk', 'child'],
      [{ logic }, 'child.id'],
      [{ id: 'a' }, 'child.logic'],
      [{ ...good, restart: 'no' }, 'child.restart'],
      [{ ...good, significant: true }, 'child.significant'],
    ];
    for (const [spec, field] of specs)
      expect(() => child(spec as never)).toThrow(expect.objectContaining({ field }) as Error);
  });

  it('{bad_combination, …} of a dynamic supervisor with an auto-shutdown, and {bad_start_spec, …} of one with a list', () => {
    const made = (options: object) => () => dynamicSupervisor(options);
    expect(made({ autoShutdown: 'any_significant' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', field: 'autoShutdown' }) as Error,
    );
    expect(made({ children: [] })).toThrow(
      expect.objectContaining({ field: 'dynamicSupervisor.children' }) as Error,
    );
  });

  it('{bad_return, …}: what a function gives in place of options', async () => {
    const stage = new Stage();
    const error = await stage.failure(
      stage.system.start(
        supervisor(() => 42 as never),
        { id: 'sup' },
      ),
    );
    expect(error).toMatchObject({ code: 'START_FAILED', cause: { field: 'supervisor' } });
  });

  it('{shutdown, {failed_to_start_child, Id, Reason}}: the path of the child and the first cause, through any depth', async () => {
    const stage = new Stage();
    const cause = new Error('no port');
    const leaf = supervisor({
      children: [
        stage.spec('ok'),
        stage.spec('bad', {
          start: () => {
            throw cause;
          },
        }),
      ],
    });
    const tree = supervisor({ children: [child({ id: 'leaf', logic: leaf })] });
    const error = await stage.failure(stage.system.start(tree, { id: 'top' }));
    expect(error).toBeInstanceOf(StartFailed);
    expect(error).toMatchObject({ path: '/top/leaf/bad', cause });
    expect(stage.system.agents()).toEqual([]);
  });

  it('{already_started, Pid} of a name: the start fails with NameTaken, and its holder is not touched', async () => {
    const stage = new Stage();
    await stage.start(stage.worker('holder'), 'holder');
    stage.system.register('port', stage.ref('/holder'));
    const taken = stage.spec('a', { name: 'port' });
    const error = await stage.failure(
      stage.system.start(supervisor({ children: [taken] }), { id: 'sup' }),
    );
    expect(error).toMatchObject({
      code: 'START_FAILED',
      path: '/sup/a',
      cause: { code: 'NAME_TAKEN', fields: { heldBy: 'local/holder' } },
    });
    expect(stage.life('/holder')).toBe(1);
  });
});

/** Children of a supervisor, one in each state: `up` runs, `down` is stopped, `trying` is being restarted. */
async function setUp() {
  const stage = new Stage();
  const cannot = new Error('cannot');
  const failing = {
    start: (_ctx: unknown, life: number) => {
      if (life > 1) throw cannot;
      return life;
    },
  };
  const broken = stage.spec('broken', {
    start: () => {
      throw cannot;
    },
  });
  const ignoring = stage.spec('idle', { start: (ctx) => ctx.ignore() });
  const slowly = { backoff: { minMs: 60_000, maxMs: 60_000, jitter: 0 } };
  const children = [stage.spec('up'), stage.spec('down', failing), stage.spec('trying', slowly)];
  const sup = await stage.start(supervisor({ intensity: 9, children }));
  await stage.run(stopChild(sup, 'down'));
  const pool = await stage.start(dynamicSupervisor({ intensity: 9, maxChildren: 2 }), 'pool');
  const first = await stage.run(startChild(pool, stage.spec('first')));
  const trying = await stage.run(startChild(pool, stage.spec('trying', slowly)));
  await stage.end('crash', '/sup/trying', '/pool/trying');
  expect(await stage.which(sup)).toEqual(['trying restarting', 'down undefined', 'up running']);
  const stranger = await stage.start(stage.worker('s'), 'stranger');
  return { stage, sup, pool, first, trying, stranger, cannot, broken, ignoring };
}

type Setting = Awaited<ReturnType<typeof setUp>>;
type Sup = RefFrom<SupervisorLogic>;
/** A call that the types refuse for a dynamic supervisor. */
const untyped = (pool: AnyRef): Sup => pool as Ref<never> as unknown as Sup;

const calls: readonly (readonly [
  call: string,
  term: string,
  run: (setting: Setting) => Promise<unknown>,
  expected: object,
])[] = [
  [
    'start_child',
    '{already_started, Pid}',
    ({ sup, stage }) => startChild(sup, stage.spec('up')),
    { type: AlreadyStarted, ref: { path: '/sup/up' } },
  ],
  [
    'start_child',
    'already_present, of one that does not run',
    ({ sup, stage }) => startChild(sup, stage.spec('down')),
    { type: AlreadyPresent },
  ],
  [
    'start_child',
    'already_present, of one that is being restarted',
    ({ sup, stage }) => startChild(sup, stage.spec('trying')),
    { type: AlreadyPresent },
  ],
  [
    'start_child',
    'a spec error',
    ({ sup }) => startChild(sup, { ...good, restart: 'no' } as unknown as ChildSpec<typeof logic>),
    { type: InvalidOption, field: 'spec.restart' },
  ],
  [
    'start_child',
    '{Reason, ChildRecord}',
    ({ sup, broken }) => startChild(sup, broken),
    { type: StartFailed, path: '/sup/broken', cause: { message: 'cannot' } },
  ],
  [
    'start_child',
    '{ok, undefined}, which is ignore',
    ({ sup, ignoring }) => startChild(sup, ignoring),
    { type: ChildIgnored },
  ],
  [
    'start_child',
    'Reason, in a simple_one_for_one',
    async ({ pool, trying, broken }) => {
      await stopChild(pool, trying);
      return startChild(pool, broken);
    },
    { type: StartFailed, path: '/pool/broken', cause: { message: 'cannot' } },
  ],
  [
    'start_child',
    'max_children, of Elixir; one that is being restarted counts',
    ({ pool, stage }) => startChild(pool, stage.spec('third')),
    { type: MaxChildren },
  ],
  [
    'start_child',
    'of an id that is being restarted, in a dynamic supervisor',
    ({ pool, stage }) => startChild(pool, stage.spec('trying')),
    { type: ChildRestarting },
  ],
  [
    'terminate_child',
    'not_found',
    ({ sup }) => stopChild(sup, 'nobody'),
    { type: ChildNotFound, fields: { available: ['up', 'down', 'trying'] } },
  ],
  [
    'terminate_child',
    'not_found, of a living stranger',
    ({ pool, stranger }) => stopChild(pool, stranger),
    { type: ChildNotFound },
  ],
  [
    'terminate_child',
    'simple_one_for_one, by id',
    ({ pool }) => stopChild(untyped(pool), 'first'),
    { type: InvalidOption, field: 'stopChild.ref' },
  ],
  ['restart_child', 'running', ({ sup }) => restartChild(sup, 'up'), { type: ChildRunning }],
  [
    'restart_child',
    'restarting',
    ({ sup }) => restartChild(sup, 'trying'),
    { type: ChildRestarting },
  ],
  ['restart_child', 'not_found', ({ sup }) => restartChild(sup, 'nobody'), { type: ChildNotFound }],
  [
    'restart_child',
    'simple_one_for_one',
    ({ pool }) => restartChild(untyped(pool), 'first'),
    { type: InvalidOption, field: 'request' },
  ],
  [
    'restart_child',
    'Reason',
    ({ sup }) => restartChild(sup, 'down'),
    { type: StartFailed, path: '/sup/down', cause: { message: 'cannot' } },
  ],
  ['delete_child', 'running', ({ sup }) => deleteChild(sup, 'up'), { type: ChildRunning }],
  [
    'delete_child',
    'restarting',
    ({ sup }) => deleteChild(sup, 'trying'),
    { type: ChildRestarting },
  ],
  ['delete_child', 'not_found', ({ sup }) => deleteChild(sup, 'nobody'), { type: ChildNotFound }],
  [
    'delete_child',
    'simple_one_for_one',
    ({ pool }) => deleteChild(untyped(pool), 'first'),
    { type: InvalidOption, field: 'request' },
  ],
  ['get_childspec', 'not_found', ({ sup }) => getChildSpec(sup, 'nobody'), { type: ChildNotFound }],
  [
    'get_childspec',
    'not_found, of a living stranger',
    ({ pool, stranger }) => getChildSpec(pool, stranger),
    { type: ChildNotFound },
  ],
  [
    'any call',
    'noproc',
    async ({ sup }) => {
      await sup.stop();
      return whichChildren(sup);
    },
    { type: NoSuchActor },
  ],
  [
    'any call',
    '{shutdown, …} of a supervisor that gives up meanwhile',
    async ({ stage }) => {
      const children = [stage.spec('a'), stage.spec('b', { shutdown: 10, stop: () => NEVER })];
      const strategy = 'one_for_all' as const;
      const falls = await stage.start(supervisor({ strategy, intensity: 0, children }), 'falls');
      stage.ref('/falls/a').send({ type: 'end', reason: { type: 'killed' } });
      stage.system.step();
      return whichChildren(falls);
    },
    { code: 'ACTOR_ENDED', reason: { type: 'shutdown' } },
  ],
];

const NEVER = new Promise<never>(() => undefined);

describe('an error term of a call', () => {
  it.each(calls)('%s: %s', async (_call, _term, run, expected) => {
    const setting = await setUp();
    const { stage } = setting;
    const error = await stage.failure(run(setting));
    const { type, ...fields } = expected as { readonly type?: new (...args: never[]) => Error };
    if (type !== undefined) expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject(fields);
  });

  it('is none where OTP says ok: a stop of what does not run, or has ended already, and of a retry', async () => {
    const { stage, sup, pool, first, trying } = await setUp();
    await stage.run(stopChild(sup, 'down'));
    await stage.run(stopChild(sup, 'trying'));
    expect(await stage.which(sup)).toEqual(['trying undefined', 'down undefined', 'up running']);
    await stage.run(stopChild(pool, trying));
    await stage.run(stopChild(pool, first));
    await stage.run(stopChild(pool, first));
    expect(await stage.which(pool)).toEqual([]);
  });

  it('is told at once to a child that asks its own supervisor in its start, which in OTP waits for the timeout', async () => {
    const { stage, sup } = await setUp();
    const asking = stage.spec('asking', {
      *start(ctx): Generator<never, undefined, unknown> {
        const request = { type: 'whichChildren' } as never;
        yield* ctx.ask(ctx.parent as never, request, { timeoutMs: Infinity }) as Iterable<never>;
      },
    });
    const before = stage.system.nowMs;
    const error = (await stage.failure(startChild(sup, asking))) as StartFailed;
    expect(error.cause).toBeInstanceOf(AskedByStartingChild);
    expect(stage.system.nowMs).toBe(before);
    expect(stage.life('/sup')).toBe(1);
  });
});
