/**
 * Misuse throws at the call: a typed error that names the field, what was given and what is allowed.
 * An async method rejects with it.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import {
  InvalidOption,
  MemoryStore,
  NameTaken,
  agentName,
  ask,
  createSystem,
  fromHandler,
  here,
  type AgentContext,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { failure, puppet, spawnPuppet, tell, type PuppetRef } from './cast.ts';

// What a program without types would pass.
type Untyped = any;

let system: TestSystem;
let ref: PuppetRef;
/** The context of an agent that lives as long as the test. */
let ctx: AgentContext<Untyped>;

beforeEach(async () => {
  system = createTestSystem();
  const probe = system.probe('p');
  ref = spawnPuppet(system, 'ref');
  await system.settle();
  ctx = probe.context as AgentContext<Untyped>;
});

/** A call, and the field that its error names; what is allowed is in the message as well. */
type Row = readonly [call: () => unknown, field: string, allowed?: string];

async function expectRefused([call, field, allowed]: Row): Promise<void> {
  const error = await failure(call);
  expect(error, String(call)).toBeInstanceOf(InvalidOption);
  const { code, field: named, fields, message } = error as InvalidOption;
  expect(code).toBe('INVALID_OPTION');
  expect(named, String(call)).toBe(field);
  expect(fields).toHaveProperty('given');
  expect(String(fields['allowed']), String(call)).toContain(allowed ?? '');
  expect(message).toContain('allowed: ');
}

const rows = (title: string, make: () => readonly Row[]): void => {
  it(title, async () => {
    for (const row of make()) await expectRefused(row);
  });
};

const spawn = (options: Untyped): unknown => system.spawn(puppet(), options);
const create = (options: Untyped): unknown => createSystem(options);

describe('createSystem refuses', () => {
  rows('an option that it does not know', () => [
    [() => create({ nmae: 'x' }), 'createSystem.nmae', 'name'],
    [() => createTestSystem({ sede: 1 } as Untyped), 'createTestSystem.sede', 'name'],
  ]);
  rows('options that are no object', () => [
    [() => create('local'), 'createSystem', 'an object'],
    [() => create(null), 'createSystem', 'an object'],
  ]);
  rows('a name that is no part of an address', () =>
    ['', 'a/b', 'a b', 'a#b', 5, null].map((name) => [() => create({ name }), 'name']),
  );
  rows('limits that are none', () =>
    ['askTimeoutMs', 'hopsMax', 'deadLettersMax'].flatMap((field) =>
      [0, -1, NaN, '5', null].map((given): Row => [() => create({ [field]: given }), field]),
    ),
  );
  rows('counts that are no integers', () =>
    ['hopsMax', 'deadLettersMax'].flatMap((field) =>
      [1.5, Infinity].map((given): Row => [() => create({ [field]: given }), field, 'an integer']),
    ),
  );
  rows('seams that are none', () => [
    [() => create({ clock: {} }), 'clock'],
    [() => create({ scheduler: 5 }), 'scheduler'],
    [() => create({ random: Math.random }), 'random'],
    [() => create({ network: { node: 'x' } }), 'network'],
    [() => create({ log: true }), 'log', 'false'],
    [() => create({ log: console.log }), 'log'],
    [() => create({ freeze: 'yes' }), 'freeze', 'boolean'],
  ]);
});

