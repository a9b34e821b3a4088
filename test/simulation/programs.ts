/**
 * Small programs with one bug each, for the tests of the search. Most show nothing under FIFO.
 */
import type { AnyActorLogic, EventObject } from 'xstate';
import { fromHandler, type AgentContext, type Ref, type Wait } from 'troupe';
import { child, supervisor } from 'troupe/supervision';
import {
  choose,
  chooseFairly,
  done,
  requires,
  task,
  type Scenario,
  type Stage,
} from 'troupe/simulation';

/** A message of any of these programs; one that is asked has a `replyTo`. */
export interface Message extends EventObject {
  readonly n?: number;
  readonly key?: string;
}

type Context = AgentContext<Message>;

/** What an agent of these programs is: the first state, and what it does with a message. */
interface Part<S> {
  readonly state?: () => S;
  readonly receive: (
    state: S,
    event: Message,
    ctx: Context,
  ) => S | undefined | void | Generator<Wait<unknown>, S | undefined | void, unknown>;
}

function logicOf<S>({ state, receive }: Part<S>) {
  return fromHandler({ ...(state && { initial: state }), receive } as never);
}

export function agent<S = undefined>(stage: Stage, id: string, part: Part<S>): Ref<Message> {
  return stage.spawn(logicOf(part), { id } as never) as unknown as Ref<Message>;
}

/** Sends by name, since these programs refer to each other in circles. */
function sender({ system }: Stage) {
  return (ctx: Context, path: string, type: string, n?: number): void =>
    ctx.send(
      system.ref(`/${path}`) as Ref<Message>,
      {
        type,
        ...(n !== undefined && { n }),
      } as never,
    );
}

/** A way from one agent to another through a number of relays; it gives the name of the first. */
export function relays(stage: Stage, name: string, target: string, hops: number): string {
  const tell = sender(stage);
  for (let hop = 1; hop <= hops; hop += 1)
    agent(stage, `${name}${hop}`, {
      receive: (_state, { type, n }, ctx) =>
        tell(ctx, hop === hops ? target : `${name}${hop + 1}`, type, n),
    });
  return hops === 0 ? target : `${name}1`;
}

/** O01: `use` may overtake `init`, for all that it goes a longer way. */
export const initAndUse = (hops = 0): Scenario => ({
  name: `init and use, ${hops} hops`,
  setup(stage) {
    const tell = sender(stage);
    const way = relays(stage, 'R', 'C', hops);
    agent(stage, 'C', { receive: () => undefined });
    agent(stage, 'B', { receive: (_state, _event, ctx) => tell(ctx, way, 'use') });
    const a = agent(stage, 'A', {
      receive(_state, _event, ctx) {
        tell(ctx, 'C', 'init');
        tell(ctx, 'B', 'go');
      },
    });
    stage.send(a, { type: 'go' });
  },
  ordering: [requires('C', 'use', { after: 'init' })],
});

/** O11: the answer to a superseded call may come last, and wins. */
export const superseded = (hops = 0, correct = false): Scenario => ({
  name: `superseded, ${hops} hops`,
  setup(stage) {
    const tell = sender(stage);
    const way = relays(stage, 'R', 'L2', hops);
    const ag = agent(stage, 'Ag', {
      state: () => ({ current: 0, answer: 0 }),
      receive(state, { type, n = 0 }, ctx) {
        if (type === 'ask') {
          tell(ctx, n === 2 ? way : 'L1', 'call', n);
          return { ...state, current: n };
        }
        return correct && n !== state.current ? state : { ...state, answer: n };
      },
    });
    for (const id of ['L1', 'L2'])
      agent(stage, id, { receive: (_state, { n }, ctx) => tell(ctx, 'Ag', 'res', n) });
    stage.send(ag, { type: 'ask', n: 1 });
    stage.send(ag, { type: 'ask', n: 2 });
  },
  eventually: {
    'the last question is answered': (world) => world.state<{ answer: number }>('Ag').answer === 2,
  },
});

