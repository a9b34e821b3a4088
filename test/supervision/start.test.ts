import { describe, expect, it } from 'vitest';
import { setup, type EventObject } from 'xstate';
import {
  AskedByStartingChild,
  StartFailed,
  agentName,
  ask,
  child,
  dynamicSupervisor,
  fromHandler,
  startChild,
  stopChild,
  supervisor,
  type AgentContext,
  type Ref,
  type ReplyTo,
  type SupervisorEvent,
} from 'troupe';
import { Stage, type WorkerContext } from './cast.ts';

type Sup = Ref<SupervisorEvent>;
const supervisorOf = (ctx: { parent: unknown }): Sup => ctx.parent as Sup;

describe('a tree whose start fails', () => {
  it('rejects with the path of the child, however deep, and the first cause', async () => {
    const stage = new Stage();
    const cause = new Error('the disk is full');
    const bad = stage.spec('bad', {
      *start(ctx) {
        yield* ctx.sleep(10);
        throw cause;
      },
    });
    const wrap = (id: string, logic: ReturnType<typeof supervisor>) =>
      supervisor({ children: [stage.spec(`beside-${id}`), child({ id, logic })] });
    const tree = wrap('l1', wrap('l2', wrap('l3', supervisor({ children: [bad] }))));
    const error = (await stage.failure(stage.system.start(tree, { id: 'top' }))) as StartFailed;
    expect(error).toBeInstanceOf(StartFailed);
    expect(error.path).toBe('/top/l1/l2/l3/bad');
    expect(error.cause).toBe(cause);
    expect(error.message).toContain('the disk is full');
    expect(stage.system.agents()).toEqual([]);
    expect(stage.system.stats().timers).toBe(0);
  });

  it('is a failed start for its supervisor, which tries it again', async () => {
    const stage = new Stage();
    const inner = supervisor({
      children: [
        stage.spec('a', {
          start: (_ctx, life) => {
            if (life === 2) throw new Error('not yet');
          },
        }),
      ],
    });
    await stage.start(
      supervisor({ intensity: 5, children: [child({ id: 'inner', logic: inner })] }),
    );
    await stage.end('kill', '/sup/inner');
    expect(stage.lives('/sup', '/sup/inner', '/sup/inner/a')).toEqual([1, 3, 1]);
  });
});

describe('a supervisor that is stopped while a child starts', () => {
  it('does not wait for the start, and stops what had started', async () => {
    const stage = new Stage();
    const tree = supervisor({
      children: [
        stage.spec('a'),
        stage.spec('slow', {
          *start(ctx) {
            yield* ctx.sleep(60_000);
          },
        }),
        stage.spec('never'),
      ],
    });
    const sup = stage.system.spawn(tree, { id: 'sup' });
    const starting = sup.started().catch((error: unknown) => error);
    await stage.system.advance(100);
    expect(await stage.run(sup.stop())).toEqual({ type: 'shutdown' });
    expect(stage.system.nowMs).toBe(100);
    expect(await starting).toBeInstanceOf(StartFailed);
    expect(stage.starts).toEqual({ a: 1, slow: 1 });
    expect(stage.diary.slice(1)).toEqual([
      'end /sup/slow 1 shutdown',
      'end /sup/a 1 shutdown',
      'end /sup 1 shutdown',
    ]);
    expect(stage.system.stats().timers).toBe(0);
  });

  it('fails the request that it was about to answer', async () => {
    const stage = new Stage();
    const sup = await stage.start(supervisor({ children: [] }));
    const slow = stage.spec('slow', {
      *start(ctx) {
        yield* ctx.sleep(60_000);
      },
    });
    const adding = startChild(sup, slow).catch((error: unknown) => error);
    await stage.now();
    await stage.run(sup.stop());
    expect(await adding).toMatchObject({ code: 'ACTOR_ENDED' });
    expect(stage.system.stats().openRequests).toBe(0);
  });
});