describe('spawn refuses', () => {
  rows('a logic that is none', () =>
    [undefined, null, {}, 'editor', () => 1, createMachine, { transition: 1 }].map((logic) => [
      () => system.spawn(logic as Untyped),
      'logic',
      'XState actor logic',
    ]),
  );
  rows('options that are no object', () => [
    [() => spawn(null), 'options', 'an object'],
    [() => spawn('id'), 'options', 'an object'],
  ]);
  rows('an option that it does not know, by its name', () => [
    [() => spawn({ ide: 'x' }), 'options.ide', 'id, name, input'],
    [() => ctx.spawn(puppet(), { restart: 'permanent' } as Untyped), 'options.restart'],
  ]);
  rows('an id that is no part of a path', () =>
    ['', 'a/b', '/a', 'a b', 'a\tb', 'a#b', 5, null].map((id) => [() => spawn({ id }), 'id']),
  );
  rows('a name that is none', () =>
    ['', {}, { name: '' }, { name: 5 }, 5, null].map((name) => [() => spawn({ name }), 'name']),
  );
  rows('a mailbox that is none', () => [
    [() => spawn({ mailbox: 5 }), 'mailbox', 'an object'],
    [() => spawn({ mailbox: { capacity: 5 } }), 'mailbox.capacity', 'capacityMessages'],
    ...[0, -1, 1.5, NaN, '5', Infinity].map((given): Row => [
      () => spawn({ mailbox: { capacityMessages: given } }),
      'mailbox.capacityMessages',
      'integer >= 1',
    ]),
    [() => spawn({ mailbox: { capacityPostponed: -1 } }), 'mailbox.capacityPostponed'],
    [() => spawn({ mailbox: { overflow: 'block' } }), 'mailbox.overflow', "'fail'"],
    [() => spawn({ mailbox: { overflow: { conflate: 'key' } } }), 'mailbox.overflow'],
    [() => spawn({ mailbox: { overflow: null } }), 'mailbox.overflow'],
    [() => spawn({ mailbox: { onRestart: 'drop' } }), 'mailbox.onRestart', "'keep' or 'clear'"],
  ]);
  rows('a shutdown that is none', () =>
    [-1, NaN, Infinity, 'now', '100', null].map((shutdown) => [
      () => spawn({ shutdown }),
      'shutdown',
      '"infinity" or "brutal_kill"',
    ]),
  );
  rows('flags that are no booleans', () => [
    [() => spawn({ trapExit: 'yes' }), 'trapExit', 'boolean'],
    [() => ctx.spawn(puppet(), { hold: 1 } as Untyped), 'hold', 'boolean'],
    [() => ctx.spawn(puppet(), { link: {} } as Untyped), 'link', 'boolean'],
    [() => ctx.spawn(puppet(), { monitor: 'x' } as Untyped), 'monitor', 'boolean'],
  ]);
  rows('what only a parent can give, at the top', () =>
    ['hold', 'link', 'monitor'].map((key) => [
      () => spawn({ [key]: true }),
      `options.${key}`,
      'ctx.spawn',
    ]),
  );
  rows('a persist that is none', () => [
    [() => spawn({ persist: {} }), 'persist.store', 'load, save and delete'],
    [() => spawn({ persist: 5 }), 'persist.store'],
    [() => spawn({ persist: null }), 'persist.store'],
    [() => spawn({ persist: { store: { load: () => 1 } } }), 'persist.store'],
    ...[0, 1.5, '1', NaN].map((version): Row => [
      () => spawn({ persist: { store: new MemoryStore(), version } }),
      'persist.version',
      'integer >= 1',
    ]),
    [
      () => spawn({ persist: { store: new MemoryStore(), save: 'never' } }),
      'persist.save',
      '"step"',
    ],
    [() => spawn({ persist: { store: new MemoryStore(), key: 5 } }), 'persist.key', 'string'],
    [() => spawn({ persist: { store: new MemoryStore(), migrate: 5 } }), 'persist.migrate'],
    [() => spawn({ persist: { store: new MemoryStore(), evry: 5 } }), 'persist.evry', 'store'],
  ]);

  it('an id that a sibling has, with both sides named; another parent may use it', async () => {
    spawnPuppet(system, 'twice');
    const error = await failure(() => spawnPuppet(system, 'twice'));
    expect(error).toBeInstanceOf(NameTaken);
    expect(error).toMatchObject({ fields: { name: '/twice', requestedBy: 'spawn of "twice"' } });
    ctx.spawn(puppet(), { id: 'twice' });
  });

  it('nothing because of an id that looks like one of its own numbers', () => {
    for (let n = 1; n < 20; n += 2) spawnPuppet(system, `$${n}`);
    const paths = Array.from({ length: 20 }, () => system.spawn(puppet()).path);
    expect(new Set(paths).size).toBe(20);
  });

  it('and leaves nothing behind', async () => {
    const before = system.stats();
    await failure(() => spawn({ id: 'x', name: 'n', mailbox: { capacityMessages: 0 } }));
    await failure(() => spawn({ id: 'x', name: 'n', persist: {} }));
    expect(system.stats()).toEqual(before);
  });
});