/** L01: what comes in is kept by worker, so that two answers of one worker count as one. */
export const fanIn: Scenario = {
  name: 'fan-in',
  setup(stage) {
    const { system } = stage;
    const ag = agent(stage, 'Ag', {
      state: () => ({ asked: undefined as Message | undefined, by: [] as string[] }),
      receive(state, event, ctx) {
        if (event.type === 'req') {
          ctx.defer(event as never);
          for (const [n, id] of [
            [1, 'W1'],
            [2, choose('worker', ['W2', 'W1'])],
          ] as const)
            ctx.send(system.ref(`/${id}`) as Ref<Message>, { type: 'w', n } as never);
          return { ...state, asked: event };
        }
        const by = [...new Set([...state.by, event.key as string])];
        if (by.length === 2) ctx.reply(state.asked as never, { type: 'all' });
        return { ...state, by };
      },
    });
    for (const id of ['W1', 'W2'])
      agent(stage, id, {
        receive: (_state, _event, ctx) => ctx.send(ag, { type: 'res', key: id } as never),
      });
    stage.client('C', function* (ctx) {
      yield* ctx.ask(ag as never, { type: 'req' } as never);
    });
  },
};

/** L06: a request is made again after its deadline, and counts twice. */
export const retried: Scenario = {
  name: 'retried',
  setup(stage) {
    const bank = agent(stage, 'Bk', {
      state: () => 0,
      receive(count, event, ctx) {
        ctx.reply(event as never, { type: 'ok' });
        return count + 1;
      },
    });
    stage.client('C', function* (ctx) {
      try {
        yield* ctx.ask(bank as never, { type: 'dep' } as never, { timeoutMs: 10 });
      } catch {
        yield* ctx.ask(bank as never, { type: 'dep' } as never);
      }
    });
  },
  invariant: { 'at most one deposit': (world) => world.state<number>('Bk') <= 1 },
};

/** H02: a task is handed round; whether it gets out depends on what it carries. */
export const ring = (agents = 4, correct = false): Scenario => ({
  name: `ring of ${agents}`,
  setup(stage) {
    const tell = sender(stage);
    task('t');
    for (let i = 0; i < agents; i += 1)
      agent(stage, `R${i}`, {
        receive(_state, { n = 0 }, ctx) {
          if (n === 0) done('t');
          else tell(ctx, `R${(i + 1) % agents}`, 'task', i % 2 === 0 ? n - 1 : correct ? n : n + 1);
        },
      });
    stage.send(
      stage.system.ref('/R0') as Ref<Message>,
      {
        type: 'task',
        n: choose('value', [0, 1, 2, 3]),
      } as never,
    );
  },
});

/** H06: a specialist need never solve the case; chosen fairly, it does at last. */
export const unsolved = (correct = false): Scenario => ({
  name: 'unsolved',
  setup(stage) {
    const tell = sender(stage);
    task('case');
    const triage = agent(stage, 'T', {
      receive: (_state, _event, ctx) => tell(ctx, choose('route', ['S1', 'S2']), 'case'),
    });
    for (const id of ['S1', 'S2'])
      agent(stage, id, {
        receive(_state, _event, ctx) {
          if ((correct ? chooseFairly : choose)('solved', [true, false])) done('case');
          else tell(ctx, 'T', 'case');
        },
      });
    stage.send(triage, { type: 'case' } as never);
  },
});

