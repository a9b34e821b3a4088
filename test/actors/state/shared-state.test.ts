/** Shared state (R25, R26, R28, R30): compartments, compare-and-set, labels, erasure; and P12 under all orders and crashes. */
import { supervisor, child, agentName, type AgentContext, type Ref, type Wait } from 'troupe';
import {
  AccessDenied,
  MemoryJournalStore,
  bare,
  labelled,
  perform,
  performer,
  sharedState,
  stateOf,
  type Outcome,
  type ResultRef,
  type ShapeOf,
  type StateAccess,
  type StateEvent,
  type Task,
  type Work,
} from 'troupe/actors';
import { explain, explore, type Scenario } from 'troupe/simulation';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const store = () => new MemoryJournalStore();
const desk = (journals = store()) =>
  sharedState('desk', {
    store: journals,
    conversation: { schema: z.record(z.string(), z.string()) },
    results: { retainMs: 60_000 },
    user: {
      schema: z.object({ name: z.string(), visits: z.number() }).partial(),
      read: [{ agents: ['/crm'], upTo: 'secret' }, { agents: ['/desk'] }],
      write: [{ agents: ['/crm'], upTo: 'confidential' }, { through: ['/crm'] }],
    },
  });
type Desk = ShapeOf<ReturnType<typeof desk>>;
type Anything = Record<'conversation' | 'results' | 'user' | 'workflow', Record<string, unknown>>;

/** A system with the state and a hand that does things in the name of an agent. */
function stage(journals = store()) {
  const system = createTestSystem();
  const state = system.spawn(desk(journals), { id: 'state' });
  const as = async <T>(
    id: string,
    work: (state: StateAccess<Desk>) => Generator<Wait<unknown>, T, unknown>,
  ): Promise<Outcome<T>> => {
    const who = performer(id, (_: Task<null>, run) => work(stateOf(run, state)));
    const ref = system.spawn(who, { id });
    const outcome = await system.run(perform(system, ref, { goal: 'work', input: null }));
    await system.run(ref.stop());
    return outcome;
  };
  return { system, state, as };
}

describe('a write', () => {
  it('that has not seen the latest value is a typed conflict, and nothing is lost', async () => {
    const { as } = stage();
    const outcome = await as('crm', function* (state) {
      const put = (value: string, expected: number) =>
        state.write({ compartment: 'workflow', key: 'step', value, expected });
      return [yield* put('one', 0), yield* put('two', 0), yield* put('three', 1)];
    });
    expect(outcome).toMatchObject({
      output: [
        { type: 'written', version: 1 },
        {
          type: 'conflict',
          conflicts: [{ compartment: 'workflow', key: 'step', expected: 0, actual: 1 }],
        },
        { type: 'written', version: 2 },
      ],
    });
  });

  it('is all there or not at all', async () => {
    const { as } = stage();
    const outcome = await as('crm', function* (state) {
      yield* state.update('user', 'name', () => 'Ada');
      const written = yield* state.write(
        { compartment: 'workflow', key: 'step', value: 'greeted', expected: 0 },
        { compartment: 'user', key: 'name', value: 'Bob', expected: 0 },
      );
      return [written.type, (yield* state.read('workflow')).items];
    });
    expect(outcome).toMatchObject({ output: ['conflict', {}] });
  });

  it('that does not fit its compartment is refused, naming the place', async () => {
    const { as } = stage();
    const outcome = await as('crm', function* (state) {
      yield* state.update('user', 'visits', () => 'many' as never);
    });
    expect(outcome).toMatchObject({
      failure: { kind: 'invalidInput', message: expect.stringMatching(/compartment user: visits/) },
    });
  });

  it('whose answer was lost is asked for again, and is not done twice', async () => {
    const { system, state } = stage();
    const change = { compartment: 'conversation', value: 'hello' } as const;
    const write = { type: 'write', changes: [change], writeId: 'w1' } as const;
    const first = await system.run(state.ask(write));
    expect(first).toEqual({ type: 'written', version: 1 });
    expect(await system.run(state.ask(write))).toEqual(first);
    expect(await system.run(state.ask({ ...write, writeId: 'w2' }))).toMatchObject({ version: 2 });
  });

  it('appends in the order of writing, without a conflict', async () => {
    const { as } = stage();
    const outcome = await as('crm', function* (state) {
      for (const text of ['hello', 'how can I help?']) yield* state.say(text);
      return Object.values((yield* state.read('conversation')).items).map((item) => item?.value);
    });
    expect(outcome).toMatchObject({ output: ['hello', 'how can I help?'] });
  });

  it('may use the names of what every object inherits', async () => {
    const { as } = stage();
    const outcome = await as('crm', function* (state) {
      for (const key of ['constructor', '__proto__', 'toString']) yield* state.keep(key, 1, 'one');
      return Object.keys((yield* state.read('results')).items);
    });
    expect(outcome).toMatchObject({ output: ['constructor', '__proto__', 'toString'] });
  });
});

