import * as fc from 'fast-check';
import {
  assign,
  createMachine,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  setup,
} from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  child,
  createSystem,
  fromHandler,
  supervisor,
  type AgentContext,
  type ReplyTo,
} from 'troupe';
import {
  UnmodelledEffect,
  done,
  emits,
  explore,
  fail,
  fairly,
  hang,
  ok,
  task,
  type EffectModel,
  type EffectModels,
  type Scenario,
} from 'troupe/simulation';

const never = (): Promise<string> => {
  throw new Error('the simulation must not do the work itself');
};

/** A machine that asks a model which way to go. */
const triage = setup({
  types: {
    context: {} as { route: string; tries: number },
    events: {} as { type: 'go' } | { type: 'cancel' },
  },
  actors: { callLLM: fromPromise<string, { tries: number }>(never) },
}).createMachine({
  context: { route: '', tries: 0 },
  initial: 'idle',
  on: { cancel: '.idle' },
  states: {
    idle: { on: { go: 'asking' } },
    asking: {
      entry: assign({ route: '', tries: ({ context }) => context.tries + 1 }),
      invoke: {
        src: 'callLLM',
        input: ({ context }) => ({ tries: context.tries }),
        onDone: { target: 'idle', actions: assign({ route: ({ event }) => event.output }) },
        onError: { target: 'idle', actions: assign({ route: ({ event }) => String(event.error) }) },
      },
    },
  },
});

const routed = (
  callLLM: EffectModel,
  isRight: (route: string) => boolean,
  ...events: ('go' | 'cancel')[]
): Scenario => ({
  name: 'routed',
  setup({ spawn, send }) {
    const ref = spawn(triage, { id: 'T' });
    for (const type of ['go', ...events] as const) send(ref, { type });
  },
  effects: { callLLM },
  invariant: { 'the route is right': (w) => isRight(w.state<{ route: string }>('T').route) },
});

type Question = { type: 'q'; replyTo: ReplyTo<{ type: 'a'; text: string }> };

/** A function agent that answers with what a model says. */
const answering = fromHandler({
  *receive(_state: undefined, event: Question, ctx: AgentContext<Question>) {
    try {
      const text = yield* ctx.effect('callLLM', () => never(), event.type);
      ctx.reply(event, { type: 'a', text });
    } catch (error) {
      ctx.reply(event, { type: 'a', text: `sorry: ${(error as Error).message}` });
    }
  },
});

const asked = (callLLM: EffectModel, texts: string[], timeoutMs?: number): Scenario => ({
  name: 'asked',
  setup({ spawn, ask }) {
    ask(spawn(answering, { id: 'A' }), { type: 'q' }, timeoutMs === undefined ? {} : { timeoutMs });
  },
  effects: { callLLM },
  eventually: {
    'the answer is one of those': ({ asks: [root] }) =>
      texts.includes((root?.reply as { text: string } | undefined)?.text ?? String(root?.outcome)),
  },
});