/** D13: a grant that comes after its deadline is lost, and the permit with it. */
export const leakedPermit = (correct = false): Scenario => ({
  name: 'leaked permit',
  setup(stage) {
    const { system } = stage;
    type Semaphore = { free: boolean; queue: Message[] };
    const grant = (state: Semaphore, ctx: Context): Semaphore => {
      const [next, ...queue] = state.queue;
      if (next === undefined || !state.free) return state;
      ctx.send(system.ref(`/${next.key as string}`) as Ref<Message>, { type: 'grant' } as never);
      return { free: false, queue };
    };
    const semaphore = agent<Semaphore>(stage, 'Sem', {
      state: () => ({ free: true, queue: [] }),
      receive(state, event, ctx) {
        if (event.type === 'acq') return grant({ ...state, queue: [...state.queue, event] }, ctx);
        if (event.type === 'rel') return grant({ ...state, free: true }, ctx);
        const queue = state.queue.filter(({ key }) => key !== event.key);
        return queue.length < state.queue.length
          ? { ...state, queue }
          : grant({ ...state, free: true }, ctx);
      },
    });
    const say = (ctx: Context, type: string, key: string): void =>
      ctx.send(semaphore, { type, key } as never);
    for (const id of ['H', 'X', 'Y']) {
      if (id !== 'X') task(id);
      const user = agent<'waits' | 'over'>(stage, id, {
        state: () => 'waits',
        receive(state, { type }, ctx) {
          if (type === 'go') {
            say(ctx, 'acq', id);
            if (id === 'X') ctx.after(10, { type: 'late' });
            return state;
          }
          if (state === 'over') return state;
          if (type === 'late') {
            if (correct) say(ctx, 'cancel', id);
            return 'over';
          }
          say(ctx, 'rel', id);
          if (id !== 'X') done(id);
          return 'over';
        },
      });
      stage.send(user, { type: 'go' } as never);
    }
  },
});

/** R04: a worker crashes while it charges, and is told again. */
export const chargedTwice = (correct = false): Scenario => ({
  name: 'charged twice',
  setup(stage) {
    const ledger = agent<number[]>(stage, 'Lg', {
      state: () => [],
      receive(charged, event, ctx) {
        ctx.reply(event as never, { type: 'ok' });
        return correct && charged.includes(1) ? charged : [...charged, 1];
      },
    });
    const worker = logicOf({
      *receive(_state: undefined, event, ctx) {
        yield* ctx.ask(ledger as never, { type: 'charge' } as never);
        ctx.reply(event as never, { type: 'ok' });
      },
    });
    stage.spawn(supervisor({ children: [child({ id: 'W', logic: worker as AnyActorLogic })] }), {
      id: 'top',
    });
    stage.client('C', function* (ctx) {
      for (let attempt = 1; attempt <= 2; attempt += 1)
        try {
          yield* ctx.ask(stage.system.ref('/top/W') as never, { type: 'pay' } as never);
          return;
        } catch {
          // It is told again, once.
        }
    });
  },
  faults: { crash: { of: ['top/W'], max: 1 } },
  invariant: { 'at most one charge': (world) => world.state<number[]>('Lg').length <= 1 },
});

/** Pairs of agents that exchange pings and have part in nothing. */
export function withNoise(scenario: Scenario, pairs: number, pings: number): Scenario {
  return {
    ...scenario,
    name: `${scenario.name} with noise`,
    setup(stage, workload) {
      const tell = sender(stage);
      for (let pair = 1; pair <= pairs; pair += 1)
        for (const [id, other] of [
          [`ping${pair}`, `pong${pair}`],
          [`pong${pair}`, `ping${pair}`],
        ] as const) {
          const ref = agent(stage, id, {
            receive(_state, { n = 0 }, ctx) {
              if (n > 0) tell(ctx, other, 'ball', n - 1);
            },
          });
          if (id.startsWith('ping')) stage.send(ref, { type: 'ball', n: pings } as never);
        }
      scenario.setup(stage, workload);
    },
  };
}

/** The buggy programs, with the size of their least explanation. */
export const BUGS: readonly (readonly [scenario: Scenario, verdict: string, size: number])[] = [
  [initAndUse(), 'ORDER', 1],
  [superseded(), 'SAFETY', 1],
  [fanIn, 'STUCK', 1],
  [retried, 'SAFETY', 1],
  [ring(), 'HANDOFF_LOOP', 1],
  [unsolved(), 'HANDOFF_LOOP', 1],
  [leakedPermit(), 'STUCK', 1],
  [chargedTwice(), 'SAFETY', 1],
];

/** Programs that are correct, although they look much like the others. */
export const CORRECT: readonly Scenario[] = [
  superseded(0, true),
  ring(4, true),
  unsolved(true),
  leakedPermit(true),
  chargedTwice(true),
];
