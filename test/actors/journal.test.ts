/** Journals (R28): the fold of the events is the state, wherever it is cut, restarted or migrated (P6). */
import fc from 'fast-check';
import { fromHandler, type ReplyTo } from 'troupe';
import {
  Journal,
  MemoryJournalStore,
  SequenceConflict,
  UnreadableEvent,
  type JournalOptions,
  type JournalStore,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

type Happened = { readonly add: number } | { readonly times: number };
const fold = (state: readonly number[], event: Happened): readonly number[] =>
  'add' in event ? [...state, event.add] : state.map((each) => each * event.times);
const options = (store: JournalStore): JournalOptions<readonly number[], Happened> => ({
  store,
  key: 'j',
  initial: [],
  fold,
  snapshotEvery: 3,
});

/** Runs what waits for nothing but promises. */
const ctx = {
  wait: (promise: PromiseLike<unknown>) => ({
    *[Symbol.iterator](): Generator<unknown, unknown, unknown> {
      return yield promise;
    },
  }),
} as never;
async function run<T>(work: Generator<unknown, T, unknown>): Promise<T> {
  for (let step = work.next(); ;) {
    if (step.done === true) return step.value;
    try {
      step = work.next(await (step.value as PromiseLike<unknown>));
    } catch (error) {
      step = work.throw(error);
    }
  }
}

/** Answers later. */
function slow(store: JournalStore): JournalStore {
  return {
    append: async (...args) => store.append(...args),
    read: async (...args) => store.read(...args),
    loadSnapshot: async (...args) => store.loadSnapshot(...args),
    saveSnapshot: async (...args) => store.saveSnapshot(...args),
    redact: async (...args) => store.redact(...args),
  };
}

const happened: fc.Arbitrary<Happened> = fc.oneof(
  fc.record({ add: fc.integer() }),
  fc.record({ times: fc.integer({ min: -3, max: 3 }) }),
);

describe('the state of a journal', () => {
  it('is the fold of its events, in every life, from any snapshot (P6)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(happened, { maxLength: 5 }), { maxLength: 8 }),
        fc.boolean(),
        async (batches, isSlow) => {
          const memory = new MemoryJournalStore();
          const store = isSlow ? slow(memory) : memory;
          const all: Happened[] = [];
          for (const batch of batches) {
            const life = new Journal(options(store));
            await run(life.open(ctx));
            expect(life.state).toEqual(all.reduce<readonly number[]>(fold, []));
            await run(life.append(ctx, batch));
            all.push(...batch);
            expect(life.state).toEqual(all.reduce<readonly number[]>(fold, []));
            expect(life.seq).toBe(all.length);
          }
        },
      ),
    );
  });

  it('comes from a snapshot and its tail, and not from all events', async () => {
    const store = new MemoryJournalStore();
    const writer = new Journal(options(store));
    for (let add = 1; add <= 7; add += 1) await run(writer.append(ctx, [{ add }]));
    const folded: number[] = [];
    const counting = {
      ...options(store),
      fold: (state: readonly number[], event: Happened, seq: number) => (
        folded.push(seq),
        fold(state, event)
      ),
    };
    await run(new Journal(counting).open(ctx));
    expect(folded).toEqual([7]);
  });

  it('is the same after its events were written by older code', async () => {
    const store = new MemoryJournalStore();
    const old = new Journal({
      store,
      key: 'j',
      initial: 0,
      fold: (sum, by: number) => sum + by,
      snapshotEvery: 1,
    });
    await run(old.append(ctx, [1, 2]));
    const now = new Journal({
      ...options(store),
      version: 2,
      migrate: (add) => ({ add: add as number }),
    });
    await run(now.open(ctx));
    expect(now.state).toEqual([1, 2]);
    await expect(run(new Journal({ ...options(store), version: 2 }).open(ctx))).rejects.toThrow(
      /event 1 has version 1: older, and there is no migrate/,
    );
    await run(now.append(ctx, [{ add: 3 }]));
    await expect(
      run(new Journal({ ...options(store), fold: (state) => state }).open(ctx)),
    ).rejects.toThrow(UnreadableEvent);
  });
});

it('of two owners one is told that the other was faster, has caught up, and nothing is lost', async () => {
  const store = new MemoryJournalStore();
  const [one, other] = [new Journal(options(store)), new Journal(options(store))];
  await run(one.append(ctx, [{ add: 1 }]));
  await expect(run(other.append(ctx, [{ add: 2 }]))).rejects.toThrow(SequenceConflict);
  expect(other.state).toEqual([1]);
  await run(other.append(ctx, [{ add: 2 }]));
  await run(one.catchUp(ctx));
  expect(one.state).toEqual([1, 2]);
});

it('what is redacted is in no event and no snapshot any more', async () => {
  const store = new MemoryJournalStore();
  const journal = new Journal(options(store));
  await run(journal.append(ctx, [{ add: 42 }, { add: 1 }, { times: 2 }]));
  expect(JSON.stringify(store.loadSnapshot('j'))).toContain('84');
  const changed = await run(
    journal.redact(ctx, (event) => ('add' in event && event.add === 42 ? { times: 1 } : undefined)),
  );
  expect(changed).toBe(1);
  expect(journal.state).toEqual([2]);
  expect(JSON.stringify([store.read('j', 0), store.loadSnapshot('j')])).not.toMatch(/42|84/);
});

it('an event that cannot be stored is refused, and the state stays', async () => {
  const journal = new Journal({ ...options(new MemoryJournalStore()), fold: (state) => state });
  await expect(run(journal.append(ctx, [(() => 1) as never]))).rejects.toThrow(/journal "j"/);
  expect(journal.seq).toBe(0);
});

it('an agent that crashes comes back with all that it has answered for', async () => {
  const store = new MemoryJournalStore();
  type Event = { type: 'add'; n: number; replyTo: ReplyTo<{ type: 'sum'; sum: number }> };
  const logic = fromHandler<Journal<number, number>, Event>({
    initial: () =>
      new Journal({ store, key: 'sum', initial: 0, fold: (sum, n: number) => sum + n }),
    *start(journal, start) {
      yield* journal.open(start);
    },
    *receive(journal, event: Event, agent) {
      yield* journal.append(agent, [event.n]);
      agent.reply(event, { type: 'sum', sum: journal.state });
    },
  });
  const system = createTestSystem();
  for (const sum of [2, 4]) {
    const ref = system.spawn(logic);
    expect(await system.run(ref.ask({ type: 'add', n: 2 }))).toEqual({ type: 'sum', sum });
    await system.run(ref.kill());
  }
  await system.stop();
});

it.each([
  [{ snapshotEvery: 0 }, /journal\.snapshotEvery: given 0/],
  [{ version: 1.5 }, /journal\.version: given 1\.5/],
  [{ store: {} as JournalStore }, /journal\.store/],
])('options that cannot be are refused: %j', (wrong, message) => {
  expect(() => new Journal({ ...options(new MemoryJournalStore()), ...wrong })).toThrow(message);
});