describe('a child that asks its own supervisor while it starts', () => {
  /** Starts a child with this start hook below `/sup`, and gives the error of its start. */
  async function startErrorOf(start: (ctx: WorkerContext) => unknown): Promise<StartFailed> {
    const stage = new Stage();
    const spec = stage.spec('a', { start: start as never });
    const error = await stage.failure(
      stage.system.start(supervisor({ children: [spec] }), { id: 'sup' }),
    );
    expect(stage.system.nowMs).toBe(0);
    expect(stage.system.stats().openRequests).toBe(0);
    return error as StartFailed;
  }

  const expected = {
    code: 'ASKED_BY_STARTING_CHILD',
    fields: { address: 'local/sup', message: 'startChild', askedBy: 'local/sup/a' },
  };
  const spec = new Stage().spec('b');

  it('gets an error at once instead of a deadlock', async () => {
    const error = await startErrorOf(function* (ctx) {
      yield* ctx.ask(supervisorOf(ctx), { type: 'startChild', spec }, { timeoutMs: Infinity });
    });
    expect(error.path).toBe('/sup/a');
    expect(error.cause).toBeInstanceOf(AskedByStartingChild);
    expect(error.cause).toMatchObject(expected);
  });

  it('does so in an async start hook too, before and after an await', async () => {
    const before = await startErrorOf(async (ctx) => {
      await ctx.ask(supervisorOf(ctx), { type: 'startChild', spec });
    });
    expect(before.cause).toMatchObject(expected);
    const after = await startErrorOf(async (ctx) => {
      await Promise.resolve();
      await ctx.ask(supervisorOf(ctx), { type: 'startChild', spec });
    });
    expect(after.cause).toMatchObject(expected);
    const byRef = await startErrorOf(async (ctx) => {
      await startChild(supervisorOf(ctx), spec);
    });
    expect(byRef.cause).toMatchObject(expected);
  });

  it('may catch the error and start without', async () => {
    const stage = new Stage();
    const caught: unknown[] = [];
    await stage.start(
      supervisor({
        children: [
          stage.spec('a', {
            *start(ctx) {
              try {
                yield* ctx.ask(supervisorOf(ctx), { type: 'whichChildren' });
              } catch (error) {
                caught.push(error);
              }
            },
          }),
        ],
      }),
    );
    expect(caught).toMatchObject([{ code: 'ASKED_BY_STARTING_CHILD' }]);
    expect(stage.life('/sup/a')).toBe(1);
  });

  it('gets it from every supervisor above that waits for this start', async () => {
    const stage = new Stage();
    const top = { ref: undefined as Sup | undefined };
    const inner = supervisor({
      children: [
        stage.spec('a', {
          *start(ctx) {
            yield* ctx.ask(top.ref as Sup, { type: 'whichChildren' }, { timeoutMs: Infinity });
          },
        }),
      ],
    });
    const tree = supervisor({ children: [child({ id: 'inner', logic: inner })] });
    const ref = stage.system.spawn(tree, { id: 'sup' });
    top.ref = ref;
    const error = (await stage.failure(ref.started())) as StartFailed;
    expect(error.path).toBe('/sup/inner/a');
    expect(error.cause).toMatchObject({ fields: { address: 'local/sup' } });
  });

  it('gets it on a restart and on request as well, and its supervisor goes on', async () => {
    const stage = new Stage();
    const start = function* (ctx: WorkerContext, life: number) {
      if (life === 2) yield* ctx.ask(supervisorOf(ctx), { type: 'whichChildren' });
    };
    const sup = await stage.start(
      supervisor({ intensity: 5, children: [stage.spec('a', { start: start as never })] }),
    );
    await stage.end('crash', '/sup/a');
    expect(stage.life('/sup/a')).toBe(3);
    const asks = stage.spec('b', {
      *start(ctx) {
        yield* ctx.ask(supervisorOf(ctx), { type: 'whichChildren' });
      },
    });
    const error = (await stage.failure(startChild(sup, asks))) as StartFailed;
    expect(error.cause).toBeInstanceOf(AskedByStartingChild);
    expect(stage.life('/sup')).toBe(1);
  });

  it('may ask when nobody waits for the answer in its start', async () => {
    const stage = new Stage();
    const answers: unknown[] = [];
    const Top = agentName<Sup>('top');
    const machine = setup({ actors: { which: ask(Top, 'whichChildren') } }).createMachine({
      invoke: {
        src: 'which',
        input: {},
        onDone: { actions: ({ event }) => answers.push(event.output) },
      },
    });
    const tree = supervisor({ children: [child({ id: 'm', logic: machine })] });
    const ref = stage.system.spawn(tree, { id: 'sup', name: Top });
    await stage.run(ref.started());
    await stage.now();
    expect(answers).toMatchObject([{ type: 'children', children: [{ id: 'm' }] }]);
  });

  it('may ask a parent that does not wait for it', async () => {
    const stage = new Stage();
    type Asked = { type: 'hello'; replyTo: ReplyTo<{ type: 'hi' }> };
    const parent = fromHandler({
      start(_state: undefined, ctx: AgentContext<Asked>) {
        ctx.spawn(
          fromHandler({
            *start(_none: undefined, own: AgentContext<EventObject>) {
              const reply = yield* own.ask(own.parent as never as Ref<Asked>, { type: 'hello' });
              stage.diary.push(`got ${reply.type}`);
            },
            receive: () => undefined,
          }),
          { id: 'a' },
        );
      },
      receive(_state: undefined, event: Asked, ctx: AgentContext<Asked>) {
        ctx.reply(event, { type: 'hi' });
      },
    });
    await stage.start(parent, 'parent');
    await stage.now();
    expect(stage.diary).toContain('got hi');
  });
});