describe('access', () => {
  it('is for those whom the rules of a compartment name, and for those who ask in their name', async () => {
    const { as } = stage();
    const write = function* (state: StateAccess<Desk>) {
      return yield* state.update('user', 'visits', (visits = 0) => visits + 1);
    };
    expect(await as('crm', write)).toMatchObject({ status: 'done' });
    const denied = await as('desk', write);
    expect(denied).toMatchObject({
      failure: { kind: 'guardDenied', code: 'ACCESS_DENIED', retry: { sameInputWillFail: true } },
    });
    expect(await as('desk', (state) => state.read('user'))).toMatchObject({ status: 'done' });
    expect(await as('crm2', (state) => state.read('user'))).toMatchObject({
      failure: {
        message: expect.stringMatching(/^read user: not for stage|^read user: not for .*\/crm2/),
      },
    });
  });

  it('withholds what is labelled above what an agent may read, and names it', async () => {
    const { as } = stage();
    await as('crm', function* (state) {
      yield* state.update('user', 'name', () => labelled('confidential', 'Ada'));
      yield* state.update('user', 'visits', () => 3);
    });
    const seen = await as('desk', (state) => state.read('user'));
    expect(seen).toMatchObject({ output: { items: { visits: { value: 3 } }, withheld: ['name'] } });
    expect(JSON.stringify(seen)).not.toContain('Ada');
    const own = await as('crm', (state) => state.read('user'));
    expect(own).toMatchObject({ output: { items: { name: { label: 'confidential' } } } });
    expect(
      await as('crm', (state) => state.update('user', 'name', () => labelled('secret', 'A'))),
    ).toMatchObject({
      failure: { message: expect.stringMatching(/with secret data/) },
    });
  });

  it('fails an ask from outside too, and leaves the owner alive', async () => {
    const { system, state } = stage();
    const asked = system.run(state.ask({ type: 'read', compartment: 'user' }));
    await expect(asked).rejects.toThrow(AccessDenied);
    expect(await system.run(state.ask({ type: 'read', compartment: 'workflow' }))).toMatchObject({
      items: {},
    });
  });
});

it('the values of a compartment have the types of its schema', () => {
  expectTypeOf<Desk['user']>().toEqualTypeOf<{
    name?: string | undefined;
    visits?: number | undefined;
  }>();
  const work: Work<null, number> = function* (_task, run) {
    const state = stateOf(run, agentName<Ref<StateEvent<Desk>>>('desk'));
    // @ts-expect-error visits is a number
    yield* state.update('user', 'visits', () => 'many');
    return yield* state.update('user', 'visits', (before) => (before ?? 0) + 1);
  };
  expect(work).toBeTypeOf('function');
});

it('a large result travels by reference, and another value under its key is not taken for it', async () => {
  const { as } = stage();
  const text = 'x'.repeat(100_000);
  const kept = await as('crm', (state) => state.keep('log', { text }, 'the log of today'));
  const ref = (kept as { output: ResultRef }).output;
  expect(JSON.stringify(ref).length).toBeLessThan(300);
  expect(ref).toMatchObject({ chars: text.length + 11, summary: 'the log of today' });
  expect(await as('desk', (state) => state.fetch(ref))).toMatchObject({ output: { text } });
  await as('crm', (state) => state.keep('log', 'other', 'the log of tomorrow'));
  expect(await as('desk', (state) => state.fetch(ref))).toMatchObject({
    failure: { kind: 'unavailable', message: 'results.log (the log of today) is another one now' },
  });
});