describe('fromHandler and ask refuse', () => {
  rows('parts that are none', () => [
    [() => fromHandler({} as Untyped), 'fromHandler', 'receive'],
    [() => fromHandler(undefined as Untyped), 'fromHandler'],
    [() => fromHandler((() => 1) as Untyped), 'fromHandler'],
    [() => fromHandler({ receive: 'x' } as Untyped), 'fromHandler'],
    [
      () => fromHandler({ receive: () => 1, init: () => 1 } as Untyped),
      'fromHandler.init',
      'initial',
    ],
    [() => fromHandler({ receive: () => 1, start: 5 } as Untyped), 'fromHandler.start', 'function'],
    [() => fromHandler({ receive: () => 1, shutdown: -1 } as Untyped), 'fromHandler.shutdown'],
    [
      () => fromHandler({ receive: () => 1, interruptible: 1 } as Untyped),
      'fromHandler.interruptible',
    ],
    [
      () => fromHandler({ receive: () => 1, stopChildren: 'reverse' } as Untyped),
      'fromHandler.stopChildren',
      "'ordered' or 'parallel'",
    ],
  ]);

  it('to run a function agent as a plain XState actor', () => {
    const errors: unknown[] = [];
    const actor = createActor(puppet() as Untyped);
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    expect(errors).toMatchObject([{ code: 'UNHANDLED' }]);
  });

  it('a wrong target of an invoked ask when it is invoked: the machine crashes with it', async () => {
    const src = (ask as Untyped)('editor', 'edit');
    const bad = system.spawn(createMachine({ invoke: { src } }));
    expect(await failure(system.run(bad.result()))).toMatchObject({
      reason: { type: 'crash', error: { code: 'INVALID_OPTION', field: 'to' } },
    });
  });
});

describe('names refuse', () => {
  rows('what is no name', () => [
    [() => agentName(''), 'agentName', 'non-empty string'],
    [() => agentName(5 as Untyped), 'agentName'],
    [() => agentName(undefined as Untyped), 'agentName'],
    ...['', undefined, null, 5, {}, { name: '' }].flatMap((name: Untyped): Row[] => [
      [() => system.register(name, ref), 'name', 'agentName'],
      [() => system.unregister(name), 'name'],
      [() => system.whereis(name), 'name'],
      [() => ctx.register(name), 'name'],
      [() => ctx.unregister(name), 'name'],
      [() => ctx.whereis(name), 'name'],
    ]),
  ]);
  rows('what is no ref', () =>
    [undefined, null, 'x', {}].map((bad: Untyped) => [() => system.register('n', bad), 'ref']),
  );
});

