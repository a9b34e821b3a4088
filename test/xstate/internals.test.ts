/**
 * What runtime/xstate/ relies on of XState's inside, fact by fact, on XState alone. When one of
 * these fails after an upgrade, the adapter is wrong in the way that the name says.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  Actor,
  StateMachine,
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stopChild,
  type AnyActorLogic,
} from 'xstate';
import { UnsupportedXState, createSystem } from 'troupe';

afterEach(() => vi.restoreAllMocks());

/** A hidden root that was never started, as the host's is, and notes of what reaches its system. */
function rig() {
  const root = createActor(fromTransition((state: undefined) => state, undefined)) as any;
  const system = root.system;
  const calls: any[][] = [];
  const registered: any[] = [];
  system._register = (sessionId: string, actor: any) => {
    calls.push(['register', actor.id, actor._processingStatus]);
    registered.push(actor);
    return sessionId;
  };
  system._unregister = (actor: any) =>
    calls.push(['unregister', actor.id, actor._processingStatus]);
  system._set = (systemId: string, actor: any) =>
    calls.push(['set', systemId, actor._processingStatus]);
  system._relay = (source: any, target: any, event: any) => {
    calls.push(['relay', source?.id, target === root ? 'root' : target.id, event.type]);
    if (target !== root && target._processingStatus === 1) target._process(event);
  };
  system.scheduler = {
    schedule: (source: any, target: any, event: any, delay: number, id: unknown) =>
      calls.push(['schedule', source.id, target.id, event.type, delay, id]),
    cancel: (source: any, id: string) => calls.push(['cancel', source.id, id]),
    cancelAll: (actor: any) => calls.push(['cancelAll', actor.id]),
  };
  const create = (logic: AnyActorLogic, options: object = {}) =>
    createActor(logic, { id: 'agent', ...options, parent: root } as never) as any;
  const of = (kind: string) => calls.filter(([first]) => first === kind);
  return { root, system, calls, registered, create, of };
}

describe('an actor with a parent', () => {
  it('shares the system of its parent, which need not run, and books its session there', () => {
    const { system, create } = rig();
    system._bookId = () => 'mine';
    const actor = create(createMachine({}));
    expect(actor.system).toBe(system);
    expect(actor.sessionId).toBe('mine');
    expect(actor).toBeInstanceOf(Actor);
    actor.start();
    expect(actor._processingStatus).toBe(1);
  });

  it('has the status 0 before its start, 1 while it runs and 2 when it has ended', () => {
    const { create } = rig();
    const actor = create(createMachine({}));
    expect(actor._processingStatus).toBe(0);
    actor.start();
    expect(actor._processingStatus).toBe(1);
    actor._process({ type: 'xstate.stop' });
    expect(actor._processingStatus).toBe(2);
  });

  it('registers with its system before its mailbox starts, so that the mailbox can be replaced then', () => {
    const { system, create, of } = rig();
    const order: string[] = [];
    const register = system._register;
    system._register = (sessionId: string, actor: any) => {
      actor.mailbox = {
        start: () => order.push('start'),
        clear: () => order.push('clear'),
        enqueue: ({ type }: any) => order.push(type),
      };
      return register(sessionId, actor);
    };
    const actor = create(createMachine({}));
    actor.start();
    expect(of('register')).toEqual([['register', 'agent', 0]]);
    expect(order).toEqual(['start']);
    actor._send({ type: 'event' });
    actor._stop();
    expect(order).toEqual(['start', 'event', 'clear', 'xstate.stop']);
  });

  it('registers parents before their children', () => {
    const { create, of } = rig();
    const callback = fromCallback(() => undefined);
    create(
      createMachine({
        context: ({ spawn }: any) => ({ one: spawn(callback, { id: 'one' }) }),
        invoke: { id: 'two', src: createMachine({ invoke: { id: 'three', src: callback } }) },
        entry: spawnChild(callback, { id: 'four' }),
      } as never),
    ).start();
    const order = of('register').map(([, id]) => id);
    expect(order[0]).toBe('agent');
    expect(new Set(order)).toEqual(new Set(['agent', 'one', 'two', 'three', 'four']));
    expect(order.indexOf('two')).toBeLessThan(order.indexOf('three'));
  });

  it('sets its system id when it is made and again when it starts, with its parent known', () => {
    const { system, create } = rig();
    const parents: unknown[] = [];
    system._set = (systemId: string, actor: any) =>
      parents.push([systemId, actor._parent?.id, actor.systemId]);
    create(
      createMachine({ invoke: { id: 'c', systemId: 'key', src: fromCallback(() => undefined) } }),
    ).start();
    expect(parents).toEqual([
      ['key', 'agent', 'key'],
      ['key', 'agent', 'key'],
    ]);
  });

  it('tells its system before its logic is called, so that the logic can be replaced', () => {
    const { system, create } = rig();
    const order: unknown[] = [];
    const inspect = system._sendInspectionEvent;
    system._sendInspectionEvent = (event: any) => {
      if (event.type === '@xstate.actor' && event.actorRef.id === 'child') {
        order.push(['made', event.actorRef._snapshot, event.actorRef._parent.id]);
        event.actorRef.logic = createMachine({ context: () => (order.push('replaced'), {}) });
      }
      inspect(event);
    };
    const child = createMachine({ context: () => (order.push('original'), {}) });
    create(createMachine({ invoke: { id: 'child', src: child } }));
    expect(order).toEqual([['made', undefined, 'agent'], 'replaced']);
  });
});

