import { describe, expect, expectTypeOf, it } from 'vitest';
import { setup } from 'xstate';
import {
  ChildSpec,
  InvalidOption,
  MemoryStore,
  agentName,
  child,
  dynamicSupervisor,
  fromHandler,
  partitionSupervisor,
  supervisor,
  taskSupervisor,
  type MailboxOptions,
} from 'troupe';

const logic = fromHandler({ receive: () => undefined });
const good = { id: 'a', logic };

describe('a child spec', () => {
  it('has every default filled in', () => {
    const spec = child(good);
    expect(spec).toBeInstanceOf(ChildSpec);
    expect(Object.fromEntries(Object.entries(spec))).toEqual({
      id: 'a',
      logic,
      input: undefined,
      restart: 'permanent',
      shutdown: 5_000,
      type: 'worker',
      significant: false,
      name: undefined,
      mailbox: undefined,
      trapExit: false,
      persist: undefined,
      backoff: undefined,
      restartsMax: Infinity,
      failedStartsMax: Infinity,
    });
  });

  it('knows the logic of a supervisor, and gives it all the time it needs', () => {
    for (const tree of [
      supervisor({ children: [] }),
      supervisor(() => undefined),
      dynamicSupervisor(),
    ])
      expect(child({ id: 'a', logic: tree })).toMatchObject({
        type: 'supervisor',
        shutdown: 'infinity',
      });
    expect(child({ ...good, type: 'supervisor' }).shutdown).toBe('infinity');
    expect(child({ ...good, type: 'supervisor', shutdown: 10 }).shutdown).toBe(10);
  });

  it.each<readonly [field: string, change: object]>([
    ['id', { id: undefined }],
    ['id', { id: '' }],
    ['id', { id: 'a b' }],
    ['id', { id: 'a#b' }],
    ['logic', { logic: undefined }],
    ['logic', { logic: {} }],
    ['restart', { restart: 'always' }],
    ['restart', { restart: null }],
    ['shutdown', { shutdown: -1 }],
    ['shutdown', { shutdown: Infinity }],
    ['shutdown', { shutdown: 'never' }],
    ['type', { type: 'boss' }],
    ['significant', { significant: 'yes' }],
    ['significant', { significant: true }],
    ['significant', { significant: true, restart: 'permanent' }],
    ['trapExit', { trapExit: 1 }],
    ['name', { name: '' }],
    ['name', { name: {} }],
    ['name', { name: 5 }],
    ['mailbox', { mailbox: 5 }],
    ['mailbox.capacityMessages', { mailbox: { capacityMessages: 0 } }],
    ['mailbox.overflow', { mailbox: { overflow: 'burst' } }],
    ['persist.store', { persist: {} }],
    ['persist.store', { persist: { store: { load: () => undefined, save: () => undefined } } }],
    ['persist.version', { persist: { store: new MemoryStore(), version: 0 } }],
    ['backoff', { backoff: 100 }],
    ['backoff', { backoff: null }],
    ['backoff.minMs', { backoff: { maxMs: 5 } }],
    ['backoff.minMs', { backoff: { minMs: -1, maxMs: 5 } }],
    ['backoff.maxMs', { backoff: { minMs: 10, maxMs: 5 } }],
    ['backoff.maxMs', { backoff: { minMs: 10, maxMs: Infinity } }],
    ['backoff.factor', { backoff: { minMs: 1, maxMs: 5, factor: 0.5 } }],
    ['backoff.minMs', { backoff: { minMs: Infinity, maxMs: Infinity } }],
    ['backoff.minMs', { backoff: { minMs: '1', maxMs: 5 } }],
    ['backoff.factor', { backoff: { minMs: 1, maxMs: 5, factor: Infinity } }],
    ['backoff.jitter', { backoff: { minMs: 1, maxMs: 5, jitter: 2 } }],
    ['backoff.jitter', { backoff: { minMs: 1, maxMs: 5, jitter: -0.1 } }],
    ['backoff.jitter', { backoff: { minMs: 1, maxMs: 5, jitter: '0.5' } }],
    ['backoff.resetAfterMs', { backoff: { minMs: 1, maxMs: 5, resetAfterMs: -1 } }],
    ['backoff.resetAfterMs', { backoff: { minMs: 1, maxMs: 5, resetAfterMs: '9' } }],
    ['restartsMax', { restartsMax: -1 }],
    ['restartsMax', { restartsMax: 1.5 }],
    ['failedStartsMax', { failedStartsMax: '3' }],
    ['restrat', { restrat: 'transient' }],
    ['backoff.max', { backoff: { minMs: 1, maxMs: 5, max: 5 } }],
  ])('names the bad field: %s of %j', (field, change) => {
    const bad = { ...good, ...change } as never;
    const error = (of: () => unknown): InvalidOption => {
      try {
        of();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(InvalidOption);
        return thrown as InvalidOption;
      }
      throw new Error('it was accepted');
    };
    expect(error(() => child(bad)).field).toBe(`child.${field}`);
    const inList = error(() => supervisor({ children: [{ ...good, id: 'z' }, bad] }));
    expect(inList.field).toBe(`children[1].${field}`);
    expect(inList.message).toContain(`children[1].${field}: given`);
  });

  it.each<readonly [field: string, make: () => unknown]>([
    ['supervisor.intensty', () => supervisor({ children: [], intensty: 4 } as never)],
    ['supervisor', () => supervisor(null as never)],
    ['dynamicSupervisor.maxChild', () => dynamicSupervisor({ maxChild: 4 } as never)],
    ['dynamicSupervisor', () => dynamicSupervisor(null as never)],
    ['dynamicSupervisor', () => taskSupervisor(null as never)],
    ['partitionSupervisor', () => partitionSupervisor(null as never)],
    [
      'partitionSupervisor.intensty',
      () => partitionSupervisor({ partitions: 1, child: () => ({ logic }), intensty: 4 } as never),
    ],
  ])('is not alone: %s is refused too when it is unknown or no object', (field, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error);
  });

  it.each([
    { minMs: 0, maxMs: 0 },
    { minMs: 5, maxMs: 5, factor: 1 },
    { minMs: 1, maxMs: 5, jitter: 0 },
    { minMs: 1, maxMs: 5, jitter: 1, resetAfterMs: 0 },
    { minMs: 1, maxMs: 5, resetAfterMs: Infinity },
  ])('takes a backoff at its bounds: %j', (backoff) => {
    expect(child({ ...good, backoff }).backoff).toEqual(backoff);
  });

  it.each([
    { intensity: 0, periodMs: 0.5 },
    { intensity: 1_000_000, periodMs: 1 },
  ])('and its supervisor an intensity at its bounds: %j', (intensity) => {
    expect(() => supervisor({ children: [good], ...intensity })).not.toThrow();
    for (const bad of [{ intensity: Number.NaN }, { periodMs: Number.NaN }, { periodMs: -0.5 }])
      expect(() => supervisor({ children: [good], ...intensity, ...bad })).toThrow(InvalidOption);
  });

  it('may have an agent name, and one that is a string', () => {
    expect(child({ ...good, name: 'a' }).name).toBe('a');
    expect(child({ ...good, name: agentName('a') }).name).toEqual({ name: 'a' });
  });

  it('types the key function of its mailbox by the events of its logic', () => {
    type Move = { readonly type: 'move'; readonly id: string };
    const moving = fromHandler({ receive: (_state: undefined, _event: Move) => undefined });
    const conflate = (event: Move): string => event.id;
    const spec = child({ id: 'm', logic: moving, mailbox: { overflow: { conflate } } });
    expectTypeOf(spec.mailbox).toEqualTypeOf<MailboxOptions<Move> | undefined>();
    child({
      id: 'm',
      logic: moving,
      // @ts-expect-error -- it gets another event
      mailbox: { overflow: { conflate: (event: { type: 'other' }) => event.type } },
    });
  });

  it('requires an input when its logic does', () => {
    const machine = setup({ types: { input: {} as { path: string } } }).createMachine({});
    expectTypeOf(child({ id: 'm', logic: machine, input: { path: '/' } }).input).toEqualTypeOf<
      { path: string } | undefined
    >();
    // @ts-expect-error -- the machine requires an input
    child({ id: 'm', logic: machine });
    // @ts-expect-error -- and not this one
    child({ id: 'm', logic: machine, input: { path: 5 } });
  });
});