describe('an effect of a machine', () => {
  it('is explored with every outcome that its model allows, and the creator is not called', () => {
    const outcomes = [ok('billing'), ok('tech'), fail(new Error('429')), hang()];
    const seen = new Set<string>();
    const report = explore(
      routed(outcomes, (route) => {
        seen.add(route);
        return true;
      }),
    );
    expect(report.verdict).toBe('PROVED');
    expect([...seen].sort()).toEqual(['', 'Error: 429', 'billing', 'tech']);
  });

  it('has the model of its own agent rather than that of all', () => {
    const scenario = routed([ok('any')], (route) => ['', 'own'].includes(route));
    const effects = { callLLM: [ok('any')], 'T/callLLM': [ok('own')] };
    expect(explore({ ...scenario, effects }).verdict).toBe('PROVED');
    expect(explore(scenario).verdict).toBe('SAFETY');
  });

  it('gives its model the input, and the agent that began it', () => {
    const asked: unknown[] = [];
    explore(
      routed(
        (request) => {
          asked.push(request);
          return [ok('x')];
        },
        () => true,
      ),
    );
    expect(asked[0]).toEqual({ input: { tries: 1 }, agent: 'T' });
  });

  it('completes before or after any other event: an event of its own', () => {
    const { failure } = explore(routed([ok('late')], (route) => route !== 'late', 'cancel'));
    const ids = failure?.steps.map(({ id }) => id) ?? [];
    expect(ids).toContain('effect T/callLLM#1');
    // Cancelled first, it never comes: FIFO has to be left for the outcome to be seen.
    expect(ids.some((id) => id.includes('cancel'))).toBe(false);
  });

  it('fails the exploration when it has no model, and names machine, state and src', () => {
    const scenario = { ...routed([ok('x')], () => true), effects: {} };
    expect(() => explore(scenario)).toThrow(UnmodelledEffect);
    expect(() => explore(scenario)).toThrow(
      /^T begins the promise "callLLM" in machine "\(machine\)" in state "asking"; give the scenario/,
    );
  });

  it('fails the exploration when it is inline, even if the machine handles errors', () => {
    const inline = createMachine({
      id: 'inlined',
      initial: 'a',
      states: { a: { invoke: { src: fromPromise(never), onError: 'b' } }, b: {} },
    });
    expect(() => explore({ setup: ({ spawn }) => void spawn(inline, { id: 'I' }) })).toThrow(
      /I begins an inline promise in machine "inlined" in state "a"; name it in setup/,
    );
  });

  it('is keyed by its src when a machine spawns it', () => {
    const spawning = setup({
      types: { context: {} as { job: unknown } },
      actors: { job: fromPromise(never) },
    }).createMachine({
      context: ({ spawn }) => ({ job: spawn('job', { id: 'j' }) }),
      on: { 'xstate.done.actor.j': { actions: () => done('job') } },
    });
    const report = explore({
      setup({ spawn }) {
        task('job');
        spawn(spawning, { id: 'S' });
      },
      effects: { job: [ok(1)] },
    });
    expect(report.verdict).toBe('PROVED');
  });

  it('is one of an agent that is nothing but a promise, by the name of the agent', () => {
    const scenario: Scenario = {
      setup: ({ spawn }) => void spawn(fromPromise(never), { id: 'job' }),
      effects: { job: [ok(1)] },
      eventually: { 'it has ended': (w) => !w.isAlive('job') },
    };
    expect(explore(scenario).verdict).toBe('PROVED');
  });

  it('shrinks to the first option: FIFO takes it', () => {
    const { failure } = explore(routed([ok('a'), ok('b')], (route) => route !== 'a'));
    expect(failure?.strategy).toBe('fifo');
    expect(failure?.steps.flatMap(({ choices }) => choices.map(({ index }) => index))).toEqual([0]);
  });
});

describe('a callback or an observable', () => {
  type Heard = { type: 'heard'; n: number };
  const values = fromObservable<number, undefined>(never as never);
  const sources = {
    callback: fromCallback(never as never) as unknown as typeof values,
    events: fromEventObservable(never as never) as unknown as typeof values,
    values,
  };
  const listening = (source: keyof typeof sources) =>
    setup({
      types: { context: {} as { heard: number[] }, events: {} as Heard },
      actors: { feed: sources[source] },
    }).createMachine({
      context: { heard: [] },
      invoke: {
        id: 'src',
        src: 'feed',
        onSnapshot: {
          actions: assign({
            heard: ({ context, event }) => [...context.heard, event.snapshot.context ?? 0],
          }),
        },
      },
      on: {
        heard: {
          actions: assign({ heard: ({ context, event }) => [...context.heard, event.n] }),
        },
      },
    });

  it.each([
    [
      'callback',
      [
        { type: 'heard', n: 1 },
        { type: 'heard', n: 2 },
      ],
    ],
    [
      'events',
      [
        { type: 'heard', n: 1 },
        { type: 'heard', n: 2 },
      ],
    ],
    ['values', [1, 2]],
  ] as const)('emits what its model lists, one after the other: %s', (source, events) => {
    const scenario: Scenario = {
      setup: ({ spawn }) => void spawn(listening(source), { id: 'L' }),
      effects: { feed: [emits(...events)] },
      eventually: {
        'it has heard both': (w) =>
          w
            .state<{ heard: number[] }>('L')
            .heard.filter((n) => n > 0)
            .join() === '1,2',
      },
    };
    expect(explore(scenario)).toMatchObject({ verdict: 'PROVED', failure: undefined });
  });

  it.each(['callback', 'events', 'values'] as const)('without a model is refused: %s', (source) => {
    expect(() =>
      explore({ setup: ({ spawn }) => void spawn(listening(source), { id: 'L' }) }),
    ).toThrow(UnmodelledEffect);
  });
});

