import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { nanoid } from 'nanoid';
import { assign, setup as setupMachine } from 'xstate';
import { afterEach, describe, expect, it } from 'vitest';
import {
  MemoryStore,
  child,
  fromHandler,
  type AgentContext,
  type Ref,
  type ReplyTo,
  supervisor,
} from 'troupe';
import { Nondeterminism, explore, type Report, type Scenario } from 'troupe/simulation';

const { random: draw } = Math;

type Go = { type: 'go' };
type Ctx = AgentContext<Go>;

/** An agent that does something in a step, and swallows what is thrown at it. */
const doing = (hazard: (ctx: Ctx) => unknown, swallows = true): Scenario => ({
  name: 'doing',
  setup({ spawn, send }) {
    const agent = fromHandler({
      initial: () => ({ done: 0 }),
      receive(state: { done: number }, _event: Go, ctx: Ctx) {
        try {
          hazard(ctx);
        } catch (error) {
          if (!swallows) throw error;
        }
        return { done: state.done + 1 };
      },
    });
    send(spawn(agent, { id: 'A' }), { type: 'go' });
  },
  // Were it not for the trap, this would be a bug report.
  invariant: { 'nothing is done': (w) => w.state<{ done: number }>('A').done < 1 },
});

const causeOf = (report: Report): Nondeterminism => {
  expect(report.verdict).toBe('NONDETERMINISTIC');
  expect(report.failure?.violation.agents).toEqual(['A']);
  return report.failure?.violation.cause as Nondeterminism;
};

const never = (): void => undefined;

describe('a hazard in a step is a verdict of its own that names the API and has its stack', () => {
  it.each<[string, () => unknown]>([
    ['Date.now', () => Date.now()],
    ['new Date()', () => new Date()],
    ['Date()', () => Date()],
    ['performance.now', () => performance.now()],
    ['process.hrtime', () => process.hrtime()],
    ['process.hrtime.bigint', () => process.hrtime.bigint()],
    ['process.uptime', () => process.uptime()],
    ['Math.random', () => Math.random()],
    ['crypto.randomUUID', () => crypto.randomUUID()],
    ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(4))],
    ['node:crypto randomUUID', () => randomUUID()],
    ['node:crypto randomBytes', () => randomBytes(4)],
    ['setTimeout', () => setTimeout(never, 0)],
    ['setInterval', () => setInterval(never, 1)],
    ['setImmediate', () => setImmediate(never)],
    ['node:timers/promises setTimeout', () => void sleep(1)],
    ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
    ['queueMicrotask', () => queueMicrotask(never)],
    ['process.nextTick', () => process.nextTick(never)],
    ['fetch', () => void fetch('http://127.0.0.1:1/')],
    ['node:fs readFileSync', () => readFileSync('package.json')],
    ['node:net connect', () => connect(1)],
    ['new node:worker_threads Worker()', () => new Worker('', { eval: true })],
    ['new WeakRef()', () => new WeakRef({})],
    ['a promise', () => void Promise.resolve(1)],
    ['a promise', () => void (async () => Promise.resolve(1))()],
  ])('%s', (api, hazard) => {
    const { violation } = explore(doing(hazard)).failure ?? {};
    const cause = causeOf(explore(doing(hazard)));
    expect(cause).toBeInstanceOf(Nondeterminism);
    expect(cause.api).toBe(api);
    expect(violation?.message).toContain(`A uses ${api} in a step`);
    expect(cause.stack?.split('\n').slice(1, 3).join()).toContain('traps.test.ts');
  });

  it('a global that Node loads when it is first read', () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Object.defineProperty(globalThis, 'WebSocket', { get: () => Map, configurable: true });
    try {
      const hazard = () => Reflect.construct(WebSocket, []);
      expect(causeOf(explore(doing(hazard))).api).toBe('WebSocket');
      expect(WebSocket).toBe(Map);
    } finally {
      if (own === undefined) Reflect.deleteProperty(globalThis, 'WebSocket');
      else Object.defineProperty(globalThis, 'WebSocket', own);
    }
  });

  it('an async handler, which says to name an effect', () => {
    const scenario: Scenario = {
      setup({ spawn, send }) {
        const agent = fromHandler({
          async receive(_state: undefined, _event: Go, _ctx: Ctx) {
            await Promise.resolve();
          },
        });
        send(spawn(agent, { id: 'A' }), { type: 'go' });
      },
    };
    const { api, message } = causeOf(explore(scenario));
    expect(api).toBe('a promise');
    expect(message).toMatch(/A uses a promise in a step.*ctx\.effect\(name, run\)/);
  });

  it('ctx.wait of a promise that is no effect', () => {
    const earlier = Promise.resolve(1);
    expect(causeOf(explore(doing((ctx) => ctx.wait(earlier)))).api).toBe('a promise');
  });

  it('a store that answers later', () => {
    class Later extends MemoryStore {
      override load(): undefined {
        return Promise.resolve(undefined) as never;
      }
    }
    const logic = fromHandler({ receive: (_state: undefined, _event: Go) => undefined });
    const store = new Later();
    const report = explore({
      setup: ({ spawn }) => void spawn(logic, { id: 'A', persist: { store } }),
    });
    expect(report.verdict).toBe('NONDETERMINISTIC');
  });

  it('in a machine, whose action crashes by it', () => {
    const machine = setupMachine({
      types: { context: {} as { at: number }, events: {} as Go },
    }).createMachine({
      context: { at: 0 },
      on: { go: { actions: assign({ at: () => Date.now() }) } },
    });
    const scenario: Scenario = {
      setup: ({ spawn, send }) => send(spawn(machine, { id: 'A' }), { type: 'go' }),
    };
    expect(causeOf(explore(scenario)).api).toBe('Date.now');
  });

  it('in the setup', () => {
    const { verdict, failure } = explore({ setup: () => void Date.now() });
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation.message).toContain('code outside agents uses Date.now');
    // oxlint-disable-next-line typescript/no-misused-promises -- the setup must not be async
    expect(explore({ setup: async () => Promise.resolve() }).verdict).toBe('NONDETERMINISTIC');
  });
});

