import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  fromHandler,
  here,
  type AgentContext,
  type AgentInfo,
  type Down,
  type InspectionEvent,
  type MailboxOptions,
  type Ref,
  type ReplyTo,
  type Wait,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';

/** What an agent does with a request. */
type Act =
  | { readonly do: 'reply' | 'reply twice' | 'reply and stop' | 'reply and crash' }
  | { readonly do: 'fail' | 'lose' | 'crash' | 'stop' | 'keep' }
  | { readonly do: 'later'; readonly afterMs: number; readonly next: Act }
  | { readonly do: 'forward'; readonly to: number; readonly next: Act }
  | { readonly do: 'sleep'; readonly ms: number; readonly next: Act }
  | { readonly do: 'postpone'; readonly next: Act }
  | {
      readonly do: 'ask';
      readonly to: number;
      readonly plan: Act;
      readonly timeoutMs: number | undefined;
      readonly next: Act;
    };

type Done = { readonly type: 'done' };
type Work = {
  readonly type: 'work';
  readonly id: number;
  readonly plan: Act;
  readonly replyTo: ReplyTo<Done>;
};
type Later = { readonly type: 'later'; readonly request: Work; readonly plan: Act };
type Toggle = { readonly type: 'toggle' };
type TeamEvent = Work | Later | Toggle;
type Context = AgentContext<TeamEvent>;

interface Member {
  readonly kind: 'generator' | 'async' | 'machine';
  readonly policy: 'fail' | 'drop-newest' | 'drop-oldest' | 'wait' | 'conflate';
  readonly capacityMessages: number;
  readonly capacityPostponed: number;
}

type Happening =
  | {
      readonly what: 'ask';
      readonly atMs: number;
      readonly who: number;
      readonly plan: Act;
      readonly timeoutMs: number;
      readonly abortAfterMs: number | undefined;
    }
  | {
      readonly what: 'stop' | 'kill' | 'crash' | 'suspend' | 'resume' | 'toggle';
      readonly atMs: number;
      readonly who: number;
    };

interface Story {
  readonly team: readonly Member[];
  readonly happenings: readonly Happening[];
  readonly restarts: boolean;
  readonly picks: readonly number[];
}

const { act } = fc.letrec<{ act: Act }>((tie) => ({
  act: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({
      do: fc.constantFrom(
        'reply',
        'reply twice',
        'reply and stop',
        'reply and crash',
        'fail',
        'lose',
        'crash',
        'stop',
        'keep',
      ),
    }),
    fc.record({
      do: fc.constant('later' as const),
      afterMs: fc.integer({ min: 0, max: 30 }),
      next: tie('act'),
    }),
    fc.record({ do: fc.constant('forward' as const), to: fc.nat(9), next: tie('act') }),
    fc.record({
      do: fc.constant('sleep' as const),
      ms: fc.integer({ min: 0, max: 20 }),
      next: tie('act'),
    }),
    fc.record({ do: fc.constant('postpone' as const), next: tie('act') }),
    fc.record({
      do: fc.constant('ask' as const),
      to: fc.nat(9),
      plan: tie('act'),
      timeoutMs: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
      next: tie('act'),
    }),
  ),
}));

const story: fc.Arbitrary<Story> = fc.record({
  team: fc.array(
    fc.record({
      kind: fc.constantFrom('generator', 'async', 'machine'),
      policy: fc.constantFrom('fail', 'drop-newest', 'drop-oldest', 'wait', 'conflate'),
      capacityMessages: fc.integer({ min: 1, max: 3 }),
      capacityPostponed: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  happenings: fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          what: fc.constant('ask' as const),
          atMs: fc.integer({ min: 0, max: 60 }),
          who: fc.nat(9),
          plan: act,
          timeoutMs: fc.integer({ min: 0, max: 80 }),
          abortAfterMs: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 5 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          what: fc.constantFrom('stop', 'kill', 'crash', 'suspend', 'resume', 'toggle'),
          atMs: fc.integer({ min: 0, max: 60 }),
          who: fc.nat(9),
        }),
      },
    ),
    { minLength: 1, maxLength: 16 },
  ),
  restarts: fc.boolean(),
  picks: fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }),
});

/** The errors with which an ask may fail here. */
const CODES = [
  'DEADLOCK',
  'ASK_TIMEOUT',
  'NO_SUCH_ACTOR',
  'ACTOR_ENDED',
  'MAILBOX_FULL',
  'REQUEST_LOST',
  'REFUSED',
  'ABORTED',
];

class Coded extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** One run of a story, and what must hold all the while. */
class Run {
  readonly system: TestSystem;
  readonly story: Story;
  readonly asked: string[] = [];
  readonly settled: string[] = [];
  /** Requests whose ask has settled: nobody may start one of them any more. */
  readonly over = new Set<number>();
  readonly violations: string[] = [];
  #ids = 0;
  #picked = 0;

