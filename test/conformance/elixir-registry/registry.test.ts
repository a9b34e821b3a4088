// Elixir's registry_test, by behaviour: one test for each, titled after it. The behaviours are
// ported; no test code is copied. README.md says what is left out.
//
// The registry is that of the system: a key is a name, unique, and held by a life.
import { describe, expect, it } from 'vitest';
import {
  InvalidOption,
  NameTaken,
  NoSuchActor,
  type StartFailed,
  agentName,
  child,
  fromHandler,
  startChild,
  supervisor,
  type AgentInfo,
  type InspectionEvent,
} from 'troupe';
import { ENDS, Stage, slowStop, type End } from '../../supervision/cast.ts';

async function setUp() {
  const stage = new Stage();
  const { system } = stage;
  const owner = await stage.start(stage.worker('owner'), 'owner');
  const other = await stage.start(stage.worker('other'), 'other');
  const keys = (path: string): readonly string[] => (stage.at(path) as AgentInfo).names;
  const told = (): string[] =>
    stage.events.flatMap((event: InspectionEvent) =>
      event.type === 'registered' || event.type === 'unregistered'
        ? [`${event.type} ${event.name} ${event.path}`]
        : [],
    );
  return { stage, system, owner, other, keys, told };
}

describe('unique keys', () => {
  it('starts empty', async () => {
    const { system, keys } = await setUp();
    expect(system.stats().names).toBe(0);
    expect(keys('/owner')).toEqual([]);
    expect(system.whereis('k')).toBeUndefined();
  });

  it('has unique registrations: a second one is refused with who holds it, also to the owner itself', async () => {
    const { system, owner, other } = await setUp();
    system.register('k', owner);
    for (const ref of [other, owner]) {
      expect(() => system.register('k', ref)).toThrow(NameTaken);
      expect(() => system.register('k', ref)).toThrow(
        expect.objectContaining({
          fields: { name: 'k', requestedBy: ref.address, heldBy: owner.address },
        }) as Error,
      );
    }
    expect(system.whereis('k')).toBe(owner);
  });

  it('has unique registrations across processes: one agent may hold many, and gets them back as its keys, counted', async () => {
    const { system, owner, other, keys } = await setUp();
    for (const key of ['a', 'b', 'c']) system.register(key, owner);
    system.register('d', other);
    expect(keys('/owner')).toEqual(['a', 'b', 'c']);
    expect(keys('/other')).toEqual(['d']);
    expect(system.stats().names).toBe(4);
    expect(['a', 'd', 'e'].map((key) => system.whereis(key))).toEqual([owner, other, undefined]);
  });

  it('compares keys strictly, and takes no number for a key', async () => {
    const { system, owner, other } = await setUp();
    system.register('1', owner);
    system.register('1.0', other);
    system.register('K', owner);
    expect(system.whereis('1')).toBe(owner);
    expect(system.whereis('1.0')).toBe(other);
    expect(system.whereis('k')).toBeUndefined();
    expect(() => system.register(1 as never, owner)).toThrow(InvalidOption);
    expect(() => system.register('', owner)).toThrow(InvalidOption);
  });

  it('leaves no residue of a registration that failed', async () => {
    const { system, owner, other, keys, told } = await setUp();
    system.register('k', owner);
    for (let tries = 0; tries < 100; tries += 1)
      expect(() => system.register('k', other)).toThrow(NameTaken);
    expect(system.stats().names).toBe(1);
    expect(keys('/other')).toEqual([]);
    expect(told()).toEqual(['registered k /owner']);
    system.unregister('k');
    system.register('k', other);
    expect(system.whereis('k')).toBe(other);
  });

  it('unregister is idempotent, and only that of the owner itself counts', async () => {
    const { stage, system, owner, other, keys } = await setUp();
    system.register('k', owner);
    stage.ref('/other').send({ type: 'do', act: (ctx) => ctx.unregister('k') });
    await stage.now();
    expect(system.whereis('k')).toBe(owner);
    stage.ref('/owner').send({ type: 'do', act: (ctx) => ctx.unregister('k') });
    stage.ref('/owner').send({ type: 'do', act: (ctx) => ctx.unregister('k') });
    await stage.now();
    expect(system.whereis('k')).toBeUndefined();
    expect(keys('/owner')).toEqual([]);
    system.unregister('k');
    system.register('k', other);
    expect(keys('/other')).toEqual(['k']);
  });
});

