// What XState's documentation teaches about states, transitions and actions, run as an agent.

import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  log,
  not,
  or,
  raise,
  setup,
  stateIn,
  type AnyActorLogic,
} from 'xstate';
import { here, type Log } from 'troupe';
import { createTestSystem } from 'troupe/testing';

/** An agent of the logic that has handled these events, one after the other. */
async function after(logic: AnyActorLogic, ...events: { type: string }[]) {
  const system = createTestSystem();
  const ref = system.spawn(logic) as any;
  await system.settle();
  for (const event of events) {
    ref.send(event);
    await system.settle();
  }
  return { system, ref, snapshot: () => ref.getSnapshot() };
}

describe('states', () => {
  it('enters the initial state with its ancestors, and runs entry and exit actions in order', async () => {
    const ran: string[] = [];
    const note = (what: string) => () => void ran.push(what);
    const { snapshot } = await after(
      createMachine({
        initial: 'a',
        entry: note('enter root'),
        states: {
          a: {
            initial: 'b',
            entry: note('enter a'),
            exit: note('exit a'),
            states: { b: { entry: note('enter b'), exit: note('exit b') } },
            on: { go: { target: 'c', actions: note('go') } },
          },
          c: { entry: note('enter c') },
        },
      }),
      { type: 'go' },
    );
    expect(snapshot().value).toBe('c');
    expect(ran).toEqual(['enter root', 'enter a', 'enter b', 'exit b', 'exit a', 'go', 'enter c']);
  });

  it('reaches a final state: the result is its output, and so is what its Down carries', async () => {
    const machine = setup({
      types: {} as { input: { n: number }; context: { n: number }; output: { doubled: number } },
    }).createMachine({
      context: ({ input }) => ({ n: input.n }),
      initial: 'working',
      states: { working: { on: { finish: 'done' } }, done: { type: 'final' } },
      output: ({ context }) => ({ doubled: context.n * 2 }),
    });
    const system = createTestSystem();
    const ref = system.spawn(machine, { input: { n: 21 } });
    const downs: unknown[] = [];
    system.monitor(ref, (down) => downs.push(down.reason));
    ref.send({ type: 'finish' } as never);
    const output: { doubled: number } = await system.run(ref.result());
    expect(output).toEqual({ doubled: 42 });
    expect(downs).toEqual([{ type: 'normal', output: { doubled: 42 } }]);
    expect(ref.getSnapshot()).toMatchObject({ status: 'done', value: 'done', output });
  });

  it('is done at once when its initial state is final', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({ initial: 'end', states: { end: { type: 'final' } }, output: 'at once' }),
    );
    await expect(system.run(ref.result())).resolves.toBe('at once');
    expect(system.agents()).toEqual([]);
  });

  it('gives the output of a nested final state to onDone', async () => {
    const { snapshot } = await after(
      createMachine({
        context: { got: 0 },
        initial: 'form',
        states: {
          form: {
            initial: 'name',
            states: { name: { on: { next: 'filled' } }, filled: { type: 'final', output: 7 } },
            onDone: {
              target: 'sent',
              actions: assign({ got: ({ event }: any) => event.output }),
            },
          },
          sent: {},
        },
      }),
      { type: 'next' },
    );
    expect(snapshot()).toMatchObject({ value: 'sent', context: { got: 7 } });
  });

  it('runs the regions of a parallel state side by side, and is done when all are', async () => {
    const region = {
      initial: 'off',
      states: {
        off: { on: { on: 'on', off: 'end' } },
        on: { on: { off: 'end' } },
        end: { type: 'final' as const },
      },
    };
    const machine = createMachine({
      initial: 'both',
      states: {
        both: { type: 'parallel', states: { left: region, right: region }, onDone: 'all' },
        all: {},
      },
    });
    const { ref, system, snapshot } = await after(machine, { type: 'on' });
    expect(snapshot().value).toEqual({ both: { left: 'on', right: 'on' } });
    ref.send({ type: 'off' });
    await system.settle();
    expect(snapshot().value).toBe('all');
  });

  it.each(['shallow', 'deep'] as const)('comes back by %s history', async (history) => {
    const { snapshot } = await after(
      createMachine({
        initial: 'tv',
        states: {
          tv: {
            initial: 'news',
            states: {
              news: { on: { sports: 'sports' } },
              sports: {
                initial: 'golf',
                states: { golf: { on: { tennis: 'tennis' } }, tennis: {} },
              },
              last: { type: 'history', history },
            },
            on: { off: 'off' },
          },
          off: { on: { on: 'tv.last' } },
        },
      }),
      { type: 'sports' },
      { type: 'tennis' },
      { type: 'off' },
      { type: 'on' },
    );
    expect(snapshot().value).toEqual({ tv: { sports: history === 'deep' ? 'tennis' : 'golf' } });
  });

  it('has the tags and the meta of its active states', async () => {
    const { snapshot } = await after(
      createMachine({
        id: 'm',
        initial: 'a',
        states: {
          a: { tags: ['busy'], on: { go: 'b' } },
          b: { tags: ['free', 'idle'], meta: { of: 'b' } },
        },
      }),
      { type: 'go' },
    );
    expect([...snapshot().tags]).toEqual(['free', 'idle']);
    expect(snapshot().hasTag('busy')).toBe(false);
    expect(snapshot().getMeta()).toEqual({ 'm.b': { of: 'b' } });
    expect(snapshot().matches('b')).toBe(true);
    expect(snapshot().can({ type: 'go' })).toBe(false);
  });
});

