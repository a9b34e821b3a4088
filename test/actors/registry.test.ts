import {
  TaskFailed,
  capability,
  performer,
  registry,
  type Capability,
  type Task,
} from 'troupe/actors';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const double = performer('double', ({ input }: Task<number>) => input * 2);
const skills = registry({
  double: capability({
    description: 'doubles a number',
    input: z.number(),
    workers: { ada: { performer: double, cost: { tokens: 5 } }, bob: { performer: double } },
  }),
});

describe('a registry', () => {
  it('gives a capability with its types', () => {
    const { workers } = skills.find('double');
    expect(Object.keys(workers)).toEqual(['ada', 'bob']);
    expectTypeOf(skills.find('double')).toEqualTypeOf<Capability<number, number>>();
  });

  it('says of a capability that it lacks which ones there are', () => {
    expect(() => skills.find('triple')).toThrow(
      'there is no capability "triple"; there are: double',
    );
    expect(() => skills.find('toString')).toThrow(TaskFailed);
  });

  it('is all its workers as a team', () => {
    expect(skills.team).toEqual({ 'double.ada': double, 'double.bob': double });
  });

  it('is plain data for whoever plans', () => {
    expect(JSON.parse(JSON.stringify(skills))).toMatchObject([
      {
        name: 'double',
        description: 'doubles a number',
        inputSchema: { type: 'number' },
        workers: [
          { name: 'ada', cost: { tokens: 5 } },
          { name: 'bob', cost: {} },
        ],
      },
    ]);
  });

  it('refuses what nobody can do, and what it does not know', () => {
    expect(() => registry({})).toThrow('registry');
    expect(() => registry({ a: { description: 'a', workers: {} } })).toThrow('registry.a.workers');
    const workers = { ada: { performer: double } };
    expect(() => registry({ a: { workers } as never })).toThrow('registry.a.description');
    expect(() => registry({ 'a b': { description: 'a', workers } })).toThrow('registry.a b');
    expect(() =>
      registry({ a: { description: 'a', workers: { x: { who: 1 } } } as never }),
    ).toThrow('registry.a.workers.x.who');
  });
});