describe('a property', () => {
  it.each(['invariant', 'eventually'] as const)('must repeat as well: %s', (kind) => {
    const { verdict, failure } = explore({
      setup: () => undefined,
      [kind]: { 'it is early': () => Date.now() < 0 },
    });
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation.message).toContain('Date.now');
  });
});

describe('what outlives a run', () => {
  let handled = 0;
  afterEach(() => {
    handled = 0;
  });
  const counting = (holds: (n: number) => boolean): Scenario => ({
    setup({ spawn, send }) {
      const agent = fromHandler({
        initial: () => 0,
        receive: (_state: number, _event: Go) => (handled += 1),
      });
      const a = spawn(agent, { id: 'A' });
      send(a, { type: 'go' });
      send(a, { type: 'go' });
    },
    invariant: { 'two at most': (w) => holds(w.state<number>('A')) },
  });

  it('is no bug, although an invariant fails in a later run', () => {
    const report = explore(counting((n) => n <= 2));
    expect(report.verdict).toBe('NONDETERMINISTIC');
    expect(report.failure?.violation.message).toMatch(
      /step 1, env>A:go#1, led to one state in the first run and leads to another/,
    );
  });

  it('is no proof either, although nothing fails', () => {
    expect(explore(counting(() => true)).verdict).toBe('NONDETERMINISTIC');
  });

  it.each([
    ['an id from a pool that was filled before', () => nanoid()],
    ['chance that was taken at the import', () => String(draw())],
  ])('and what no trap sees is found by the state: %s', (_, read) => {
    nanoid();
    const report = explore({
      setup({ spawn, send }) {
        const agent = fromHandler({
          initial: () => '',
          receive: (_state: string, _event: Go) => read(),
        });
        send(spawn(agent, { id: 'A' }), { type: 'go' });
      },
    });
    expect(report.verdict).toBe('NONDETERMINISTIC');
    expect(report.failure?.violation.message).toMatch(/step 1, env>A:go#1/);
  });

  it('is found where it changes which events come', () => {
    const scenario: Scenario = {
      setup({ spawn, send }) {
        const agent = fromHandler({
          receive(_state: undefined, event: Go, ctx: Ctx) {
            handled += 1;
            if (handled % 2 === 1) ctx.send(ctx.self, event);
          },
        });
        const [a, b] = ['A', 'B'].map((id) => spawn(agent, { id }));
        send(a!, { type: 'go' });
        send(b!, { type: 'go' });
      },
    };
    handled = 1;
    expect(explore(scenario, { exhaustiveMs: 0, schedules: 20 }).verdict).toBe('NONDETERMINISTIC');
    expect(explore(scenario).verdict).toBe('NONDETERMINISTIC');
  });
});

describe('the traps', () => {
  it('let through what a run repeats: a date that is told its time, a log line, sleep and chance of the context', () => {
    const quiet: Scenario = {
      ...doing((ctx) => {
        new Date(0).toISOString();
        process.stdout.write('');
        structuredClone({ at: ctx.now(), of: ctx.random() });
        new AbortController().abort();
        crypto.subtle satisfies object;
      }, false),
      invariant: {},
    };
    expect(explore(quiet)).toMatchObject({ verdict: 'PASS', failure: undefined });
  });

  it('do not trip over the runtime: supervision, timers, asks, persistence', () => {
    type Work = { type: 'work'; replyTo: ReplyTo<{ type: 'done' }> };
    const worker = fromHandler({
      initial: () => ({ n: 0 }),
      start: (_state: { n: number }, ctx: AgentContext<Work>) => ctx.log.info({}, 'starts'),
      *receive(state: { n: number }, event: Work, ctx: AgentContext<Work>) {
        yield* ctx.sleep(5);
        ctx.reply(event, { type: 'done' });
        return { n: state.n + 1 };
      },
    });
    /** The store of every run is its own, or one for all. */
    const persisted = (storeOf: () => MemoryStore): Scenario => ({
      setup({ spawn, system, client }) {
        const backoff = { minMs: 10, maxMs: 100 };
        const persist = { store: storeOf() };
        const w = child({ id: 'w', logic: worker, persist, backoff });
        spawn(supervisor({ children: [w] }), { id: 'desk' });
        client('C', function* (ctx) {
          try {
            yield* ctx.ask(system.ref('/desk/w') as Ref<Work>, { type: 'work' }, { timeoutMs: 50 });
          } catch {
            // It has crashed, or was late.
          }
        });
      },
      faults: { crash: { of: ['desk/w'], max: 1 } },
    });
    const report = explore(
      persisted(() => new MemoryStore()),
      { schedules: 100 },
    );
    expect(report).toMatchObject({ verdict: 'PASS', failure: undefined });
    const forAll = new MemoryStore();
    expect(explore(persisted(() => forAll)).verdict).toBe('NONDETERMINISTIC');
  });

  it('let code between steps through, such as what draws a workload', () => {
    const scenario: Scenario<number> = {
      setup: () => undefined,
      workload: fc.constant(0).map(() => Date.now()),
    };
    expect(explore(scenario, { schedules: 3 })).toMatchObject({ verdict: 'PASS' });
  });

  it('are gone after an exploration, also after one that throws', () => {
    const look = () =>
      [
        Object.getOwnPropertyDescriptor(globalThis, 'Date'),
        Object.getOwnPropertyDescriptor(Date, 'now'),
        Object.getOwnPropertyDescriptor(performance, 'now'),
        Object.getOwnPropertyDescriptor(crypto, 'randomUUID'),
        Object.getOwnPropertyDescriptor(process, 'hrtime'),
        Object.getOwnPropertyDescriptor(globalThis, 'setTimeout'),
        Object.getOwnPropertyDescriptor(globalThis, 'fetch'),
      ].map((own) => own?.value as unknown);
    const before = look();
    const readBefore = readFileSync;
    expect(() =>
      explore({
        setup: () => {
          throw new Error('a setup that fails');
        },
      }),
    ).toThrow('a setup that fails');
    explore(doing(() => Date.now()));
    expect(look()).toEqual(before);
    expect(readFileSync).toBe(readBefore);
    expect(Date.now()).toBeGreaterThan(0);
  });
});

describe('chance and time', () => {
  type Asked = { type: 'draw'; replyTo: ReplyTo<{ type: 'drawn' }> };
  const drawing = (draw: (ctx: AgentContext<Asked>) => unknown, delayMs = 0): Scenario => ({
    setup({ spawn, ask }) {
      const agent = fromHandler({
        *receive(_state: undefined, event: Asked, ctx: AgentContext<Asked>) {
          if (delayMs > 0) yield* ctx.sleep(delayMs);
          draw(ctx);
          ctx.reply(event, { type: 'drawn' });
        },
      });
      ask(spawn(agent, { id: 'A' }), { type: 'draw' });
    },
  });

  it('a program that draws is not proved: another draw may lead elsewhere', () => {
    expect(explore(drawing(() => undefined)).verdict).toBe('PROVED');
    expect(explore(drawing((ctx) => ctx.random())).verdict).toBe('PASS');
  });

  it('the same state at another time is another state for who looks at the clock', () => {
    const timed = explore(drawing((ctx) => ctx.now(), 10));
    const untimed = explore(drawing(() => undefined, 10));
    expect(timed.verdict).toBe('PROVED');
    expect(untimed.verdict).toBe('PROVED');
  });

  it('a violation that depends on the time alone is found, although the states are alike', () => {
    type Tick = { type: 'reset' | 'tick' | 'look' };
    const scenario: Scenario = {
      setup({ spawn, send }) {
        const agent = fromHandler({
          initial: () => ({ isLate: false }),
          start: (_state: { isLate: boolean }, ctx: AgentContext<Tick>) =>
            void ctx.after(10, { type: 'tick' }, { id: 't' }),
          receive(state: { isLate: boolean }, event: Tick, ctx: AgentContext<Tick>) {
            // With the timer cancelled or fired before, the state is the same.
            if (event.type === 'reset') ctx.cancel('t');
            return event.type === 'look' ? { isLate: ctx.now() >= 10 } : state;
          },
        });
        const a = spawn(agent, { id: 'A' });
        send(a, { type: 'reset' });
        send(a, { type: 'look' });
      },
      invariant: { 'nobody looks late': (w) => !w.state<{ isLate: boolean }>('A').isLate },
    };
    const { verdict, failure } = explore(scenario, { strategy: 'exhaustive' });
    expect(verdict).toBe('SAFETY');
    expect(failure?.steps.map(({ kind }) => kind)).toEqual(['timer', 'deliver', 'deliver']);
  });

  it('names a child whose first state depends on chance, and not its parent', () => {
    const childOf = fromHandler({
      initial: () => Math.random(),
      receive: (state: number, _event: Go) => state,
    });
    const parent = fromHandler({
      receive: (_state: undefined, _event: Go, ctx: Ctx) => void ctx.spawn(childOf, { id: 'C' }),
    });
    const { verdict, failure } = explore({
      setup: ({ spawn, send }) => send(spawn(parent, { id: 'P' }), { type: 'go' }),
    });
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation).toMatchObject({ agents: ['P/C'] });
    expect(failure?.violation.message).toMatch(/^P\/C uses Math\.random in a step/);
  });
});