describe('refs refuse', () => {
  rows('an address that is none', () =>
    ['nothing', '', 5, undefined].map((address: Untyped) => [() => system.ref(address), 'address']),
  );
  rows('a message that is no event', () =>
    [undefined, null, 'x', 5, {}, { type: 5 }].flatMap((message: Untyped): Row[] => [
      [() => ref.send(message), 'message', '`type`'],
      [() => ref.offer(message), 'message'],
      [() => ref.ask(message), 'message'],
      [() => ctx.send(ref, message), 'message'],
    ]),
  );
  rows('what is no type, listener, observer or signal', () => [
    [() => (ref as Untyped).on(5, () => undefined), 'type', 'type of an event'],
    [() => (ref as Untyped).on('x', 5), 'listener', 'function'],
    [() => (ref as Untyped).subscribe(5), 'observer', 'function'],
    [() => (ref as Untyped).subscribe(null), 'observer'],
    [() => (ref as Untyped).subscribe(undefined, 5), 'error', 'function'],
    [() => (ref as Untyped).offer({ type: 'x' }, { signal: 5 }), 'signal', 'throwIfAborted'],
    [() => (ref as Untyped).offer({ type: 'x' }, { signel: 5 }), 'offer.signel', 'signal'],
    [() => (ref as Untyped).offer({ type: 'x' }, null), 'offer', 'object'],
  ]);
  rows('a timeout that is none', () =>
    [-1, NaN, '5', null].flatMap((timeoutMs: Untyped): Row[] => [
      [() => ref.ask({ type: 'read' }, { timeoutMs }), 'timeoutMs', '>= 0'],
      [() => ref.stop({ timeoutMs }), 'timeoutMs', '>= 0'],
    ]),
  );
  rows('a grace that is a word other than infinity', () => [
    [() => ref.stop({ timeoutMs: 'soon' } as Untyped), 'timeoutMs', '"infinity"'],
  ]);
  rows('a budget that is none', () => [
    [() => ref.ask({ type: 'read' }, { budget: { tokens: -1 } }), 'budget.tokens', '>= 0'],
    [() => ref.ask({ type: 'read' }, { budget: { tokens: NaN } }), 'budget.tokens'],
    [() => ref.ask({ type: 'read' }, { budget: { tokens: '5' } } as Untyped), 'budget.tokens'],
    [() => ref.ask({ type: 'read' }, { budget: 5 } as Untyped), 'budget', 'an object'],
  ]);
  rows('options that they do not know', () => [
    [() => ref.ask({ type: 'read' }, { timeout: 5 } as Untyped), 'options.timeout', 'timeoutMs'],
    [() => ref.stop({ grace: 5 } as Untyped), 'options.grace', 'timeoutMs'],
  ]);
  rows('what is no ref, where the system takes one', () =>
    [undefined, null, 'x', {}].flatMap((bad: Untyped): Row[] => [
      [() => system.monitor(bad, () => undefined), 'ref'],
      [() => system.link(bad, ref), 'ref'],
      [() => system.link(ref, bad), 'ref'],
      [() => system.suspend(bad), 'ref'],
      [() => system.resume(bad), 'ref'],
    ]),
  );
  rows('a callback that is none', () => [
    [() => system.monitor(ref, 5 as Untyped), 'onDown', 'a function'],
    [() => system.inspect(5 as Untyped), 'observer', 'a function'],
  ]);

  it('leave no ask open for a call that was refused', async () => {
    await failure(ref.ask({ type: 'read' }, { timeoutMs: -1 }));
    await failure(ref.ask({ type: 'read' }, { budget: { tokens: -1 } }));
    expect(system.stats()).toMatchObject({ openRequests: 0, timers: 0 });
  });
});