describe('every send goes through the relay', () => {
  it('of sendTo, sendParent, send, and of what a callback sends back', () => {
    const { create, of } = rig();
    const child = fromCallback(({ sendBack, receive }) =>
      receive(() => sendBack({ type: 'back' })),
    );
    const actor = create(
      createMachine({
        invoke: { id: 'c', src: child },
        entry: sendParent({ type: 'up' }),
        on: { go: { actions: sendTo('c', { type: 'to' }) } },
      }),
    );
    actor.start();
    actor.send({ type: 'go' });
    expect(of('relay')).toEqual([
      ['relay', 'agent', 'root', 'up'],
      ['relay', undefined, 'agent', 'go'],
      ['relay', 'agent', 'c', 'to'],
      ['relay', 'c', 'agent', 'back'],
    ]);
  });

  it('of completions, errors and snapshots, to the parent', async () => {
    const { create, of } = rig();
    create(
      createMachine({
        invoke: [
          { id: 'good', src: fromPromise(async () => 1) },
          { id: 'bad', src: fromPromise(() => Promise.reject(new Error('bad'))), onError: {} },
          { id: 'snap', src: fromTransition((n: number) => n, 0), onSnapshot: {} },
        ],
      }),
    ).start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(of('relay')).toEqual([
      ['relay', 'snap', 'agent', 'xstate.snapshot.snap'],
      ['relay', 'good', 'good', 'xstate.promise.resolve'],
      ['relay', 'good', 'agent', 'xstate.done.actor.good'],
      ['relay', 'bad', 'bad', 'xstate.promise.reject'],
      ['relay', 'bad', 'agent', 'xstate.error.actor.bad'],
    ]);
  });

  it('of what an observable and an event observable deliver', () => {
    const { create, of } = rig();
    const observers: any[] = [];
    const subscribable: any = {
      subscribe: (observer: any) => (observers.push(observer), { unsubscribe() {} }),
    };
    create(
      createMachine({
        invoke: [
          { id: 'values', src: fromObservable(() => subscribable) },
          { id: 'events', src: fromEventObservable(() => subscribable) },
        ],
      }),
    ).start();
    observers[0].next(1);
    observers[1].next({ type: 'event' });
    observers[0].complete();
    expect(of('relay')).toEqual([
      ['relay', 'values', 'values', 'xstate.observable.next'],
      ['relay', 'events', 'agent', 'event'],
      ['relay', 'values', 'values', 'xstate.observable.complete'],
      ['relay', 'values', 'agent', 'xstate.done.actor.values'],
    ]);
  });

  it('of the end of the agent itself: done and error, whose type begins with xstate.', () => {
    const done = rig();
    done.create(createMachine({ initial: 'a', states: { a: { type: 'final' } } })).start();
    expect(done.of('relay')).toEqual([['relay', 'agent', 'root', 'xstate.done.actor.agent']]);
    const failed = rig();
    failed
      .create(
        createMachine({
          entry: () => {
            throw new Error('x');
          },
        }),
      )
      .start();
    expect(failed.of('relay')).toEqual([['relay', 'agent', 'root', 'xstate.error.actor.agent']]);
  });

  it('takes as the target of sendTo whatever has a place in the relay, such as a ref', () => {
    const { create, system } = rig();
    const targets: unknown[] = [];
    system._relay = (_: unknown, target: unknown) => targets.push(target);
    const ref = { _send() {}, sessionId: 'r' };
    create(createMachine({ entry: sendTo(() => ref as any, { type: 'x' }) })).start();
    expect(targets).toEqual([ref]);
  });
});