describe('a supervisor whose options come from a function', () => {
  it('gets the input that it was spawned with, at each of its starts', async () => {
    const stage = new Stage();
    const inputs: unknown[] = [];
    const pool = supervisor((input: { readonly size: number }) => {
      inputs.push(input);
      return {
        children: Array.from({ length: input.size + inputs.length - 1 }, (_, index) =>
          stage.spec(`w${index}`),
        ),
      };
    });
    await stage.start(
      supervisor({ children: [child({ id: 'pool', logic: pool, input: { size: 2 } }) as never] }),
    );
    expect(stage.at('/sup/pool')?.children).toHaveLength(2);
    await stage.end('kill', '/sup/pool');
    expect(stage.at('/sup/pool')?.children).toHaveLength(3);
    expect(inputs).toEqual([{ size: 2 }, { size: 2 }]);
  });

  it('a permanent one that has nothing to do at a restart rests, and that is no failure', async () => {
    const stage = new Stage();
    let starts = 0;
    const inner = supervisor(() =>
      (starts += 1) === 1 ? { children: stage.specs('a') } : undefined,
    );
    const sup = await stage.start(supervisor({ children: [child({ id: 'inner', logic: inner })] }));
    await stage.end('kill', '/sup/inner');
    expect(await stage.which(sup)).toEqual(['inner undefined']);
    expect(stage.reported('start_error')).toEqual([]);
  });
});

describe('a stranger', () => {
  it('who stops a child of a supervisor only ends its life: a permanent one comes back', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ intensity: 5, children: stage.specs('a') }));
    await stage.run(stage.ref('/sup/a').stop());
    await stage.now();
    expect(stage.life('/sup/a')).toBe(2);
  });

  it('who stops the vacant place of a child does not keep it from coming back', async () => {
    const stage = new Stage();
    const backoff = { minMs: 100, maxMs: 100, jitter: 0 };
    await stage.start(supervisor({ intensity: 5, children: [stage.spec('a', { backoff })] }));
    await stage.end('crash', '/sup/a');
    await stage.run(stage.ref('/sup/a').stop());
    await stage.system.advance(100);
    expect(stage.at('/sup/a')?.status).toBe('running');
    expect(stage.starts['a']).toBe(2);
    await stage.end('crash', '/sup/a');
    await stage.system.advance(100);
    expect(stage.starts['a']).toBe(3);
  });

  it('cannot harm a supervisor with what it sends', async () => {
    for (const logic of [supervisor({ children: [] }), dynamicSupervisor()]) {
      const stage = new Stage();
      const sup = (await stage.start(logic)) as never as Sup;
      await stage.run(startChild(sup, stage.spec('a')));
      const stranger = await stage.start(stage.worker('s'), 'stranger');
      const junk = [
        { type: 'junk' },
        { type: 'startChild' },
        { type: 'startChild', spec: stage.spec('b') },
        { type: 'stopChild', id: 'a' },
        { type: 'stopChild', ref: stage.ref('/sup/a') },
        { type: 'whichChildren', replyTo: 'me' },
        { type: 'supervisor.retry', id: 'a' },
        { type: 'supervisor.retry', id: 'nobody' },
      ];
      for (const message of junk) sup.send(message as never);
      for (const reason of ['normal', 'shutdown', 'crash'] as const)
        stranger.send({
          type: 'do',
          act: (ctx) =>
            ctx.exit(sup, reason === 'crash' ? { type: 'crash', error: 1 } : { type: reason }),
        });
      await stage.now();
      for (const message of [
        { type: 'junk' },
        { type: 'startChild' },
        { type: 'startChild', spec: 5 },
      ])
        expect(await stage.failure(sup.ask(message as never))).toMatchObject({
          code: 'INVALID_OPTION',
        });
      expect(stage.lives('/sup', '/sup/a')).toEqual([1, 1]);
      expect(stage.lines.filter(({ level }) => level === 'warn')).not.toEqual([]);
    }
  });

  it('an exit signal of its parent ends a supervisor with that reason, even normal', async () => {
    for (const reason of [{ type: 'normal' }, { type: 'shutdown', detail: 'enough' }] as const) {
      const stage = new Stage();
      const tree = supervisor({ children: stage.specs('a') });
      const parent = fromHandler({
        *start(_state: undefined, ctx: AgentContext<EventObject>) {
          const sup = ctx.spawn(tree, { id: 'sup' });
          yield* ctx.started(sup);
          ctx.exit(sup, reason);
        },
        receive: () => undefined,
      });
      await stage.start(parent, 'parent');
      await stage.now();
      expect(stage.reason('/parent/sup')).toEqual(reason);
      expect(stage.reason('/parent/sup/a')).toEqual({ type: 'shutdown' });
      expect(stage.life('/parent')).toBe(1);
    }
  });
});