describe('a context refuses', () => {
  rows('a target that is none', () =>
    [undefined, null, 'editor', 5, {}].flatMap((to: Untyped): Row[] => [
      [() => ctx.send(to, { type: 'x' }), 'to', 'a ref'],
      [() => (ctx as Untyped).ask(to, { type: 'x' }), 'to', 'a ref'],
    ]),
  );
  rows('delays that are none', () =>
    [-1, NaN, '5', undefined, null].flatMap((ms: Untyped): Row[] => [
      [() => ctx.after(ms, { type: 'x' }), 'after', 'milliseconds'],
      [() => ctx.every(ms, { type: 'x' }), 'every', 'milliseconds'],
      [() => ctx.idle(ms, { type: 'x' }), 'idle', 'milliseconds'],
      [() => ctx.sleep(ms), 'sleep', 'milliseconds'],
    ]),
  );
  rows('a period of 0, which would never let time go on', () => [
    [() => ctx.every(0, { type: 'x' }), 'every', '> 0'],
  ]);
  rows('timer events and ids that are none', () => [
    [() => ctx.after(1, 'x' as Untyped), 'message'],
    [() => ctx.every(1, {} as Untyped), 'message'],
    [() => ctx.after(1, { type: 'x' }, { id: '' }), 'options.id', 'non-empty string'],
    [() => ctx.after(1, { type: 'x' }, { id: 5 } as Untyped), 'options.id'],
    [() => ctx.after(1, { type: 'x' }, { name: 'x' } as Untyped), 'options.name', 'id'],
  ]);
  rows('what is no ref', () =>
    [undefined, null, 'x', {}].flatMap((bad: Untyped): Row[] => [
      [() => ctx.link(bad), 'ref'],
      [() => ctx.unlink(bad), 'ref'],
      [() => ctx.monitor(bad), 'ref'],
      [() => ctx.exit(bad, { type: 'killed' }), 'ref'],
      [() => ctx.started(bad), 'ref'],
      [() => ctx.stopChild(bad), 'ref'],
      [() => ctx.restart(bad), 'ref'],
      [() => ctx.release(bad), 'ref'],
    ]),
  );
  rows("what is somebody else's child", () => [
    [() => ctx.started(ref), 'started', 'a child of /p'],
    [() => ctx.stopChild(ref), 'stopChild', 'a child of /p'],
    [() => ctx.restart(ref), 'restart', 'a child of /p'],
    [() => ctx.release(ref), 'release', 'a child of /p'],
  ]);
  rows('an exit reason that is none', () =>
    [undefined, 'normal', {}, { type: 'boom' }].map((reason: Untyped) => [
      () => ctx.exit(ref, reason),
      'reason',
      'normal, shutdown',
    ]),
  );
  rows('a request that is none', () =>
    [undefined, {}, { type: 'x' }].flatMap((request: Untyped): Row[] => [
      [() => ctx.reply(request, { type: 'x' } as Untyped), 'request', 'replyTo'],
      [() => ctx.fail(request, new Error('x')), 'request', 'replyTo'],
      [() => ctx.defer(request), 'request', 'replyTo'],
      [() => ctx.forward(ref as Untyped, request), 'request', 'replyTo'],
    ]),
  );
  rows('to postpone outside the handling of a message', () => [
    [() => ctx.postpone(), 'postpone', 'a message'],
  ]);

  it('a grace that is none', async () => {
    const child = ctx.spawn(puppet());
    for (const grace of [-1, NaN, 'soon'] as Untyped[])
      await expectRefused([() => ctx.stopChild(child, grace), 'stopChild', '"brutal_kill"']);
  });

  it('to restart a child that runs, or that was not held', async () => {
    const running = ctx.spawn(puppet(), { hold: true });
    const loose = ctx.spawn(puppet());
    await system.settle();
    await expectRefused([() => ctx.restart(running), 'restart', '(it is running)']);
    await system.run(loose.kill());
    await expectRefused([() => ctx.restart(loose), 'restart', 'hold']);
  });

  it('to postpone a timer, a Down or an Exit', async () => {
    const fields: unknown[] = [];
    const logic = fromHandler({
      receive: (_state: undefined, _event: Untyped, inner) => {
        try {
          inner.postpone();
        } catch (error) {
          fields.push((error as InvalidOption).field);
        }
      },
      start: (_state, inner) => {
        inner.after(1, { type: 'tick' });
        inner.monitor(system.ref('/nobody'));
      },
    });
    system.spawn(logic);
    await system.advance(1);
    expect(fields).toEqual(['postpone', 'postpone']);
  });

  it('to yield what is no wait', async () => {
    tell(ref, function* () {
      yield 5 as Untyped;
    } as Untyped);
    await system.settle();
    expect(await failure(ref.result())).toMatchObject({
      reason: { error: { code: 'INVALID_OPTION', field: 'yield', fields: { given: 5 } } },
    });
  });

  it('a wait that is returned as the state instead of being waited for', async () => {
    tell(ref, ((inner: AgentContext) => inner.sleep(5)) as Untyped);
    await system.settle();
    expect(await failure(system.run(ref.result()))).toMatchObject({
      reason: { error: { code: 'INVALID_OPTION', field: 'return' } },
    });
  });
});

describe('here()', () => {
  it('throws outside a step', async () => {
    await expectRefused([() => here(), 'here()', 'within a step']);
  });

  it('throws in the continuation of an async handler', async () => {
    let error: unknown;
    tell(ref, async () => {
      here();
      await Promise.resolve();
      error = await failure(() => here());
    });
    await system.settle();
    expect(error).toBeInstanceOf(InvalidOption);
  });
});

describe('the test system refuses', () => {
  rows('to advance by what is no time', () =>
    [-1, NaN, undefined].map((ms: Untyped) => [() => system.advance(ms), 'advance']),
  );
});
