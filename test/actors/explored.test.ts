// Every order of events and every crash that the search reaches: an accepted task is settled once.

import fc from 'fast-check';
import type { AgentContext, AnyRef, Wait } from 'troupe';
import {
  ensemble,
  fanIn,
  join,
  performer,
  pipeline,
  type Join,
  type Outcome,
  type PerformerLogic,
  type PerformerRef,
  type Task,
} from 'troupe/actors';
import { explain, explore, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';

const double = performer('double', function* (task: Task<number>, run) {
  yield* run.sleep(task.input);
  return task.input * 2;
});

const team = fanIn('team', {
  worker: double,
  join: join.all(),
  collect: (slots) => slots.map(({ status }) => status),
});
const line = pipeline('line')
  .stage('first', { performer: double, timeoutMs: 100, retry: { attemptsMax: 2 } })
  .stage('second', { performer: double, fallback: double })
  .build();

/** A client that wants one task done, and notes each outcome that it gets. */
function wants<TInput, TOutput>(
  name: string,
  logic: typeof team | typeof line,
  input: TInput,
  crash: readonly string[],
): Scenario {
  const outcomes: Outcome[] = [];
  return {
    name,
    setup({ spawn, client }) {
      outcomes.length = 0;
      const ref = spawn(logic as never, { id: 'host' } as never) as AnyRef;
      client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
        const host = ref as unknown as PerformerRef<TInput, TOutput>;
        outcomes.push(yield* askFor(ctx, host, input));
      });
    },
    faults: { crash: { of: crash, max: 2 } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: {
      'the task is settled, once': () => outcomes.length === 1,
      'who did not crash itself has answered': () =>
        crash.includes('host') || outcomes.every(({ status }) => status !== 'cancelled'),
      'no run is left': (world) => world.agents.every((path) => !/host\/\$\d/.test(path)),
    },
  };
}

function* askFor<TInput, TOutput>(
  ctx: AgentContext,
  host: PerformerRef<TInput, TOutput>,
  input: TInput,
): Generator<Wait<unknown>, Outcome, unknown> {
  const task = { id: 't', goal: 'double', input };
  try {
    const asked = { type: 'task', task, by: ctx.self, timeoutMs: 1_000 } as const;
    // It waits for as long as it takes: that it is answered must not be owed to its own patience.
    const reply = yield* ctx.ask(host, asked, { timeoutMs: Infinity });
    return reply.outcome;
  } catch (error) {
    return { status: 'cancelled', taskId: 't', spent: {}, reason: String(error) };
  }
}

describe('an accepted task is settled once, whoever crashes (P1)', () => {
  it.each([
    wants('a fan-in whose runs crash', team, [1, 2], ['host/$*', 'host/team/*']),
    wants('a fan-in that crashes itself', team, [1, 2], ['host']),
    wants('a pipeline whose runs crash', line, 1, ['host/$*', 'host/team/*']),
    wants('a pipeline that crashes itself', line, 1, ['host']),
  ])('$name', (scenario) => {
    const report = explore(scenario, { schedules: 150, exhaustiveMs: 500 });
    expect(report.failure && explain(report)).toBeUndefined();
  });
});

/** A team of teams. */
type Shape =
  | { readonly type: 'leaf'; readonly how: 'ok' | 'fail' | 'silent'; readonly afterMs: number }
  | { readonly type: 'line'; readonly of: readonly Shape[] }
  | { readonly type: 'team'; readonly of: readonly Shape[]; readonly join: Join };

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 2, depthSize: 'small', withCrossShrink: true },
    fc.record({
      type: fc.constant('leaf'),
      how: fc.constantFrom('ok', 'fail', 'silent'),
      afterMs: fc.nat(3),
    }),
    fc.record({
      type: fc.constant('line'),
      of: fc.array(tie('shape'), { minLength: 1, maxLength: 2 }),
    }),
    fc.record({
      type: fc.constant('team'),
      of: fc.array(tie('shape'), { minLength: 1, maxLength: 3 }),
      join: fc.constantFrom(join.all(), join.quorum(2), join.first(), join.bestEffort(2)),
    }),
  ) as fc.Arbitrary<Shape>,
}));

function build(shape: Shape): PerformerLogic<number, number> {
  if (shape.type === 'leaf') {
    return performer('leaf', function* (task: Task<number>, run) {
      yield* run.sleep(shape.how === 'silent' ? 1_000_000 : shape.afterMs);
      if (shape.how === 'fail') throw new Error('failed');
      return task.input + 1;
    });
  }
  const [first, ...others] = shape.of.map(build);
  if (shape.type === 'team') {
    const members = Object.fromEntries([first!, ...others].map((each, at) => [`m${at}`, each]));
    return ensemble('team', { members, join: shape.join, collect: (slots) => slots.length });
  }
  return others
    .reduce(
      (line, each, at) => line.stage(`s${at}`, { performer: each }),
      pipeline('line').stage('s', { performer: first! }),
    )
    .build();
}

it('a task of any team of teams is settled once, whoever crashes (P1)', () => {
  let outcomes: Outcome[] = [];
  const scenario: Scenario<Shape> = {
    name: 'teams of teams',
    workload: shape,
    setup({ spawn, client }, team) {
      outcomes = [];
      const host = spawn(build(team), { id: 'host' });
      client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
        outcomes.push(yield* askFor(ctx, host, 1));
      });
    },
    faults: { crash: { of: ['host', 'host/*'], max: 2 } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: {
      'the task is settled, once': () => outcomes.length === 1,
      'no run is left': (world) => world.agents.every((path) => !/\$\d/.test(path)),
    },
  };
  const report = explore(scenario, { schedules: 300, exhaustiveMs: 0 });
  expect(report.failure && explain(report)).toBeUndefined();
});