describe('timers go through the scheduler', () => {
  it('for after, delayed raise and delayed sendTo, without an id where the user gave none', () => {
    const { create, of, calls } = rig();
    const actor = create(
      createMachine({
        id: 'm',
        initial: 'a',
        states: { a: { after: { 10: 'b' }, on: { go: 'b' } }, b: {} },
        entry: [
          raise({ type: 'one' }, { delay: 1 }),
          raise({ type: 'two' }, { delay: 2, id: 'two' }),
        ],
        exit: cancel('two'),
        on: { later: { actions: sendTo(({ self }) => self, { type: 'three' }, { delay: 3 }) } },
      }),
    );
    actor.start();
    actor._process({ type: 'later' });
    expect(of('schedule')).toEqual([
      ['schedule', 'agent', 'agent', 'one', 1, undefined],
      ['schedule', 'agent', 'agent', 'two', 2, 'two'],
      ['schedule', 'agent', 'agent', 'xstate.after.10.m.a', 10, 'xstate.after.10.m.a'],
      ['schedule', 'agent', 'agent', 'three', 3, undefined],
    ]);
    actor._process({ type: 'go' });
    expect(of('cancel')).toEqual([['cancel', 'agent', 'xstate.after.10.m.a']]);
    actor._process({ type: 'xstate.stop' });
    expect(calls.slice(-2)).toEqual([
      ['cancelAll', 'agent'],
      ['unregister', 'agent', 2],
    ]);
  });

  it('sets none anew when a snapshot is restored', () => {
    const machine = createMachine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } });
    const first = rig();
    const snapshot = first.create(machine).start().getPersistedSnapshot();
    expect(first.of('schedule').length).toBe(1);
    const second = rig();
    second.create(machine, { snapshot }).start();
    expect(second.of('schedule')).toEqual([]);
  });
});

