// A state's `meta.postpone`: what waits aside until the state has changed, as in gen_statem.

import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  fromCallback,
  fromPromise,
  raise,
  sendParent,
  setup,
  type AnyActorLogic,
} from 'xstate';
import { InvalidOption, fromHandler, type PostponeMeta, type ReplyTo } from 'troupe';
import { createTestSystem } from 'troupe/testing';

const note: any = assign({
  seen: ({ context, event }: any) => [...context.seen, event.n ?? event.type],
});

function spawn(logic: AnyActorLogic, options: object = {}) {
  const system = createTestSystem();
  const ref = system.spawn(logic, options as never) as any;
  return {
    system,
    ref,
    seen: () => ref.getSnapshot().context.seen,
    send: async (...events: { type: string; n?: number }[]) => {
      for (const event of events) ref.send(event);
      await system.settle();
    },
  };
}

const edit = (n: number) => ({ type: 'edit', n });

describe('postponing', () => {
  const machine = (postpone: unknown) =>
    createMachine({
      context: { seen: [] as unknown[] },
      initial: 'busy',
      states: {
        busy: {
          meta: { postpone },
          on: { free: 'free', count: { actions: note }, again: { target: 'busy', reenter: true } },
        },
        free: { on: { edit: { actions: note }, busy: 'busy' } },
      },
    });

  it('keeps the listed events until the state has changed, then tries them in order ahead of newer ones', async () => {
    const { ref, system, send, seen } = spawn(machine(['edit']));
    await send(edit(1), edit(2));
    expect(seen()).toEqual([]);
    expect(system.stats()).toMatchObject({ unhandled: 0 });
    ref.send({ type: 'free' });
    ref.send(edit(3));
    await system.settle();
    expect(seen()).toEqual([1, 2, 3]);
  });

  it('keeps every event with "all"', async () => {
    const { ref, system, send, seen } = spawn(machine('all'));
    await send(edit(1), { type: 'count' });
    expect(seen()).toEqual([]);
    // Nothing but a re-entry, a timer or a child can free it now.
    ref.send({ type: 'free' });
    await system.settle();
    expect(ref.getSnapshot().value).toBe('busy');
  });

  it('does not try again on a mere change of the context', async () => {
    const inspected: string[] = [];
    const { system, send, seen } = spawn(machine(['edit']));
    system.inspect((event) => void (event.type === 'postponed' && inspected.push(event.path)));
    await send(edit(1), { type: 'count' }, { type: 'count' });
    expect(seen()).toEqual(['count', 'count']);
    expect(inspected.length).toBe(1);
  });

  it('tries again on a re-entry, and postpones once more', async () => {
    const inspected: string[] = [];
    const { system, send, seen } = spawn(machine(['edit']));
    system.inspect((event) => void (event.type === 'postponed' && inspected.push(event.path)));
    await send(edit(1), edit(2), { type: 'again' });
    expect(inspected.length).toBe(4);
    await send({ type: 'free' });
    expect(seen()).toEqual([1, 2]);
  });

  it('postpones again what the next state does not take either, in the same order', async () => {
    const { send, seen } = spawn(
      createMachine({
        context: { seen: [] as unknown[] },
        initial: 'a',
        states: {
          a: { meta: { postpone: ['edit', 'print'] }, on: { next: 'b' } },
          b: { meta: { postpone: ['edit'] }, on: { next: 'c', print: { actions: note } } },
          c: { on: { edit: { actions: note }, print: { actions: note } } },
        },
      }),
    );
    await send(edit(1), { type: 'print' }, edit(2), { type: 'next' });
    expect(seen()).toEqual(['print']);
    await send({ type: 'next' });
    expect(seen()).toEqual(['print', 1, 2]);
  });

  it('stops trying when one of those tried goes back to a state that postpones them', async () => {
    const { send, seen } = spawn(
      createMachine({
        context: { seen: [] as unknown[] },
        initial: 'busy',
        states: {
          busy: { meta: { postpone: ['edit'] }, on: { free: 'free' } },
          free: { on: { edit: { target: 'busy', actions: note } } },
        },
      }),
    );
    await send(edit(1), edit(2), edit(3), { type: 'free' });
    expect(seen()).toEqual([1]);
    await send({ type: 'free' });
    expect(seen()).toEqual([1, 2]);
  });

  it('counts the states that are active: ancestors and regions too', async () => {
    const { send, seen } = spawn(
      createMachine({
        context: { seen: [] as unknown[] },
        type: 'parallel',
        states: {
          work: {
            initial: 'outer',
            states: {
              outer: {
                meta: { postpone: ['edit'] },
                initial: 'one',
                states: { one: { on: { next: 'two' } }, two: { on: { free: '#free' } } },
              },
              free: { id: 'free' },
            },
          },
          seen: { on: { edit: { actions: note } } },
        },
      }),
    );
    await send(edit(1), { type: 'next' });
    expect(seen()).toEqual([]);
    await send({ type: 'free' });
    expect(seen()).toEqual([1]);
  });
});