describe('ctx.effect', () => {
  it('does the work itself in production, with the signal of the life', async () => {
    await using system = createSystem({ log: false });
    let given: AbortSignal | undefined;
    const agent = fromHandler({
      *receive(_state: undefined, event: Question, ctx: AgentContext<Question>) {
        const work = (signal: AbortSignal) => Promise.resolve(((given = signal), 'for real'));
        ctx.reply(event, { type: 'a', text: yield* ctx.effect('work', work) });
      },
    });
    const ref = system.spawn(agent, { id: 'A' });
    expect(await ref.ask({ type: 'q' })).toMatchObject({ text: 'for real' });
    expect(given?.aborted).toBe(false);
    await ref.stop();
    expect(given?.aborted).toBe(true);
  });

  it('fails the wait when the work throws instead of giving a promise', async () => {
    await using system = createSystem({ log: false });
    const agent = fromHandler({
      *receive(_state: undefined, event: Question, ctx: AgentContext<Question>) {
        try {
          yield* ctx.effect('work', never);
        } catch (error) {
          ctx.reply(event, { type: 'a', text: (error as Error).message });
        }
      },
    });
    const ref = system.spawn(agent, { id: 'A' });
    expect(await ref.ask({ type: 'q' })).toMatchObject({ text: /must not/ });
  });

  it('is a pending event in a simulation: it succeeds and fails', () => {
    const model = [ok('fine'), fail(new Error('429'))];
    expect(explore(asked(model, ['fine', 'sorry: 429'])).verdict).toBe('PROVED');
    expect(explore(asked(model, ['fine'])).verdict).toBe('SAFETY');
    expect(explore(asked(model, ['sorry: 429'])).failure?.strategy).toBe('fifo');
  });

  it('that hangs leaves the request stuck, unless the code has a deadline', () => {
    const model = [ok('fine'), hang()];
    const stuck = explore(asked(model, ['fine']));
    expect(stuck.verdict).toBe('STUCK');
    expect(stuck.failure?.steps.flatMap(({ notes }) => notes)).toContain(
      'effect A/callLLM#1 hangs',
    );
    expect(explore(asked(model, ['fine', 'failed'], 50)).verdict).toBe('PROVED');
  });

  it('without a model is refused, by agent and name', () => {
    expect(() => explore({ ...asked([ok('')], []), effects: {} })).toThrow(
      /A begins the promise "callLLM"; give the scenario a model/,
    );
  });

  it('refuses a model that gives no outcomes', () => {
    expect(() => explore(asked([], []))).toThrow(/effects\.callLLM/);
    expect(() => explore(asked(() => ['billing'] as never, []))).toThrow(/effects\.callLLM/);
    expect(() => explore(asked('billing' as never, []))).toThrow(/scenario\.effects\["callLLM"\]/);
  });

  it('takes outcomes from an arbitrary, and then claims no proof', () => {
    const model = fc.constantFrom('a', 'b').map((text) => ok(text));
    expect(explore(asked(model, ['a', 'b'])).verdict).toBe('PASS');
    expect(explore(asked(model, ['a'])).verdict).toBe('SAFETY');
  });
});

describe('an effect that is tried again', () => {
  /** Tries until it succeeds. */
  const trying: Scenario['setup'] = ({ spawn, send }) => {
    task('call');
    const agent = fromHandler({
      *receive(_state: undefined, _event: { type: 'go' }, ctx: AgentContext<{ type: 'go' }>) {
        try {
          yield* ctx.effect('callLLM', () => never());
          done('call');
        } catch {
          ctx.send(ctx.self, { type: 'go' });
        }
      },
    });
    send(spawn(agent, { id: 'A' }), { type: 'go' });
  };

  it('may fail for ever, for the worst is taken', () => {
    const model = [ok(1), fail(new Error('429'))];
    expect(explore({ setup: trying, effects: { callLLM: model } }).verdict).toBe('LIVELOCK');
  });

  it('succeeds at last when its outcomes are fair', () => {
    const model = fairly(ok(1), fail(new Error('429')));
    expect(explore({ setup: trying, effects: { callLLM: model } }).verdict).toBe('PROVED');
  });
});

