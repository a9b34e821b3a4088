// Every order of events and every crash that the search reaches: nothing is lost, and each key
// keeps its order.

import fc from 'fast-check';
import { agentName, type AgentContext, type Ref, type Wait } from 'troupe';
import {
  eventBus,
  MemoryBusStore,
  MemoryJournalStore,
  once,
  performer,
  workLog,
  type BusEvent,
  type BusMessage,
  type PerformerName,
  type Task,
  type WorkLogEvent,
} from 'troupe/actors';
import { explain, explore, type Faults, type Scenario } from 'troupe/simulation';
import { child, supervisor } from 'troupe/supervision';
import { expect, it } from 'vitest';

type Key = 'k' | 'l';
type Waits = Generator<Wait<unknown>, void, unknown>;

const Bus = agentName<Ref<BusMessage>>('bus');
const Log = agentName<Ref<WorkLogEvent>>('log');
const nameOf = (name: string): PerformerName<BusEvent<number>, void> => agentName(name);

/** What was booked, in order; what was booked again is there again. */
let booked: BusEvent<number>[];
/** The ids of what the bus has said that it has. */
let published: Set<string>;
let store: MemoryBusStore;

/** Asks the bus until there is an answer. */
function* insist(
  ctx: AgentContext,
  message: WithoutReplyTo<Extract<BusMessage, { type: 'publish' | 'subscribe' }>>,
): Waits {
  for (;;) {
    try {
      if (message.type === 'publish') yield* ctx.ask(Bus, message, { timeoutMs: 1_000 });
      else yield* ctx.ask(Bus, message, { timeoutMs: 1_000 });
      return;
    } catch {
      yield* ctx.sleep(10);
    }
  }
}
type WithoutReplyTo<T> = T extends unknown ? Omit<T, 'replyTo'> : never;

/** A shop that publishes, and one that books, at once or for a while. */
function shop(faults: Faults, { tookMs = 0, isOnce = false } = {}): Scenario<readonly Key[]> {
  return {
    name: 'a shop on a bus',
    workload: fc.array(fc.constantFrom('k', 'l'), { minLength: 1, maxLength: 3 }),
    setup({ spawn, client }, keys) {
      booked = [];
      published = new Set();
      store = new MemoryBusStore();
      const till = performer('till', ({ input }: Task<BusEvent<number>>, run) => {
        const work = function* (): Waits {
          if (tookMs > 0) yield* run.sleep(tookMs);
          booked.push(input);
        };
        return isOnce ? once(run, Log, input.id, work) : work();
      });
      const children = [
        child({ id: 'bus', logic: eventBus({ store }), name: Bus }),
        child({ id: 'log', logic: workLog({ store: new MemoryJournalStore() }), name: Log }),
        child({ id: 'till', logic: till, name: nameOf('till') }),
      ];
      spawn(supervisor({ children, intensity: 9, periodMs: 1_000 }), { id: 'tree' });
      client('shop', function* (ctx): Waits {
        const spec = { topics: ['order.*'], performer: nameOf('till'), attemptsMax: 9 };
        yield* insist(ctx, { type: 'subscribe', id: 'till', spec });
        for (const [payload, key] of keys.entries()) {
          const event = { topic: 'order.placed', key, payload, id: `e${payload}` };
          yield* insist(ctx, { type: 'publish', event });
          published.add(event.id);
        }
      });
    },
    faults,
    allow: { crashes: ['*'], deadLetters: ['*'] },
    invariant: {
      'each key is booked in its order': () =>
        ['k', 'l'].every((key) => {
          const numbers = booked.filter((each) => each.key === key).map(({ payload }) => payload);
          return numbers.every((number, at) => at === 0 || number >= numbers[at - 1]!);
        }),
    },
    eventually: {
      'all that was published is booked, or a dead letter of its subscription': () => {
        const rows = store.load();
        const dead = rows.flatMap((row) => (row.kind === 'dead' ? [row.letter.event.id] : []));
        const settled = new Set([...booked.map(({ id }) => id), ...dead]);
        return published.size > 0 && [...published].every((id) => settled.has(id));
      },
      'nothing is due for ever': () => store.load().every(({ kind }) => kind !== 'due'),
    },
  };
}

it.each([
  ['the subscriber crashes', shop({ crash: { of: ['tree/till', 'tree/till/$*'], max: 2 } })],
  ['the bus crashes', shop({ crash: { of: ['tree/bus', 'tree/bus/$*'], max: 2 } })],
  ['anybody crashes', shop({ crash: { of: ['tree/*'], max: 2 } }, { tookMs: 5, isOnce: true })],
])('nothing is lost and each key keeps its order when %s', (_, scenario) => {
  const report = explore(scenario, { schedules: 80, exhaustiveMs: 500, seed: 1 });
  expect(report.failure && explain(report)).toBeUndefined();
});