describe('a restart', () => {
  it('keeps the ref and the waiting messages; what crashed is not handled again', async () => {
    const stage = new Stage();
    await stage.start(supervisor({ children: stage.specs('a') }));
    const ref = stage.ref('/sup/a');
    ref.send({ type: 'end', reason: { type: 'crash', error: new Error('boom') } });
    const answers = [ref.ask({ type: 'who' }), ref.ask({ type: 'who' })];
    expect(await stage.run(Promise.all(answers))).toEqual([
      { type: 'me', life: 2 },
      { type: 'me', life: 2 },
    ]);
    expect(stage.ref('/sup/a')).toBe(ref);
    expect(stage.starts['a']).toBe(2);
  });

  it('lets an ask that comes during it wait for the next life, also after failed starts', async () => {
    const stage = new Stage();
    const backoff = { minMs: 100, maxMs: 100, jitter: 0 };
    await stage.start(
      supervisor({
        intensity: 5,
        children: [
          stage.spec('a', {
            backoff,
            start: (_ctx, life) => {
              if (life === 2) throw new Error('not yet');
            },
          }),
        ],
      }),
    );
    await stage.end('crash', '/sup/a');
    const answer = stage.ref('/sup/a').ask({ type: 'who' });
    expect(await stage.run(answer)).toEqual({ type: 'me', life: 3 });
    expect(stage.system.nowMs).toBe(200);
  });

  it('of a group keeps what waits for the siblings too', async () => {
    const stage = new Stage();
    await stage.start(
      supervisor({
        strategy: 'one_for_all',
        children: [
          stage.spec('a'),
          stage.spec('b', {
            *start(ctx, life) {
              if (life > 1) yield* ctx.sleep(100);
              return life;
            },
          }),
        ],
      }),
    );
    await stage.end('crash', '/sup/a');
    const answer = stage.ref('/sup/b').ask({ type: 'who' });
    expect(await stage.run(answer)).toEqual({ type: 'me', life: 2 });
  });

  it('that is called off tells at once what waits for the child and for its siblings', async () => {
    const stage = new Stage();
    const sup = await stage.start(
      supervisor({
        strategy: 'rest_for_one',
        intensity: 100,
        children: [
          stage.spec('a', {
            *start(ctx, life) {
              if (life === 1) return;
              yield* ctx.sleep(100);
              throw new Error('never again');
            },
          }),
          stage.spec('b'),
        ],
      }),
    );
    await stage.end('crash', '/sup/a');
    const asks = ['/sup/a', '/sup/b'].map((path) =>
      stage
        .ref(path)
        .ask({ type: 'who' })
        .catch((error: unknown) => error),
    );
    await stage.run(stopChild(sup, 'a'));
    for (const error of asks) expect(await error).toMatchObject({ code: 'ACTOR_ENDED' });
    expect(stage.system.nowMs).toBe(100);
    expect(stage.system.agents()[0]?.children).toEqual([]);
  });

  it('forgets a stale end: a child that is started anew under the id of one that crashed is not mistaken for it', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const a = await stage.run(startChild(sup, stage.spec('a')));
    // The supervisor is busy, so that its requests wait ahead of the end of the child.
    const busy = startChild(
      sup,
      stage.spec('slow', {
        *start(ctx) {
          yield* ctx.sleep(100);
        },
      }),
    );
    const stopping = stopChild(sup, a);
    const again = startChild(sup, stage.spec('a'));
    await stage.end('crash', '/sup/a');
    await stage.run(Promise.all([busy, stopping, again]));
    await stage.now();
    expect(stage.starts['a']).toBe(2);
    expect(stage.life('/sup/a')).toBe(1);
    expect(stage.reported('child_terminated')).toEqual([]);
  });
});