describe('what a machine selects', () => {
  it('is asked of getTransitionData of the machine in its snapshot, first for the event that came', () => {
    const asked: unknown[] = [];
    let guards = 0;
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { on: { go: { target: 'b', actions: raise({ type: 'on' }) } } },
        b: { on: { on: { guard: () => ++guards > 0, target: 'c' } } },
        c: {},
      },
    }).provide({}) as any;
    const select = machine.getTransitionData.bind(machine);
    machine.getTransitionData = (snapshot: any, event: any) => {
      const transitions = select(snapshot, event);
      asked.push([event.type, transitions.length]);
      return transitions;
    };
    const { create } = rig();
    const actor = create(machine);
    actor.start();
    expect(actor._snapshot.machine).toBe(machine);
    expect(asked).toEqual([]);
    actor._process({ type: 'go' });
    actor._process({ type: 'unheard' });
    expect(asked).toEqual([
      ['go', 1],
      ['on', 1],
      ['unheard', 0],
    ]);
    expect(guards).toBe(1);
  });

  it('is [] for no transition and not for an explicit empty one', () => {
    const machine = createMachine({ on: { empty: {}, guarded: { guard: () => false } } }) as any;
    const { create } = rig();
    const actor = create(machine);
    expect(machine.getTransitionData(actor._snapshot, { type: 'empty' })).toMatchObject([
      { reenter: false, target: undefined },
    ]);
    expect(machine.getTransitionData(actor._snapshot, { type: 'guarded' })).toEqual([]);
  });

  it('leaves the snapshot the same object when nothing is selected', () => {
    const { create } = rig();
    const actor = create(createMachine({ on: { empty: {} } }));
    actor.start();
    const before = actor._snapshot;
    actor._process({ type: 'unheard' });
    actor._process({ type: 'empty' });
    expect(actor._snapshot).toBe(before);
  });

  it('keeps the list of active nodes the same object until a microstep changes it', () => {
    const { create } = rig();
    const actor = create(
      createMachine({
        initial: 'a',
        context: { n: 0 },
        states: {
          a: {
            meta: { postpone: 'all' },
            on: { leave: 'b', again: { target: 'a', reenter: true }, back: 'between' },
          },
          between: { always: 'a' },
          b: {},
        },
        on: { assign: { actions: assign({ n: 1 }) } },
      }),
    );
    actor.start();
    const nodes = actor._snapshot._nodes;
    expect(nodes.map((node: any) => node.meta)).toEqual([undefined, { postpone: 'all' }]);
    actor._process({ type: 'assign' });
    actor._process({ type: 'again' });
    expect(actor._snapshot._nodes).toBe(nodes);
    actor._process({ type: 'back' });
    expect(actor._snapshot.value).toBe('a');
    expect(actor._snapshot._nodes).not.toBe(nodes);
  });

  it('tells each microstep with its transitions, those of always and raise too', () => {
    const { create, system } = rig();
    const told: unknown[] = [];
    system._sendInspectionEvent = (event: any) => {
      if (event.type === '@xstate.microstep')
        told.push([
          event.actorRef.id,
          event._transitions.map(({ reenter, target }: any) => [reenter, target?.length]),
        ]);
    };
    const actor = create(
      createMachine({
        initial: 'a',
        states: {
          a: {
            on: {
              go: { actions: raise({ type: 'again' }) },
              again: { target: 'a', reenter: true },
            },
          },
        },
      }),
    );
    actor.start();
    actor._process({ type: 'go' });
    expect(told).toEqual([
      ['agent', [[false, undefined]]],
      ['agent', [[true, 1]]],
    ]);
  });

  it('is bounded by options.maxIterations of the machine in its snapshot', () => {
    const machine = createMachine({ on: { go: { actions: raise({ type: 'go' }) } } }).provide(
      {},
    ) as any;
    expect(machine.options.maxIterations).toBe(Infinity);
    machine.options = { ...machine.options, maxIterations: 5 };
    const { create } = rig();
    const actor = create(machine);
    actor.start();
    actor._process({ type: 'go' });
    expect(actor._snapshot.error.message).toMatch(/more than 5 microsteps/);
  });

  it('is that of a copy by provide({}), which leaves the original alone', () => {
    const machine = createMachine({ id: 'm' });
    const copy = machine.provide({});
    expect(copy).not.toBe(machine);
    expect(copy).toBeInstanceOf(StateMachine);
    expect((copy as any).root).not.toBe((machine as any).root);
  });
});

describe('a rehearsal', () => {
  const rehearse = () => {
    const machine = createMachine({
      id: 'm',
      type: 'parallel',
      context: () => ({ user: true }),
      states: { p: { type: 'history' }, q: { initial: 'r', states: { r: {}, s: {} } } },
    }).provide({}) as any;
    const turns: string[] = [];
    const executor = ({ exec }: any) => turns.push(exec.turn);
    const action = (turn: string) => Object.assign(() => undefined, { turn });
    const { q } = machine.root.states;
    Object.assign(q.states.r, { exit: [action('exit r')] });
    Object.assign(q.states.s, { entry: [action('enter s')] });
    Object.assign(q.initial, { actions: [action('initial q')] });
    const scope = { self: {}, system: { _sendInspectionEvent() {} }, defer() {} };
    return { machine, turns, action, q, scope: { ...scope, actionExecutor: executor } as any };
  };

  it('makes the state before the first of the context of its config', () => {
    const { machine, scope } = rehearse();
    machine.config = { ...machine.config, context: {} };
    const before = machine._getPreInitialState(scope, { type: 'xstate.init' }, []);
    expect(before.context).toEqual({});
    expect(before._nodes).toEqual([machine.root]);
  });

  it('runs the actions that stand in the nodes and initial transitions of the machine', () => {
    const { machine, scope, turns } = rehearse();
    machine.getInitialSnapshot(scope, undefined);
    expect(turns).toEqual(['initial q']);
  });

  it('takes the transitions that getTransitionData gives it, whatever they are', () => {
    const { machine, scope, turns, action, q } = rehearse();
    const before = machine.getInitialSnapshot(scope, undefined);
    turns.length = 0;
    const actions = [action('taken')];
    machine.getTransitionData = (_: unknown, { type }: any) =>
      type === 'go' ? [{ source: q, target: [q.states.s], reenter: false, actions }] : [];
    const after = machine.transition(before, { type: 'go' }, scope);
    expect(turns).toEqual(['exit r', 'taken', 'enter s']);
    expect(after._nodes).toEqual([machine.root, q, q.states.s]);
    expect(after.historyValue).toEqual({});
  });

  it('keeps the list of nodes of the snapshot that it is given while it stays as it is', () => {
    const { machine, scope, action, q } = rehearse();
    const before = { ...machine.getInitialSnapshot(scope, undefined), context: {} };
    machine.getTransitionData = (_: unknown, { type }: any) =>
      type === 'go'
        ? [{ source: q, target: undefined, reenter: false, actions: [action('')] }]
        : [];
    expect(machine.transition(before, { type: 'go' }, scope)._nodes).toBe(before._nodes);
  });
});

