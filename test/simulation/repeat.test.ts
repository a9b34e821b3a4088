import { describe, expect, it } from 'vitest';
import { fromHandler } from 'troupe';
import { explore, type Scenario } from 'troupe/simulation';

/** Each run knows how many have been before: what no seed holds. */
function counting(sendsMore: boolean): Scenario {
  let runs = 0;
  return {
    name: 'counting',
    setup({ spawn, send }) {
      runs += 1;
      const run = runs;
      const a = spawn(
        fromHandler({
          initial: () => run,
          receive: (state: number, _event: { type: 'go' | 'more' }, ctx) => {
            if (sendsMore && _event.type === 'go' && run % 2 === 0)
              ctx.send(ctx.self, { type: 'more' });
            return state;
          },
        }),
        { id: 'A' },
      );
      send(a, { type: 'go' });
    },
    eventually: { 'not the second run': (world) => world.state<number>('A') !== 2 },
  };
}

describe('a failure that does not come again', () => {
  it('is no bug of order, and the report says where the run goes another way', () => {
    const { verdict, failure } = explore(counting(true), { exhaustiveMs: 0 });
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation.message).toContain('A>A:more#1');
    expect(failure?.minimal).toBeUndefined();
  });

  it('is none either when all steps are equal and only the end differs', () => {
    const { verdict, failure } = explore(counting(false), { exhaustiveMs: 0 });
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation.message).toContain('the end');
  });

  it('is found in the setup too, where a later run makes less than an earlier one', () => {
    let runs = 0;
    const fading: Scenario = {
      name: 'fading',
      setup({ spawn, send }) {
        runs += 1;
        const a = spawn(
          fromHandler({ receive: (_state: undefined, _event: { type: string }) => undefined }),
          { id: 'A' },
        );
        const b = spawn(
          fromHandler({ receive: (_state: undefined, _event: { type: string }) => undefined }),
          { id: 'B' },
        );
        send(a, { type: 'go' });
        if (runs < 3) send(b, { type: 'go' });
      },
    };
    const { verdict, failure } = explore(fading);
    expect(verdict).toBe('NONDETERMINISTIC');
    expect(failure?.violation.message).toContain('the setup led to one state');
  });
});
