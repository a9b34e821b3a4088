import { describe, expect, it } from 'vitest';
import { child, fromHandler, supervisor, type AgentContext, type ReplyTo } from 'troupe';
import { choose, done, explain, explore, task, type Scenario } from 'troupe/simulation';
import { peers, type Question } from './failures.ts';
import { initAndUse } from './programs.ts';

const overtaking = initAndUse();

/** A task that is handed on until its hops are used up, or for ever. */
const handoff = (hopsMax: number): Scenario => ({
  name: 'handoff',
  setup({ system, spawn, send }) {
    task('t');
    type Handed = { type: 'task'; hops: number };
    const agent = (other: string) =>
      fromHandler({
        receive(_state: undefined, event: Handed, ctx: AgentContext<Handed>) {
          const hops = Math.min(event.hops + 1, 100);
          if (hops >= hopsMax) done('t');
          else ctx.send(system.ref(`/${other}`), { type: 'task', hops } as never);
        },
      });
    const a = spawn(agent('B'), { id: 'A' });
    spawn(agent('A'), { id: 'B' });
    send(a, { type: 'task', hops: 0 });
  },
});

describe('explore', () => {
  it('finds a circle of agents that wait for each other, and names it', () => {
    const { verdict, failure } = explore(peers(true));
    expect(verdict).toBe('DEADLOCK');
    expect(failure?.violation.cycle).toEqual(['A', 'B']);
  });

  it('proves, with the number of states, that there is none', () => {
    const report = explore(peers(false));
    expect(report.verdict).toBe('PROVED');
    expect(report.states).toBeGreaterThan(3);
  });

  it('finds a handoff that goes round for ever, and only that', () => {
    const endless = explore(handoff(Infinity));
    expect(endless.verdict).toBe('HANDOFF_LOOP');
    expect(endless.failure?.violation).toMatchObject({
      obligations: ['t'],
      agents: expect.arrayContaining(['A', 'B']) as unknown,
    });
    expect(explore(handoff(25)).verdict).toBe('PROVED');
  });

  it('finds the order in which a message overtakes another that FIFO never shows', () => {
    expect(explore(overtaking, { strategy: 'fifo', schedules: 3 }).verdict).toBe('PASS');
    expect(explore(overtaking).verdict).toBe('ORDER');
    expect(explore(overtaking, { strategy: 'random' }).verdict).toBe('ORDER');
  });

  it('knows how far a handler has come that sleeps, or whose requests fail, again and again', () => {
    const sleeps: Scenario = {
      setup({ client }) {
        task('slept');
        client('C', function* (ctx) {
          for (let left = 3; left > 0; left -= 1) yield* ctx.sleep(10);
          done('slept');
        });
      },
    };
    const asks: Scenario = {
      setup({ spawn, client }) {
        const deferring = fromHandler({
          receive: (_state: undefined, event: Question, ctx) => ctx.defer(event),
        });
        const ref = spawn(deferring, { id: 'S' });
        task('tried');
        client('C', function* (ctx) {
          for (let left = 3; left > 0; left -= 1)
            try {
              yield* ctx.ask(ref, { type: 'q' }, { timeoutMs: 10 });
            } catch {
              // It is asked again.
            }
          done('tried');
        });
      },
    };
    expect(explore(sleeps).verdict).toBe('PROVED');
    expect(explore(asks).verdict).toBe('PROVED');
  });

  it('tells a storm of restarts by a short lap, with those who are restarted', () => {
    const failing = fromHandler({
      start(_state: undefined, ctx) {
        if (ctx.incarnation > 1) throw new Error('not again');
        ctx.send(ctx.self, { type: 'crash' });
      },
      receive(_state: undefined, _event: { type: 'crash' }) {
        throw new Error('crash');
      },
    });
    const storm: Scenario = {
      setup({ spawn }) {
        task('t');
        const children = [child({ id: 'W', logic: failing })];
        spawn(supervisor({ intensity: 1_000_000, children }), { id: 'Sup' });
      },
    };
    const { verdict, failure } = explore(storm, { strategy: 'exhaustive', statesMax: 150 });
    expect(verdict).toBe('RESTART_STORM');
    expect(failure?.violation.message).toBe(
      't stays open while this goes on for ever: timer Sup, Sup/W>Sup:troupe.down',
    );
    expect(failure?.violation.agents).toEqual(expect.arrayContaining(['Sup', 'Sup/W']));
  });

  it('refuses what is no scenario, and says what was there', () => {
    expect(() => explore({} as Scenario)).toThrow(/scenario\.setup/);
    expect(() => explore({ ...overtaking, faults: { crash: { of: [], max: 1 } } })).toThrow(
      /scenario\.faults\.crash\.of/,
    );
    expect(() => explore(overtaking, { strategy: 'clever' as never })).toThrow(/check\.strategy/);
  });

  it('ends an exhaustive search of endless states, and says by which bound', () => {
    const endless: Scenario = {
      setup({ spawn, send }) {
        const counts = fromHandler({
          initial: () => 0,
          receive(count: number, event: { type: 'go' }, ctx: AgentContext<{ type: 'go' }>) {
            ctx.send(ctx.self, event);
            return count + 1;
          },
        });
        send(spawn(counts, { id: 'A' }), { type: 'go' });
      },
    };
    const strategy = 'exhaustive' as const;
    const few = explore(endless, { strategy, statesMax: 50 });
    expect(few).toMatchObject({ verdict: 'PASS', stoppedBy: 'states', states: 50 });
    expect(explain(few)).toContain('ended by the bound of its states: it has seen 50 states');
    expect(explore(endless, { strategy, stepsMax: 30 }).stoppedBy).toBe('steps');
    expect(explore(endless, { strategy, exhaustiveMs: 1, stepsMax: 5_000 }).stoppedBy).toBe('time');
    expect(explore(overtaking, { strategy }).stoppedBy).toBeUndefined();
    expect(() => explore(endless, { failures: 0 })).toThrow(/check\.failures/);
  });

  it('names a timer after the agent whose life set it, in the setup too', () => {
    const waiting: Scenario = {
      setup({ spawn, client }) {
        const starts = fromHandler({
          start: (_state: undefined, ctx: AgentContext<{ type: 'late' }>) => {
            ctx.after(10, { type: 'late' });
          },
          receive: (_state: undefined, _event: { type: 'late' }) => undefined,
        });
        spawn(starts, { id: 'A' });
        const deferring = fromHandler({
          receive: (_state: undefined, event: Question, ctx) => ctx.defer(event),
        });
        const ref = spawn(deferring, { id: 'S' });
        client('C', function* (ctx) {
          yield* ctx.ask(ref, { type: 'q' }, { timeoutMs: 10 });
        });
      },
      invariant: { 'for a while': ({ nowMs }) => nowMs < 10 },
    };
    const timers = ['fifo', 'random'].map(
      (strategy) =>
        explore(waiting, { strategy: strategy as 'fifo' }).failure?.steps.at(-1)?.id ?? '',
    );
    for (const id of timers) expect(id).toMatch(/^timer [AC]#1$/);
  });

  it('tells states apart by what came of a request from outside', () => {
    // The second answer leaves everything in the system as the first did.
    const scenario = (wanted: string): Scenario => ({
      setup({ spawn, ask }) {
        type Event = { type: 'q'; replyTo: ReplyTo<{ type: 'heads' | 'tails' }> };
        const a = spawn(
          fromHandler({
            receive: (_state: undefined, event: Event, ctx: AgentContext<Event>) =>
              ctx.reply(event, { type: choose('side', ['heads', 'tails']) }),
          }),
          { id: 'A' },
        );
        ask(a, { type: 'q' });
      },
      eventually: {
        wanted: ({ asks }) => (asks[0]?.reply as { type?: string } | undefined)?.type === wanted,
      },
    });
    for (const wanted of ['heads', 'tails'])
      expect(explore(scenario(wanted), { strategy: 'exhaustive' }).verdict).toBe('SAFETY');
  });

  it('does not take a loop that chance ends for one that goes on for ever', () => {
    const report = explore({
      setup({ spawn, send }) {
        task('t');
        type Event = { type: 'go' };
        const a = spawn(
          fromHandler({
            receive(_state: undefined, event: Event, ctx: AgentContext<Event>) {
              if (ctx.random() > 0.9) done('t');
              else ctx.send(ctx.self, event);
            },
          }),
          { id: 'A' },
        );
        send(a, { type: 'go' });
      },
    });
    expect(report.failure?.violation).toBeUndefined();
  });
});