describe('a stop', () => {
  it('of a child unregisters it early, while it still runs, and its system id is free', () => {
    const { create, calls } = rig();
    const actor = create(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'c', systemId: 'key', src: fromCallback(() => undefined) },
            on: { again: { target: 'on', reenter: true } },
          },
        },
      }),
    );
    actor.start();
    calls.length = 0;
    actor._process({ type: 'again' });
    expect(calls).toEqual([
      ['unregister', 'c', 1],
      ['set', 'key', 0],
      // Only when the step has ended is the old one stopped and the new one started.
      ['cancelAll', 'c'],
      ['unregister', 'c', 2],
      ['register', 'c', 0],
      ['set', 'key', 0],
    ]);
  });

  it('of a child that ended by itself unregisters it a second time', () => {
    const { create, of } = rig();
    const child = createMachine({
      initial: 'a',
      states: { a: { on: { end: 'b' } }, b: { type: 'final' } },
    });
    const actor = create(
      createMachine({
        invoke: { id: 'c', src: child },
        on: { end: { actions: sendTo('c', { type: 'end' }) }, stop: { actions: stopChild('c') } },
      }),
    );
    actor.start();
    actor._process({ type: 'end' });
    actor._process({ type: 'stop' });
    expect(of('unregister')).toEqual([
      ['unregister', 'c', 2],
      ['unregister', 'c', 2],
    ]);
  });

  it('of a child goes to its mailbox as xstate.stop, after what the step sent it', () => {
    const { system, create } = rig();
    const order: string[] = [];
    const register = system._register;
    system._register = (sessionId: string, actor: any) => {
      if (actor.id === 'c')
        actor.mailbox = { start() {}, clear() {}, enqueue: ({ type }: any) => order.push(type) };
      return register(sessionId, actor);
    };
    system._relay = (_: unknown, target: any, event: any) =>
      order.push(`${target.id}:${event.type}`);
    const actor = create(
      createMachine({
        initial: 'on',
        states: {
          on: {
            invoke: { id: 'c', src: fromCallback(() => undefined) },
            exit: sendTo('c', { type: 'bye' }),
            on: { off: 'off' },
          },
          off: {},
        },
      }),
    );
    actor.start();
    actor._process({ type: 'off' });
    expect(order).toEqual(['c:bye', 'xstate.stop']);
  });

  it('replaces the mailbox of the actor', () => {
    const { create, registered } = rig();
    const actor = create(createMachine({}));
    actor.start();
    const mine = { start() {}, clear() {}, enqueue() {} };
    registered[0].mailbox = mine;
    actor._process({ type: 'xstate.stop' });
    expect(actor.mailbox).not.toBe(mine);
  });

  it('never happens by stop() of an actor with a parent', () => {
    const { create } = rig();
    const actor = create(createMachine({})).start();
    expect(() => actor.stop()).toThrow(/non-root/);
  });

  it('runs the cleanup of a callback, aborts a promise and ends a subscription', () => {
    const { create } = rig();
    const ended: string[] = [];
    create(fromCallback(() => () => void ended.push('callback')))
      .start()
      ._process({ type: 'xstate.stop' });
    create(
      fromPromise(
        ({ signal }) => (
          signal.addEventListener('abort', () => ended.push('promise')),
          new Promise(() => undefined)
        ),
      ),
    )
      .start()
      ._process({ type: 'xstate.stop' });
    create(
      fromObservable(
        () => ({ subscribe: () => ({ unsubscribe: () => void ended.push('observable') }) }) as any,
      ),
    )
      .start()
      ._process({ type: 'xstate.stop' });
    expect(ended).toEqual(['callback', 'promise', 'observable']);
  });
});