describe('a superseded effect', () => {
  type Event = { type: 'ask'; n: number } | { type: 'res'; n: number };
  /** Two calls of a model are under way, and the answer of the first may come last. */
  const superseded = (checks: boolean): Scenario => ({
    name: 'O11',
    setup({ spawn, send }) {
      const caller = fromHandler({
        *receive(
          _state: undefined,
          event: { type: 'call'; n: number; to: never },
          ctx: AgentContext<{ type: 'call'; n: number; to: never }>,
        ) {
          const n = yield* ctx.effect('callLLM', () => Promise.resolve(event.n), event.n);
          ctx.send(ag as never, { type: 'res', n } as never);
        },
      });
      const ag = spawn(
        fromHandler({
          initial: () => ({ current: 0, answer: 0 }),
          receive(
            state: { current: number; answer: number },
            event: Event,
            ctx: AgentContext<Event>,
          ) {
            if (event.type === 'res')
              return !checks || event.n === state.current ? { ...state, answer: event.n } : state;
            const child = ctx.spawn(caller, { id: `l${event.n}` });
            ctx.send(child, { type: 'call', n: event.n } as never);
            return { ...state, current: event.n };
          },
        }),
        { id: 'Ag' },
      );
      send(ag, { type: 'ask', n: 1 });
      send(ag, { type: 'ask', n: 2 });
    },
    effects: { callLLM: ({ input }) => [ok(input)] },
    eventually: { 'the last answer wins': (w) => w.state<{ answer: number }>('Ag').answer === 2 },
  });

  it('wins when nobody looks, which FIFO does not show', () => {
    expect(explore(superseded(false), { strategy: 'fifo', schedules: 1 }).verdict).toBe('PASS');
    expect(explore(superseded(false)).verdict).toBe('SAFETY');
  });

  it('is harmless where the agent compares it with the current one', () => {
    expect(explore(superseded(true)).verdict).toBe('PROVED');
  });
});

describe('an effect that was given up', () => {
  const late = { of: ['*'], max: 1 };

  it('comes to an end late, and the machine that left the state does not hear of it', () => {
    const scenario = routed([ok('late')], () => true, 'cancel', 'go', 'cancel');
    const counted: Scenario = {
      ...scenario,
      effects: { callLLM: ({ input }) => [ok((input as { tries: number }).tries)] },
      invariant: {
        'what came is of the latest call': (w) => {
          const { route, tries } = w.state<{ route: unknown; tries: number }>('T');
          return route === '' || route === tries;
        },
      },
    };
    const without = explore(counted, { strategy: 'exhaustive' });
    const { verdict, states } = explore(
      { ...counted, faults: { late } },
      { strategy: 'exhaustive' },
    );
    expect([without.verdict, verdict]).toEqual(['PROVED', 'PROVED']);
    // It did come, in states that there are not without.
    expect(states).toBeGreaterThan(without.states);
  });

  it('by the crash of its agent, is nothing to the next life', () => {
    type Loaded = { of: number; life: number };
    const loading = fromHandler({
      initial: (): Loaded => ({ of: 0, life: 0 }),
      start: (_state: Loaded, ctx: AgentContext<{ type: 'load' }>) =>
        ctx.send(ctx.self, { type: 'load' }),
      *receive(_state: Loaded, _event: { type: 'load' }, ctx: AgentContext<{ type: 'load' }>) {
        const life = ctx.incarnation;
        return { of: yield* ctx.effect('load', () => Promise.resolve(life), life), life };
      },
    });
    const scenario = (more: object): Scenario => ({
      setup({ spawn }) {
        spawn(supervisor({ children: [child({ id: 'a', logic: loading })] }), { id: 'desk' });
      },
      effects: { load: ({ input }) => [ok(input)] },
      faults: { crash: { of: ['desk/a'], max: 1, when: ['waiting'] }, ...more },
      invariant: {
        'each life has its own': (w) => {
          if (!w.agents.includes('desk/a') || !w.isAlive('desk/a')) return true;
          const { of, life } = w.state<Loaded>('desk/a');
          return of === life;
        },
      },
      allow: { crashes: ['*'] },
    });
    const without = explore(scenario({}), { strategy: 'exhaustive' });
    const { verdict, states } = explore(scenario({ late }), { strategy: 'exhaustive' });
    expect([without.verdict, verdict]).toEqual(['PROVED', 'PROVED']);
    expect(states).toBeGreaterThan(without.states);
  });

  it('is refused as a fault of nothing', () => {
    expect(() => explore({ setup: () => undefined, faults: { late: { of: [], max: 1 } } })).toThrow(
      /scenario\.faults\.late\.of/,
    );
  });
});

describe('the models of a machine', () => {
  it('know the inputs and outputs of its actors', () => {
    const models = {
      callLLM: ({ input }) => {
        expectTypeOf(input).toEqualTypeOf<{ tries: number }>();
        return [ok(`try ${input.tries}`), fail(new Error('429')), hang()];
      },
    } satisfies EffectModels<typeof triage>;
    expect(explore(routed(models.callLLM, (route) => route !== 'try 1')).verdict).toBe('SAFETY');
    // @ts-expect-error -- the promise gives a text
    ({ callLLM: [ok(1)] }) satisfies EffectModels<typeof triage>;
    // @ts-expect-error -- the machine has no such actor
    ({ other: [ok('')] }) satisfies EffectModels<typeof triage>;
  });
});
