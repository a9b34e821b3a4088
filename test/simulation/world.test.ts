// What properties see, and what becomes of one that cannot look.
import { describe, expect, it } from 'vitest';
import { fromHandler, type AgentContext } from 'troupe';
import { explain, explore, replayToken, type Scenario } from 'troupe/simulation';

type Event = { type: 'add' | 'end' };

/** A counter that ends while others may still look at it. */
const ending = (properties: Partial<Scenario>): Scenario => ({
  name: 'ending',
  setup({ spawn, send }) {
    const counter = spawn(
      fromHandler({
        initial: () => 0,
        receive(count: number, { type }: Event, ctx: AgentContext<Event>) {
          if (type === 'end') ctx.stop();
          return count + 1;
        },
      }),
      { id: 'X' },
    );
    send(counter, { type: 'add' });
    send(counter, { type: 'end' });
  },
  ...properties,
});

describe('a property that looks at an agent that has ended', () => {
  it('has failed, and the schedule is told', () => {
    const scenario = ending({ invariant: { small: (world) => world.state<number>('X') < 9 } });
    const report = explore(scenario);
    expect(report.verdict).toBe('SAFETY');
    expect(report.failure?.minimal?.steps.map(({ id }) => id)).toEqual([
      'env>X:add#1',
      'env>X:end#1',
    ]);
    expect(report.failure?.violation.agents).toEqual(['X']);
    expect(explain(report)).toContain('the invariant "small" does not hold, for it throws');
    const { token = '' } = report.failure?.minimal ?? {};
    expect(replayToken(scenario, token).violation?.verdict).toBe('SAFETY');
  });

  it('has failed at the end too', () => {
    const { verdict, failure } = explore(
      ending({ eventually: { one: (world) => world.state('X') === 1 } }),
    );
    expect(verdict).toBe('SAFETY');
    expect(failure?.violation.cause).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('may ask before whether it is there', () => {
    const invariant = {
      small: (world: { isAlive(agent: string): boolean; state<T>(agent: string): T }) =>
        !world.isAlive('X') || world.state<number>('X') < 9,
    };
    expect(explore(ending({ invariant })).verdict).toBe('PROVED');
  });
});

it('a property that throws anything has failed, with what it threw as the cause', () => {
  const error = new RangeError('too far');
  const { verdict, failure } = explore(
    ending({
      invariant: {
        near: () => {
          throw error;
        },
      },
    }),
  );
  expect(verdict).toBe('SAFETY');
  expect(failure?.violation.cause).toBe(error);
});