describe('what a child hands over at its start', () => {
  it('may be nothing that can be sent: the call is told so, and the child runs', async () => {
    const spec = (stage: Stage) =>
      stage.spec('a', { start: (ctx) => ctx.startInfo(new Uint8Array(1)) });
    for (const logic of [supervisor({ children: [] }), dynamicSupervisor()]) {
      const stage = new Stage();
      const sup = (await stage.start(logic)) as never as Sup;
      expect(await stage.failure(startChild(sup, spec(stage)))).toMatchObject({
        code: 'UNFIT_PAYLOAD',
      });
      expect(stage.lives('/sup', '/sup/a')).toEqual([1, 1]);
      expect(await stage.which(sup)).toEqual(['a running']);
    }
  });
});

describe('a dynamic supervisor', () => {
  it('refuses one child too many, those being restarted included', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor({ maxChildren: 2, intensity: 5 }));
    const backoff = { minMs: 1_000, maxMs: 1_000 };
    await stage.run(startChild(sup, stage.spec('a', { backoff })));
    await stage.run(startChild(sup, stage.spec('b', { restart: 'temporary' })));
    await stage.end('crash', '/sup/a');
    expect(await stage.failure(startChild(sup, stage.spec('c')))).toMatchObject({
      code: 'MAX_CHILDREN',
      message: '/sup has its 2 children',
    });
    await stage.end('normal', '/sup/b');
    await stage.run(startChild(sup, stage.spec('c')));
    expect(await stage.which(sup)).toEqual(['c running', 'a restarting']);
  });

  it('refuses an id that is taken, and says by whom', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor({ intensity: 5 }));
    const backoff = { minMs: 1_000, maxMs: 1_000 };
    const a = await stage.run(startChild(sup, stage.spec('a', { backoff })));
    expect(await stage.failure(startChild(sup, stage.spec('a')))).toMatchObject({
      code: 'ALREADY_STARTED',
      ref: a,
    });
    await stage.end('crash', '/sup/a');
    expect(await stage.failure(startChild(sup, stage.spec('a')))).toMatchObject({
      code: 'CHILD_RESTARTING',
    });
  });

  it('stops each child as its own spec says', async () => {
    const stage = new Stage();
    const sup = await stage.start(dynamicSupervisor());
    const cleaned: string[] = [];
    const add = (id: string, shutdown: number | 'infinity' | 'brutal_kill') =>
      stage.run(
        startChild(
          sup,
          stage.spec(id, {
            shutdown,
            stop: async (_reason, ctx) => {
              await ctx.sleep(100);
              cleaned.push(id);
            },
          }),
        ),
      );
    await add('patient', 'infinity');
    await add('short', 50);
    await add('long', 200);
    await add('brutal', 'brutal_kill');
    await stage.run(sup.stop());
    expect(cleaned.sort()).toEqual(['long', 'patient']);
    expect(
      ['patient', 'short', 'long', 'brutal'].map((id) => stage.reason(`/sup/${id}`)?.type),
    ).toEqual(['shutdown', 'killed', 'shutdown', 'killed']);
    expect(stage.system.nowMs).toBe(100);
  });
});