describe('erasure', () => {
  it('takes a subject out of state, journal and snapshot, and leaves the others', async () => {
    const journals = store();
    const { system, state, as } = stage(journals);
    await as('crm', function* (access) {
      yield* access.update('user', 'name', () => 'Ada', { subject: 'c1' });
      yield* access.update('user', 'name', () => 'Ada Lovelace', { subject: 'c1' });
      yield* access.update('user', 'visits', () => 7, { subject: 'c2' });
      yield* access.say('hello');
    });
    const erased = await system.run(state.ask({ type: 'erase', subject: 'c1' }));
    expect(erased).toEqual({ type: 'erased', events: 2 });
    expect(JSON.stringify([journals.read('desk', 0), journals.loadSnapshot('desk')])).not.toContain(
      'Ada',
    );
    expect(await as('crm', (access) => access.read('user'))).toMatchObject({
      output: { items: { visits: { value: 7, version: 3 } } },
    });
    expect(await as('crm', (access) => access.read('conversation'))).toMatchObject({
      output: { items: { 4: { value: 'hello' } } },
    });
  });

  it('comes by itself when the time of a compartment is over', async () => {
    const journals = store();
    const { system, as } = stage(journals);
    await as('crm', (state) => state.keep('old', 'Ada', 'a name'));
    await system.advance(30_000);
    await as('crm', (state) => state.keep('new', 'Bob', 'a name'));
    await system.advance(30_000);
    const left = await as('crm', (state) => state.read('results'));
    expect(Object.keys((left as { output: { items: object } }).output.items)).toEqual(['new']);
    expect(JSON.stringify(journals.read('desk', 0))).not.toContain('Ada');
    await system.advance(30_000);
    expect(JSON.stringify(journals.read('desk', 0))).not.toContain('Bob');
  });
});

it('a new life has the state of the one before, with its versions', async () => {
  const journals = store();
  const first = stage(journals);
  await first.as('crm', (state) => state.update('user', 'name', () => labelled('internal', 'Ada')));
  await first.system.stop();
  const { as } = stage(journals);
  const read = await as('crm', (state) => state.read('user'));
  expect(bare((read as { output: unknown }).output)).toMatchObject({
    items: { name: { value: 'Ada', version: 1 } },
  });
});

/** Its own patience is not what is looked at. */
const patient = { timeoutMs: Infinity };

/** Adds its name to a list that all share; what it was told to be written must be there in the end. */
const adds = function* (
  ctx: AgentContext<never>,
  state: Ref<StateEvent<Anything>>,
  name: string,
  told: string[],
) {
  const writeId = name;
  for (let attempt = 0; attempt < 6; attempt += 1) {
    try {
      const read = yield* ctx.ask(state, { type: 'read', compartment: 'workflow' }, patient);
      const { who } = read.items.workflow as { who?: { value: string[]; version: number } };
      const change = {
        compartment: 'workflow',
        key: 'who',
        value: [...(who?.value ?? []), name],
        expected: who?.version ?? 0,
      };
      const write = { type: 'write', writeId, changes: [change as never] } as const;
      const written = yield* ctx.ask(state, write, patient);
      if (written.type !== 'written') continue;
      told.push(name);
      return;
    } catch {
      // Its owner has crashed: what was written, it knows by the id.
      yield* ctx.sleep(100);
    }
  }
};

it('of writers that change the same value none loses its change, whoever crashes when (P12)', () => {
  const State = agentName<Ref<StateEvent<Anything>>>('state');
  let told: string[] = [];
  let journals = store();
  const scenario: Scenario = {
    name: 'three writers',
    setup({ spawn, client }) {
      told = [];
      journals = store();
      const logic = sharedState('s', { store: journals, snapshotEvery: 2 });
      const children = [child({ id: 'state', logic, name: State as never })];
      spawn(
        supervisor({
          strategy: 'one_for_one',
          children,
          intensity: 10,
        }),
        { id: 'sup' },
      );
      for (const name of ['a', 'b', 'c'])
        client(name, (ctx) => adds(ctx as never, State as never, name, told) as never);
    },
    faults: { crash: { of: ['sup/state'], max: 2 } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: {
      'what a writer was told to be written is there, once': () => {
        const last = journals.read('s', 0).at(-1)?.event as { value: string[] } | undefined;
        const there = last?.value ?? [];
        return told.every((name) => there.filter((each) => each === name).length === 1);
      },
    },
  };
  const report = explore(scenario, { schedules: 300, exhaustiveMs: 500, seed: 1 });
  expect(report.failure && explain(report)).toBeUndefined();
});
