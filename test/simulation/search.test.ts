import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHandler, type AgentContext, type ReplyTo } from 'troupe';
import { choose, explore, type Report, type Scenario, type StrategyName } from 'troupe/simulation';
import { BUGS, CORRECT, withNoise } from './programs.ts';

const strategies = fc.constantFrom<StrategyName | 'portfolio'>(
  'portfolio',
  'random',
  'pctcp',
  'pos',
  'delays',
  'flip',
);
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const bugs = fc.constantFrom(...BUGS);

function untimed(report: Report): Report {
  return { ...report, tookMs: 0 };
}

type Work = { type: 'work'; replyTo: ReplyTo<{ type: 'ok' }> };
type Late = { type: 'later' | 'open' };

/** Work that is left for later, when whoever asked for it has gone: only it knows how much time there is. */
function leftForLater(patience: readonly number[]): Scenario {
  return {
    name: 'left for later',
    setup(stage) {
      const slow = stage.spawn(
        fromHandler({
          *receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
            yield* ctx.sleep(5);
            ctx.reply(event, { type: 'ok' });
          },
        }),
        { id: 'Slow' },
      );
      const worker = stage.spawn(
        fromHandler({
          initial: () => false,
          *receive(isOpen: boolean, event: Late, ctx: AgentContext<Late>) {
            if (event.type === 'open') return true;
            if (!isOpen) ctx.postpone();
            else yield* ctx.ask(slow, { type: 'work' });
            return isOpen;
          },
        }),
        { id: 'Worker' },
      );
      const desk = stage.spawn(
        fromHandler({
          receive(_state: undefined, event: Work, ctx: AgentContext<Work>) {
            ctx.reply(event, { type: 'ok' });
            ctx.send(worker, { type: 'later' });
          },
        }),
        { id: 'Desk' },
      );
      stage.client('Client', function* (ctx) {
        yield* ctx.ask(desk, { type: 'work' }, { timeoutMs: choose('patience', patience) });
        ctx.send(worker, { type: 'open' });
      });
    },
  };
}

describe('the search of all states', () => {
  it('tells apart what has more time left than before, where nothing else differs', () => {
    const strategy = 'exhaustive';
    expect(explore(leftForLater([Infinity]), { strategy }).verdict).toBe('PROVED');
    expect(explore(leftForLater([4]), { strategy }).verdict).toBe('CRASH');
    const { verdict, failure } = explore(leftForLater([Infinity, 4]), { strategy });
    expect(verdict).toBe('CRASH');
    expect(failure?.violation.message).toMatch(/^Worker crashed and nobody was told: AskTimeout/);
  });
});

describe('the search', () => {
  it('does the same for the same seed, down to every step and the token', () => {
    fc.assert(
      fc.property(bugs, strategies, seeds, ([scenario], strategy, seed) => {
        const options = { strategy, seed, schedules: 50, exhaustiveMs: 0 };
        expect(untimed(explore(scenario, options))).toEqual(untimed(explore(scenario, options)));
      }),
      { numRuns: 40 },
    );
  });

  it('never shrinks one verdict into another', () => {
    fc.assert(
      fc.property(bugs, strategies, seeds, fc.nat(2), ([scenario], strategy, seed, noise) => {
        const noisy = withNoise(scenario, noise, 4);
        const { failure } = explore(noisy, { strategy, seed, schedules: 50, exhaustiveMs: 0 });
        fc.pre(failure !== undefined);
        expect(failure?.minimal?.violation.verdict).toBe(failure?.violation.verdict);
      }),
      { numRuns: 60 },
    );
  });

  it('accuses no program that always comes to its end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CORRECT),
        strategies,
        seeds,
        fc.integer({ min: 1, max: 30 }),
        (scenario, strategy, seed, stepsMax) => {
          // Few steps, so that the fair end begins in the midst of things.
          const options = { strategy, seed, stepsMax, schedules: 20, exhaustiveMs: 0 };
          expect(explore(scenario, options)).toMatchObject({ verdict: 'PASS', warnings: [] });
        },
      ),
      { numRuns: 60 },
    );
  });
});