describe('a crash', () => {
  it('is caught into the snapshot, and leaves running what the machine invoked', () => {
    const { create } = rig();
    let cleaned = 0;
    const actor = create(
      createMachine({
        invoke: { id: 'c', src: fromCallback(() => () => void (cleaned += 1)) },
        on: {
          go: {
            actions: () => {
              throw new Error('boom');
            },
          },
        },
      }),
    );
    actor.start();
    const child = actor._snapshot.children.c;
    actor._process({ type: 'go' });
    expect(actor._snapshot).toMatchObject({ status: 'error', error: { message: 'boom' } });
    expect(actor._processingStatus).toBe(2);
    expect(child._processingStatus).toBe(1);
    expect(cleaned).toBe(0);
  });

  it('of a callback skips its cleanup, which its transition for xstate.stop still runs', () => {
    const { create } = rig();
    let cleaned = 0;
    const actor = create(
      fromCallback(({ receive }) => {
        receive(() => {
          throw new Error('boom');
        });
        return () => void (cleaned += 1);
      }),
    );
    actor.start();
    actor._process({ type: 'go' });
    expect(cleaned).toBe(0);
    actor.logic.transition(actor._snapshot, { type: 'xstate.stop' }, actor._actorScope);
    expect(cleaned).toBe(1);
  });

  it('has the status of the snapshot set before the actor unregisters', () => {
    const { system, create } = rig();
    const statuses: unknown[] = [];
    system._unregister = (actor: any) =>
      statuses.push([actor._snapshot.status, actor._processingStatus]);
    const actor = create(
      createMachine({
        on: {
          go: {
            actions: () => {
              throw new Error('boom');
            },
          },
        },
      }),
    );
    actor.start();
    actor._process({ type: 'go' });
    expect(statuses).toEqual([['error', 2]]);
  });

  it('of an actor with a parent is thrown nowhere and reported to no global handler', () => {
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    const { create } = rig();
    const actor = create(
      createMachine({
        on: {
          go: {
            actions: () => {
              throw new Error('boom');
            },
          },
        },
      }),
    );
    actor.start();
    expect(() => actor._process({ type: 'go' })).not.toThrow();
    expect(timeout).not.toHaveBeenCalled();
  });
});

describe('what is emitted', () => {
  it('reaches a listener of "*", after the actions of the step', () => {
    const { create } = rig();
    const order: string[] = [];
    const actor = create(
      createMachine({
        on: { go: { actions: [emit({ type: 'out' }), () => void order.push('action')] } },
      }),
    );
    actor.on('*', ({ type }: any) => order.push(type));
    actor.start();
    actor._process({ type: 'go' });
    expect(order).toEqual(['action', 'out']);
  });
});

describe('the kind of a logic', () => {
  it('is told by the source of its transition, which the logics of one creator share', () => {
    const subscribable: any = { subscribe: () => ({ unsubscribe() {} }) };
    const pairs: [AnyActorLogic, AnyActorLogic][] = [
      [fromPromise(async () => 1), fromPromise(async ({ input }) => input)],
      [fromCallback(() => undefined), fromCallback(({ receive }) => receive(() => undefined))],
      [fromObservable(() => subscribable), fromObservable(({ input }) => input as any)],
      [fromEventObservable(() => subscribable), fromEventObservable(({ input }) => input as any)],
      [fromTransition((n: number) => n, 0), fromTransition((s: string) => s, '')],
    ];
    const sources = pairs.map(([one, two]) => {
      expect(String(one.transition)).toBe(String(two.transition));
      return String(one.transition);
    });
    expect(new Set(sources).size).toBe(sources.length);
  });
});

describe('an XState that the adapter does not know', () => {
  it.each([
    ['_send', Actor.prototype],
    ['getTransitionData', StateMachine.prototype],
  ])('is refused when a system is created: without %s', (name, holder) => {
    const original = Object.getOwnPropertyDescriptor(holder, name)!;
    delete (holder as any)[name];
    try {
      expect(() => createSystem({ log: false })).toThrow(UnsupportedXState);
      expect(() => createSystem({ log: false })).toThrow(
        `this XState lacks ${name}; troupe supports xstate ^5.33`,
      );
    } finally {
      Object.defineProperty(holder, name, original);
    }
    expect(() => createSystem({ log: false })).not.toThrow();
  });
});