  constructor(toTell: Story) {
    this.story = toTell;
    const { picks } = toTell;
    this.system = createTestSystem({
      askTimeoutMs: 60,
      pick: (count) => (picks[this.#picked++ % picks.length] as number) % count,
    });
    this.system.inspect((event: InspectionEvent) => {
      if (event.type === 'asked') this.asked.push(event.request);
      if (event.type === 'settled') this.settled.push(event.outcome);
    });
  }

  member(index: number): Ref<TeamEvent> {
    return this.system.ref(`/team/m${index % this.story.team.length}`) as Ref<TeamEvent>;
  }

  begin({ id }: Work): void {
    if (this.over.has(id)) this.violations.push(`request ${id} was started after it had settled`);
  }

  /** What a handler that can wait does. */
  *perform(request: Work, plan: Act, ctx: Context, open: boolean): Generator<Wait<unknown>, void> {
    switch (plan.do) {
      case 'sleep':
        yield* ctx.sleep(plan.ms);
        yield* this.perform(request, plan.next, ctx, open);
        return;
      case 'ask': {
        const id = this.#ids++;
        const { timeoutMs } = plan;
        const options = timeoutMs === undefined ? {} : { timeoutMs };
        const leftMs = Math.min(timeoutMs ?? Infinity, ctx.remainingMs);
        const untilMs = ctx.now() + Math.max(0, leftMs);
        try {
          yield* ctx.ask(this.member(plan.to), { type: 'work', id, plan: plan.plan }, options);
        } catch (error) {
          this.checkError(error);
        }
        this.over.add(id);
        // Who waits for room may be woken later; who waits for the answer is woken at its deadline.
        if (ctx.now() > untilMs && !this.story.team.some(({ policy }) => policy === 'wait')) {
          this.violations.push(`ask ${id} ended at ${ctx.now()}, its deadline was ${untilMs}`);
        }
        yield* this.perform(request, plan.next, ctx, open);
        return;
      }
      default:
        this.performAtOnce(request, plan, ctx, open);
    }
  }

  /** What any handler and any action can do. */
  performAtOnce(request: Work, plan: Act, ctx: Context, open: boolean): void {
    const done: Done = { type: 'done' };
    switch (plan.do) {
      case 'reply':
        return ctx.reply(request, done);
      case 'reply twice':
        ctx.reply(request, done);
        return ctx.reply(request, done);
      case 'reply and stop':
        ctx.reply(request, done);
        return ctx.stop();
      case 'reply and crash':
        ctx.reply(request, done);
        throw new Error('crash after reply');
      case 'fail':
        return ctx.fail(request, new Coded('REFUSED'));
      case 'crash':
        throw new Error('crash');
      case 'stop':
        return ctx.stop();
      case 'keep':
        return ctx.defer(request);
      case 'later':
        ctx.defer(request);
        ctx.after(plan.afterMs, { type: 'later', request, plan: plan.next });
        return undefined;
      case 'forward':
        // Who does not hold it any more (its timer came after a forward) may not hand it on.
        try {
          ctx.forward(this.member(plan.to), { ...request, plan: plan.next });
        } catch (error) {
          if ((error as Coded).code !== 'INVALID_OPTION') throw error;
        }
        return undefined;
      case 'postpone':
        if (open) this.performAtOnce(request, plan.next, ctx, open);
        else ctx.postpone();
        return undefined;
      default:
        return undefined;
    }
  }

  /** Spawns the team below a parent that restarts whoever ends, or gives its place up. */
  async spawnTeam(): Promise<void> {
    const { team, restarts } = this.story;
    const parent = fromHandler({
      start: (_state: undefined, ctx: AgentContext<Down>) => {
        for (const [index, { kind, policy, ...bounds }] of team.entries()) {
          const overflow =
            policy === 'conflate'
              ? { conflate: (message: unknown) => (message as { type: string }).type }
              : policy;
          const mailbox: MailboxOptions = { ...bounds, overflow };
          ctx.spawn(logicOf(this, kind), { id: `m${index}`, mailbox, hold: true, monitor: true });
        }
      },
      *receive(_state: undefined, { ref }: Down, ctx: AgentContext<Down>) {
        if (restarts) {
          yield* ctx.sleep(3);
          yield* ctx.restart(ref);
          ctx.monitor(ref);
        } else ctx.release(ref);
      },
    });
    this.system.spawn(parent, { id: 'team' });
    await this.system.settle();
  }

  ask({ who, plan, timeoutMs, abortAfterMs }: Extract<Happening, { what: 'ask' }>): void {
    const id = this.#ids++;
    const untilMs = this.system.nowMs + timeoutMs;
    const controller = new AbortController();
    const { signal } = controller;
    let times = 0;
    const ended = (error: unknown): void => {
      times += 1;
      this.over.add(id);
      if (error !== undefined) this.checkError(error);
      if (times > 1) this.violations.push(`ask ${id} settled ${times} times`);
      if (this.system.nowMs > untilMs) this.violations.push(`ask ${id} ended after its deadline`);
    };
    this.outside.push(
      this.member(who)
        .ask({ type: 'work', id, plan }, { timeoutMs, signal })
        .then(() => ended(undefined), ended),
    );
    if (abortAfterMs !== undefined) {
      this.aborts.push({
        atMs: this.system.nowMs + abortAfterMs,
        abort: () => controller.abort(new Coded('ABORTED')),
      });
    }
  }

  readonly outside: Promise<void>[] = [];
  readonly aborts: { readonly atMs: number; readonly abort: () => void }[] = [];

  checkError(error: unknown): void {
    const { code } = error as Coded;
    if (!CODES.includes(code)) this.violations.push(`an ask failed with ${String(error)}`);
  }

  /** Every open request that somebody holds is an obligation of a living agent, and of one only. */
  checkLedger(): void {
    const held = new Map<string, number>();
    for (const { holder } of this.system.requests()) {
      if (holder !== undefined) held.set(holder, (held.get(holder) ?? 0) + 1);
    }
    const walk = (agents: readonly AgentInfo[]): void => {
      for (const { path, obligations, children } of agents) {
        const address = `local${path}`;
        if (obligations.length !== (held.get(address) ?? 0)) {
          this.violations.push(
            `${address} owes ${obligations.length}, the ledger has ${held.get(address) ?? 0}`,
          );
        }
        held.delete(address);
        walk(children);
      }
    };
    walk(this.system.agents());
    for (const address of held.keys())
      this.violations.push(`${address} is gone and holds a request`);
  }

  async tell(): Promise<void> {
    await this.spawnTeam();
    const { system } = this;
    for (let ms = 0; ms <= 150; ms += 1) {
      for (const happening of this.story.happenings.filter(({ atMs }) => atMs === ms)) {
        const ref = this.member(happening.who);
        const lives = system
          .agents()
          .flatMap(({ children }) => children)
          .some(({ path, status }) => path === ref.path && status !== 'vacant');
        if (happening.what === 'ask') this.ask(happening);
        else if (happening.what === 'toggle') ref.send({ type: 'toggle' });
        else if (!lives) continue;
        else if (happening.what === 'stop') void ref.stop({ timeoutMs: 10 });
        else if (happening.what === 'kill') void ref.kill();
        else if (happening.what === 'crash') void system.crash(ref);
        else system[happening.what](ref);
      }
      for (const { abort } of this.aborts.filter(({ atMs }) => atMs === ms)) abort();
      await system.settle();
      this.checkLedger();
      if (ms < 150) await system.advance(1);
    }
    // Some still work on requests whose asker has gone, in tasks of their own.
    await system.advance(3_000);
    // All deadlines have passed: nothing is open, nothing is owed, and every ask was settled once.
    expect(system.requests()).toEqual([]);
    await Promise.all(this.outside);
    const { answered, failed } = system.stats().asks;
    const count = (outcome: string): number =>
      this.settled.filter((each) => each === outcome).length;
    expect(this.settled).toHaveLength(this.asked.length);
    expect(answered).toBe(count('answered'));
    expect(failed).toBe(count('failed') + count('expired'));
    await system.stop();
    expect(this.violations).toEqual([]);
    expect(system.stats()).toMatchObject({ agents: 0, openRequests: 0, timers: 0, names: 0 });
    expect(this.settled).toHaveLength(this.asked.length);
  }
}

/** The logic of a member: three kinds that do the same. */
function logicOf(run: Run, kind: Member['kind']) {
  if (kind === 'machine') {
    const performed = ({ event }: { event: Work | Later }): void => {
      const request = event.type === 'later' ? event.request : event;
      if (event.type === 'work') run.begin(event);
      // A machine postpones by its state, and what it answers later it keeps by itself.
      const { plan } = event;
      if (plan.do !== 'postpone') {
        run.performAtOnce(request, plan, here() as unknown as Context, true);
      }
    };
    return setup({ types: { events: {} as TeamEvent } }).createMachine({
      initial: 'open',
      on: { work: { actions: performed }, later: { actions: performed } },
      states: {
        open: { on: { toggle: 'closed' } },
        closed: { meta: { postpone: ['work'] }, on: { toggle: 'open' } },
      },
    });
  }
  function* handle(open: boolean, event: TeamEvent, ctx: Context) {
    if (event.type === 'toggle') return !open;
    if (event.type === 'work') run.begin(event);
    const request = event.type === 'later' ? event.request : event;
    // A timer cannot be postponed.
    yield* run.perform(request, event.plan, ctx, open || event.type === 'later');
    return open;
  }
  if (kind === 'generator') return fromHandler({ initial: () => false, receive: handle });
  return fromHandler({
    initial: () => false,
    async receive(open: boolean, event: TeamEvent, ctx: Context) {
      const handling = handle(open, event, ctx);
      for (let step = handling.next(); ; step = handling.next()) {
        if (step.done === true) return step.value;
        // The generator reads the outcome itself when it goes on.
        await step.value.then(undefined, () => undefined);
      }
    },
  });
}

/** `TROUPE_RUNS` makes it many more. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1) * 300;

describe('obligations', () => {
  it(
    'every ask of a random team settles exactly once, whatever its members do and whoever ends',
    async () => {
      await fc.assert(
        fc.asyncProperty(story, async (toTell) => {
          await new Run(toTell).tell();
        }),
        { numRuns: RUNS },
      );
    },
    RUNS * 400,
  );
});