describe('the end of an owner', () => {
  it.each(Object.keys(ENDS) as End[])('cleans up its keys, all of them: %s', async (how) => {
    const { stage, system, owner, other, told } = await setUp();
    for (const key of ['a', 'b']) system.register(key, owner);
    system.register('c', other);
    await stage.end(how, '/owner');
    expect(['a', 'b'].map((key) => system.whereis(key))).toEqual([undefined, undefined]);
    expect(system.whereis('c')).toBe(other);
    expect(system.stats().names).toBe(1);
    expect(told().slice(-2)).toEqual(['unregistered a /owner', 'unregistered b /owner']);
  });

  it('a new registration succeeds at once: keys are free before anybody is told of the end', async () => {
    const { stage, system, owner, other } = await setUp();
    system.register('k', owner);
    const seen: unknown[] = [];
    system.monitor(owner, ({ reason }) => {
      seen.push(reason.type, system.whereis('k'));
      system.register('k', other);
    });
    await stage.end('kill', '/owner');
    expect(seen).toEqual(['killed', undefined]);
    expect(system.whereis('k')).toBe(other);
  });

  it('that takes its time keeps the key until it is over: a lookup never finds a dead owner', async () => {
    const { stage, system, other } = await setUp();
    const slow = await stage.start(stage.worker('slow', { stop: slowStop(100) }), 'slow');
    system.register('k', slow);
    const stopped = slow.stop();
    await stage.system.advance(50);
    expect(system.whereis('k')).toBe(slow);
    expect(() => system.register('k', other)).toThrow(NameTaken);
    await stage.system.advance(50);
    await stopped;
    expect(system.whereis('k')).toBeUndefined();
    system.register('k', other);
  });

  it('that came before is found out: a dead owner registers nothing', async () => {
    const { stage, system, owner } = await setUp();
    await stage.run(owner.kill());
    expect(() => system.register('k', owner)).toThrow(InvalidOption);
    expect(system.stats().names).toBe(0);
  });

  it('of a life, not of its place: a restarted child has the name of its spec again, and no other', async () => {
    const { stage, system, keys } = await setUp();
    const spec = stage.spec('a', { name: 'of its spec' });
    await stage.start(supervisor({ children: [spec] }));
    system.register('of its life', stage.ref('/sup/a'));
    expect(keys('/sup/a')).toEqual(['of its spec', 'of its life']);
    await stage.end('crash', '/sup/a');
    expect(stage.life('/sup/a')).toBe(2);
    expect(keys('/sup/a')).toEqual(['of its spec']);
    expect(system.whereis('of its life')).toBeUndefined();
  });
});

describe('listeners', () => {
  it('get each registration and each end of one, with key and owner, in order', async () => {
    const { stage, system, owner, told } = await setUp();
    system.register('a', owner);
    system.register('b', owner);
    system.unregister('a');
    await stage.end('kill', '/owner');
    expect(told()).toEqual([
      'registered a /owner',
      'registered b /owner',
      'unregistered a /owner',
      'unregistered b /owner',
    ]);
  });

  it('may look the key up: it is there when they hear of it, and gone when they hear of its end', async () => {
    const { system, owner } = await setUp();
    const found: unknown[] = [];
    system.inspect((event) => {
      if (event.type === 'registered' || event.type === 'unregistered')
        found.push(system.whereis(event.name));
    });
    system.register('a', owner);
    system.unregister('a');
    expect(found).toEqual([owner, undefined]);
  });
});

describe('via', () => {
  const echo = fromHandler({
    initial: (): string[] => [],
    receive: (said: string[], event: { type: 'say'; text: string }) => [...said, event.text],
  });
  const Echo = agentName<typeof echo>('echo');

  it('a start under a name that is taken fails with its holder, from a spawn and in a supervisor', async () => {
    const { stage, system, owner } = await setUp();
    system.register('k', owner);
    expect(() => system.spawn(echo, { id: 'e', name: 'k' })).toThrow(NameTaken);
    const sup = await stage.start(supervisor({ children: [] }));
    const spec = child({ id: 'e', logic: echo, name: 'k' });
    const error = (await stage.failure(startChild(sup, spec))) as StartFailed;
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'NAME_TAKEN', fields: { heldBy: owner.address } },
    });
    expect(stage.life('/owner')).toBe(1);
  });

  it('sends go to whoever holds the name then, also after it has changed hands', async () => {
    const { stage, system } = await setUp();
    const first = system.spawn(echo, { id: 'first', name: Echo });
    const say = (text: string) =>
      stage.ref('/owner').send({ type: 'do', act: (ctx) => ctx.send(Echo, { type: 'say', text }) });
    say('one');
    await stage.now();
    await stage.run(first.kill());
    say('nobody');
    await stage.now();
    const second = system.spawn(echo, { id: 'second', name: Echo });
    say('two');
    await stage.now();
    expect(second.getSnapshot().context).toEqual(['two']);
    expect(system.deadLetters.list()).toMatchObject([
      { reason: 'no such actor', message: { text: 'nobody' } },
    ]);
  });

  it('a name that nobody holds is nobody: whereis finds none, an ask fails at once', async () => {
    const { stage, system } = await setUp();
    expect(system.whereis(Echo)).toBeUndefined();
    let failed: unknown;
    const asker = fromHandler({
      *receive(_state: undefined, _go: { type: 'go' }, ctx) {
        try {
          yield* ctx.ask(Echo as never, { type: 'say' } as never);
        } catch (error) {
          failed = error;
        }
      },
    });
    system.spawn(asker).send({ type: 'go' });
    await stage.now();
    expect(failed).toBeInstanceOf(NoSuchActor);
    expect(system.nowMs).toBe(0);
  });
});