describe('a real change of state', () => {
  const machine = (busy: object, more: object = {}) =>
    createMachine({
      context: { seen: [] as unknown[], open: false },
      initial: 'busy',
      states: {
        busy: { meta: { postpone: ['edit'] }, ...busy },
        ...more,
      },
    } as never);

  it.each([
    [
      'a raised event enters the state again',
      {
        on: { go: { actions: raise({ type: 'again' }) }, again: { target: 'busy', reenter: true } },
      },
      {},
    ],
    [
      'the step leaves the state and comes back to it',
      { on: { go: 'between' } },
      { between: { always: 'busy' } },
    ],
    [
      'an always transition enters it again',
      {
        on: { go: { actions: assign({ open: true }) } },
        always: {
          guard: ({ context }: any) => context.open,
          target: 'busy',
          reenter: true,
          actions: assign({ open: false }),
        },
      },
      {},
    ],
  ])('is one when %s', async (_, busy, more) => {
    const postponed: unknown[] = [];
    const { system, send } = spawn(machine(busy, more));
    system.inspect((event) => void (event.type === 'postponed' && postponed.push(event.message)));
    await send(edit(1), { type: 'go' });
    expect(postponed).toEqual([edit(1), edit(1)]);
  });

  it('is one when an event of a child changes the state', async () => {
    const { send, seen, system } = spawn(
      createMachine({
        context: { seen: [] as unknown[] },
        initial: 'busy',
        states: {
          busy: {
            meta: { postpone: 'all' },
            invoke: {
              src: createMachine({ after: { 10: { actions: sendParent({ type: 'ready' }) } } }),
            },
            on: { ready: 'free' },
          },
          free: { on: { edit: { actions: note } } },
        },
      }),
    );
    await send(edit(1));
    await system.advance(10);
    expect(seen()).toEqual([1]);
  });

  it('is none when only a child changes its state', async () => {
    const postponed: unknown[] = [];
    const child = createMachine({
      initial: 'a',
      states: { a: { after: { 10: { target: 'a', reenter: true } } } },
    });
    const { send, system } = spawn(machine({ invoke: { src: child } }));
    system.inspect((event) => void (event.type === 'postponed' && postponed.push(event.message)));
    await send(edit(1));
    await system.advance(35);
    expect(postponed.length).toBe(1);
  });
});

describe('what is never postponed', () => {
  it("is an agent's own events: timers, completions, errors and snapshots", async () => {
    const { system, send, seen } = spawn(
      createMachine({
        context: { seen: [] as unknown[] },
        initial: 'a',
        states: {
          a: { meta: { postpone: 'all' }, after: { 10: 'b' } },
          b: {
            meta: { postpone: 'all' },
            invoke: { src: fromPromise(async () => 1), onDone: 'c' },
          },
          c: {
            meta: { postpone: 'all' },
            invoke: {
              src: fromPromise(async () => {
                throw new Error('no');
              }),
              onError: 'd',
            },
          },
          d: {
            meta: { postpone: 'all' },
            invoke: { src: fromCallback(({ sendBack }) => sendBack({ type: 'hello' })) },
            on: { hello: 'e' },
          },
          e: { on: { '*': { actions: note } } },
        },
      }),
    );
    await send(edit(1));
    await system.advance(10);
    expect(seen()).toEqual([1]);
  });
});

