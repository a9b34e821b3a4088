// Loops that are said to go on for ever do, and those that time or chance ends are not said to.
import { describe, expect, it } from 'vitest';
import { fromHandler, type AgentContext } from 'troupe';
import { done, explore, task, type Scenario } from 'troupe/simulation';

type Tick = { type: 'tick' };

/** Comes back every 10 ms until the time is `endMs`. */
const until = (endMs: number): Scenario => ({
  name: `until ${endMs} ms`,
  setup({ spawn, send }) {
    task('t');
    const a = spawn(
      fromHandler({
        receive(_state: undefined, _event: Tick, ctx: AgentContext<Tick>) {
          if (ctx.now() >= endMs) done('t');
          else ctx.after(10, { type: 'tick' });
        },
      }),
      { id: 'A' },
    );
    send(a, { type: 'tick' });
  },
});

/** Agents that tell themselves to go on, each for ever. */
const spinning = (...ids: readonly string[]): Scenario => ({
  name: 'spinning',
  setup({ spawn, send }) {
    task('t');
    const spins = fromHandler({
      receive: (_state: undefined, event: Tick, ctx: AgentContext<Tick>) =>
        ctx.send(ctx.self, event),
    });
    for (const id of ids) send(spawn(spins, { id }), { type: 'tick' });
  },
});

describe('a loop', () => {
  it.each(['portfolio', 'random', 'fifo'] as const)(
    'that the time ends is no livelock (%s)',
    (strategy) => {
      const report = explore(until(3_000), { strategy, schedules: 20 });
      expect(report.failure?.violation).toBeUndefined();
      expect(report.warnings).toEqual([]);
    },
  );

  it('that the time might end is only suspected, however long it lasts', () => {
    const report = explore(until(10_000_000), { schedules: 5, statesMax: 500 });
    expect(report.failure?.violation).toBeUndefined();
    expect(report.warnings).toMatchObject([{ verdict: 'LIVELOCK', certainty: 'suspected' }]);
  });

  it('in which no time passes is proved, although an agent has looked at the clock', () => {
    const report = explore({
      setup({ spawn, send }) {
        task('t');
        const a = spawn(
          fromHandler({
            receive(_state: undefined, event: Tick, ctx: AgentContext<Tick>) {
              if (ctx.now() < 3_000) ctx.send(ctx.self, event);
              else done('t');
            },
          }),
          { id: 'A' },
        );
        send(a, { type: 'tick' });
      },
    });
    expect(report.verdict).toBe('LIVELOCK');
  });

  it('is told as a fair lap: with all who could act in it', () => {
    const { failure } = explore(spinning('A', 'B', 'C'), { strategy: 'exhaustive' });
    const { steps = [], moves = [], violation } = failure ?? {};
    expect(violation?.verdict).toBe('LIVELOCK');
    expect(violation?.message).toMatch(/A>A:tick.*B>B:tick.*C>C:tick/);
    expect(moves).toHaveLength(steps.length + 1);
    const lap = steps.slice(violation?.loopFrom).map(({ agent }) => agent);
    expect(new Set(lap)).toEqual(new Set(['A', 'B', 'C']));
  });
});