describe('transitions', () => {
  it('takes the first transition whose guard holds, also by and, or, not and stateIn', async () => {
    const machine = setup({
      types: {} as {
        context: { n: number };
        events: { type: 'add'; by: number } | { type: 'ask' };
      },
      guards: {
        isBig: ({ context }) => context.n > 10,
        isOver: ({ context }, { limit }: { limit: number }) => context.n > limit,
      },
    }).createMachine({
      context: { n: 0 },
      type: 'parallel',
      states: {
        size: {
          initial: 'unknown',
          states: {
            unknown: {},
            small: {},
            medium: {},
            big: {},
            huge: {},
          },
          on: {
            ask: [
              {
                guard: and(['isBig', { type: 'isOver', params: { limit: 100 } }]),
                target: '.huge',
              },
              { guard: and([stateIn({ mode: 'strict' }), 'isBig']), target: '.big' },
              { guard: or(['isBig', ({ context }) => context.n === 5]), target: '.medium' },
              { guard: not('isBig'), target: '.small' },
            ],
            add: { actions: assign({ n: ({ context, event }) => context.n + event.by }) },
          },
        },
        mode: {
          initial: 'strict',
          states: {
            strict: { on: { add: { guard: ({ event }) => event.by < 0, target: 'lax' } } },
            lax: {},
          },
        },
      },
    });
    const sizes: unknown[] = [];
    const { ref, system, snapshot } = await after(machine);
    for (const by of [0, 5, 6, 100, -90]) {
      ref.send({ type: 'add', by });
      ref.send({ type: 'ask' });
      await system.settle();
      sizes.push(snapshot().value.size);
    }
    expect(sizes).toEqual(['small', 'medium', 'big', 'huge', 'medium']);
  });

  it('follows always transitions until it is stable', async () => {
    const { snapshot } = await after(
      setup({ types: {} as { context: { n: number } } }).createMachine({
        context: { n: 0 },
        initial: 'count',
        states: {
          count: {
            always: [
              { guard: ({ context }) => context.n === 5, target: 'five' },
              {
                actions: assign({ n: ({ context }) => context.n + 1 }),
                target: 'count',
                reenter: true,
              },
            ],
          },
          five: {},
        },
      }),
    );
    expect(snapshot()).toMatchObject({ value: 'five', context: { n: 5 } });
  });

  it('matches wildcards after exact descriptors, and an explicit empty transition forbids', async () => {
    const seen: string[] = [];
    const note = (what: string) => ({
      actions: ({ event }: any) => void seen.push(`${what}:${event.type}`),
    });
    await after(
      createMachine({
        initial: 'a',
        on: { '*': note('root') },
        states: {
          a: { on: { 'mouse.*': note('mouse'), 'mouse.click.left': note('left'), quiet: {} } },
        },
      }),
      { type: 'mouse.click.left' },
      { type: 'mouse.move' },
      { type: 'mouse' },
      { type: 'quiet' },
      { type: 'key' },
    );
    expect(seen).toEqual(['left:mouse.click.left', 'mouse:mouse.move', 'mouse:mouse', 'root:key']);
  });

  it('enters a state again only when told to reenter', async () => {
    const ran: string[] = [];
    await after(
      createMachine({
        initial: 'a',
        states: {
          a: {
            entry: () => void ran.push('in'),
            exit: () => void ran.push('out'),
            on: { again: { target: 'a', reenter: true }, stay: { target: 'a' } },
          },
        },
      }),
      { type: 'stay' },
      { type: 'again' },
    );
    expect(ran).toEqual(['in', 'out', 'in']);
  });
});