describe('the bounds', () => {
  const machine = createMachine({
    context: { seen: [] as unknown[] },
    initial: 'busy',
    states: {
      busy: { meta: { postpone: ['edit'] }, on: { free: 'free' } },
      free: { on: { edit: { actions: note } } },
    },
  });

  it('refuse one more than capacityPostponed as a full mailbox does', async () => {
    const { system, ref, send, seen } = spawn(machine, { mailbox: { capacityPostponed: 2 } });
    await send(edit(1), edit(2), edit(3));
    expect(system.deadLetters.list()).toMatchObject([{ reason: 'mailbox full', message: edit(3) }]);
    await expect(system.run(ref.ask({ type: 'edit' }))).rejects.toMatchObject({
      code: 'MAILBOX_FULL',
    });
    await send({ type: 'free' });
    expect(seen()).toEqual([1, 2]);
  });

  it('leave room in the mailbox for what is not postponed', async () => {
    const { send, seen } = spawn(machine, { mailbox: { capacityMessages: 1 } });
    for (const n of [1, 2, 3]) await send(edit(n));
    await send({ type: 'free' });
    expect(seen()).toEqual([1, 2, 3]);
  });
});

describe('a request that is postponed', () => {
  type Reply = { type: 'edited' };
  const editor = setup({
    types: {} as {
      events: { type: 'edit'; replyTo: ReplyTo<Reply> } | { type: 'free' };
      meta: PostponeMeta;
    },
  }).createMachine({
    initial: 'busy',
    states: {
      busy: { meta: { postpone: ['edit'] }, on: { free: 'free' } },
      free: { on: { edit: { actions: ({ event }) => event.replyTo.send({ type: 'edited' }) } } },
    },
  });

  it('is answered after the change', async () => {
    const system = createTestSystem();
    const ref = system.spawn(editor);
    const answer = ref.ask({ type: 'edit' });
    await system.settle();
    expect(system.requests()).toMatchObject([{ progress: 'queued', holder: undefined }]);
    ref.send({ type: 'free' });
    await expect(system.run(answer)).resolves.toEqual({ type: 'edited' });
  });

  it('times out as queued, and is not seen afterwards', async () => {
    const system = createTestSystem();
    const ref = system.spawn(editor);
    await expect(system.run(ref.ask({ type: 'edit' }, { timeoutMs: 20 }))).rejects.toMatchObject({
      code: 'ASK_TIMEOUT',
      progress: 'queued',
    });
    ref.send({ type: 'free' });
    await system.settle();
    expect(system.stats().unhandled).toBe(0);
    expect(system.agents()[0]?.handled).toBe(1);
  });

  it('fails with the crash when its agent crashes before', async () => {
    const system = createTestSystem();
    const ref = system.spawn(editor);
    const failed = expect(ref.ask({ type: 'edit' })).rejects.toMatchObject({
      code: 'ACTOR_ENDED',
      cause: { message: 'boom' },
    });
    await system.settle();
    await system.crash(ref, new Error('boom'));
    await failed;
  });
});

it('tries what the former life had postponed when the next one begins', async () => {
  const machine = createMachine({
    context: { seen: [] as unknown[] },
    initial: 'free',
    states: {
      free: { on: { edit: { actions: note }, busy: 'busy' } },
      busy: {
        meta: { postpone: ['edit'] },
        on: {
          crash: {
            actions: () => {
              throw new Error('boom');
            },
          },
        },
      },
    },
  });
  const system = createTestSystem();
  let child: any;
  system.spawn(
    fromHandler<undefined, { type: 'troupe.down' }>({
      start(_, ctx) {
        child = ctx.spawn(machine, { hold: true, monitor: true });
      },
      *receive(_, __, ctx) {
        yield* ctx.restart(child);
      },
    }),
  );
  await system.settle();
  for (const event of [{ type: 'busy' }, edit(1), edit(2), { type: 'crash' }]) child.send(event);
  await system.settle();
  expect(child.getSnapshot()).toMatchObject({ value: 'free', context: { seen: [1, 2] } });
});

describe('a wrong meta.postpone', () => {
  it.each([[5], ['edit'], [{ edit: true }], [['edit', 5]]])(
    'is refused at the spawn: %j',
    (postpone) => {
      const system = createTestSystem();
      const machine = createMachine({
        id: 'desk',
        initial: 'a',
        states: { a: {}, b: { initial: 'c', states: { c: { meta: { postpone } } } } },
      });
      let thrown: any;
      try {
        system.spawn(machine);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(InvalidOption);
      expect(thrown.field).toBe('meta.postpone of state "desk.b.c"');
      expect(system.agents()).toEqual([]);
    },
  );
});
