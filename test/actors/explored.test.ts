// Every order of events and every crash that the search reaches: an accepted task is settled once.

import type { AgentContext, AnyRef, Wait } from 'troupe';
import {
  fanIn,
  join,
  performer,
  pipeline,
  type Outcome,
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