describe('actions', () => {
  it('assigns, with input and params', async () => {
    const machine = setup({
      types: {} as { input: { from: number }; context: { n: number }; events: { type: 'add' } },
      actions: {
        add: assign({ n: ({ context }, { by }: { by: number }) => context.n + by }),
      },
    }).createMachine({
      context: ({ input }) => ({ n: input.from }),
      on: {
        add: {
          actions: [
            { type: 'add', params: { by: 2 } },
            { type: 'add', params: { by: 3 } },
          ],
        },
      },
    });
    const system = createTestSystem();
    const ref = system.spawn(machine, { input: { from: 10 } });
    ref.send({ type: 'add' });
    await system.settle();
    expect(ref.getSnapshot().context).toEqual({ n: 15 });
  });

  it('enqueues actions, each seeing what those before it did', async () => {
    const ran: unknown[] = [];
    const { snapshot } = await after(
      setup({
        types: {} as { context: { n: number } },
        guards: { isTwo: ({ context }) => context.n === 2 },
      }).createMachine({
        context: { n: 1 },
        on: {
          go: {
            actions: enqueueActions(({ enqueue, check, context }) => {
              enqueue.assign({ n: context.n + 1 });
              enqueue(({ context: now }) => void ran.push(now.n));
              if (!check('isTwo')) enqueue.raise({ type: 'raised' });
            }),
          },
          raised: { actions: () => void ran.push('raised') },
        },
      }),
      { type: 'go' },
    );
    expect(snapshot().context).toEqual({ n: 2 });
    expect(ran).toEqual([2, 'raised']);
  });

  it('raises an event that it handles within the same step', async () => {
    const steps: unknown[] = [];
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        initial: 'a',
        states: {
          a: { on: { go: { target: 'b', actions: raise({ type: 'on' }) } } },
          b: { on: { on: 'c' } },
          c: {},
        },
      }),
    ) as any;
    await system.settle();
    ref.subscribe((snapshot: any) => steps.push(snapshot.value));
    ref.send({ type: 'go' });
    await system.settle();
    expect(steps).toEqual(['c']);
  });

  it('raises with a delay, and cancel takes it back', async () => {
    const machine = createMachine({
      context: { seen: [] as string[] },
      on: {
        go: {
          actions: [
            raise({ type: 'soon' }, { delay: 10, id: 'soon' }),
            raise({ type: 'later' }, { delay: ({ event }: any) => event.laterMs, id: 'later' }),
          ],
        },
        stop: { actions: cancel('later') },
        '*': {
          actions: assign({ seen: ({ context, event }: any) => [...context.seen, event.type] }),
        },
      },
    });
    const { system, ref, snapshot } = await after(machine, { type: 'go', laterMs: 50 } as never);
    await system.advance(9);
    expect(snapshot().context.seen).toEqual([]);
    await system.advance(1);
    expect(snapshot().context.seen).toEqual(['soon']);
    ref.send({ type: 'stop' });
    await system.advance(1_000);
    expect(snapshot().context.seen).toEqual(['soon']);
    expect(system.stats().timers).toBe(0);
  });

  it('leaves a state by its after transition, unless it was left before', async () => {
    const machine = setup({
      delays: { patience: ({ context }) => context.ms },
      types: {} as { context: { ms: number } },
    }).createMachine({
      context: { ms: 40 },
      initial: 'green',
      states: {
        green: { after: { 100: 'yellow' }, on: { skip: 'red' } },
        yellow: { after: { patience: 'red' } },
        red: {},
      },
    });
    const slow = await after(machine);
    await slow.system.advance(99);
    expect(slow.snapshot().value).toBe('green');
    await slow.system.advance(1);
    expect(slow.snapshot().value).toBe('yellow');
    await slow.system.advance(40);
    expect(slow.snapshot().value).toBe('red');
    const quick = await after(machine, { type: 'skip' });
    expect(quick.system.stats().timers).toBe(0);
    await quick.system.advance(1_000);
    expect(quick.snapshot().value).toBe('red');
  });

  it('never fires a delay of infinity', async () => {
    const { system, snapshot } = await after(
      setup({ delays: { never: Infinity } }).createMachine({
        initial: 'a',
        states: { a: { after: { never: 'b' } }, b: {} },
      }),
    );
    await system.advance(1e12);
    expect(snapshot().value).toBe('a');
  });

  it('emits to the listeners of its ref, once the step has ended', async () => {
    const order: unknown[] = [];
    const machine = setup({
      types: {} as {
        events: { type: 'go' };
        emitted: { type: 'gone'; n: number } | { type: 'started' };
      },
    }).createMachine({
      entry: emit({ type: 'started' }),
      on: {
        go: {
          actions: [emit(() => ({ type: 'gone' as const, n: 1 })), () => void order.push('action')],
        },
      },
    });
    const system = createTestSystem();
    const ref = system.spawn(machine);
    const all: unknown[] = [];
    ref.on('*', (emitted) => all.push(emitted.type));
    const listening = ref.on('gone', ({ n }) => order.push(n));
    ref.send({ type: 'go' });
    await system.settle();
    listening.unsubscribe();
    ref.send({ type: 'go' });
    await system.settle();
    expect(order).toEqual(['action', 1, 'action']);
    expect(all).toEqual(['started', 'gone', 'gone']);
  });

  it('emits nothing from a step that crashes', async () => {
    const all: unknown[] = [];
    const system = createTestSystem();
    const ref = system.spawn(
      createMachine({
        on: {
          go: {
            actions: [
              emit({ type: 'gone' }),
              () => {
                throw new Error('boom');
              },
            ],
          },
        },
      }),
    ) as any;
    ref.on('*', (emitted: unknown) => all.push(emitted));
    ref.send({ type: 'go' });
    await system.settle();
    expect(all).toEqual([]);
  });

  it('writes the log action to the log of the system, with its path', async () => {
    const lines: unknown[] = [];
    const write = (fields: object, message: string) => void lines.push([fields, message]);
    const logger: Log = {
      debug: write,
      info: write,
      warn: write,
      error: write,
      child: () => logger,
    };
    const system = createTestSystem({ log: logger });
    system.spawn(createMachine({ entry: log('hello', 'says') }), { id: 'talker' });
    await system.settle();
    expect(lines).toEqual([[{ path: '/talker' }, 'says hello']]);
  });

  it('gives its actions the context of their agent by here()', async () => {
    let path: unknown;
    await after(createMachine({ entry: () => void (path = here().self.path) }));
    expect(path).toBe('/$1');
  });

  it('crashes with what an action, a guard or an assigner throws', async () => {
    const throwing = () => {
      throw new Error('boom');
    };
    const machine = createMachine({
      on: {
        action: { actions: throwing },
        guard: { guard: throwing, actions: [] },
        assign: { actions: assign(throwing) },
      },
    });
    for (const type of ['action', 'guard', 'assign']) {
      const system = createTestSystem();
      const ref = system.spawn(machine) as any;
      const downs: any[] = [];
      system.monitor(ref, (down) => downs.push(down.reason));
      ref.send({ type });
      await system.settle();
      expect(downs[0].type).toBe('crash');
      expect(downs[0].error.message).toMatch(/boom/);
      expect(ref.getSnapshot()).toMatchObject({ status: 'error' });
    }
  });

  it('does not start when its first actions or its context throw', async () => {
    const throwing = () => {
      throw new Error('boom');
    };
    const system = createTestSystem();
    for (const machine of [
      createMachine({ entry: throwing }),
      createMachine({ context: throwing }),
    ]) {
      await expect(system.run(system.start(machine as AnyActorLogic))).rejects.toMatchObject({
        code: 'START_FAILED',
        cause: { message: 'boom' },
      });
    }
  });
});
