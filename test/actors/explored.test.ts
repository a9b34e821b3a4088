// Every order of events and every crash that the search reaches: an accepted task is settled once.

import type { AgentContext, AnyRef, Wait } from 'troupe';
import {
  fanIn,
  join,
  performer,
  pipeline,
  type ModelTurn,
  type Outcome,
  type PerformerRef,
  type Task,
  type WantedCall,
} from 'troupe/actors';
import { choose, explain, explore, fail, hang, ok, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';
import { Witness, limits, plans, teamOf, type Plan } from './teams.ts';

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
      // Its supervisor ends it when a member crashes too often.
      'who lives has answered': (world) =>
        !world.isAlive('host') || outcomes.every(({ status }) => status !== 'cancelled'),
      'no run is left': (world) => world.agents.every((path) => !/host\/\$\d/.test(path)),
    },
  };
}

function* askFor<TInput, TOutput>(
  ctx: AgentContext,
  host: PerformerRef<TInput, TOutput>,
  input: TInput,
  mayCancel = false,
): Generator<Wait<unknown>, Outcome, unknown> {
  const task = { id: 't', goal: 'double', input };
  try {
    const by = ctx.self;
    const asked = { type: 'task', task, by, timeoutMs: 1_000 } as const;
    const budget = { tokens: 200, calls: 40, hops: 6 };
    // It waits for as long as it takes: that it is answered must not be owed to its own patience.
    const answer = ctx.ask(host, asked, { timeoutMs: Infinity, budget });
    if (mayCancel && choose('cancel', [false, true])) {
      yield* ctx.sleep(2);
      ctx.send(host, { type: 'cancel', taskId: 't', by, reason: 'not wanted' });
    }
    const reply = yield* answer;
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

/** `TROUPE_RUNS` makes it many more. */
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1);

const turn = (text: string, toolCalls: readonly WantedCall[] = []): ModelTurn => ({
  text,
  toolCalls,
  finish: toolCalls.length > 0 ? 'tool-calls' : 'stop',
  usage: { inputTokens: 5, outputTokens: 5 },
});
const wanted = { id: 'c1', name: 'help', text: '1', input: 1, isBroken: false };

describe.each([
  ['runs', ['host/$*', 'host/team/*']],
  ['the host', ['host']],
  ['the limiter', ['limits']],
])('a task of any team of teams, when %s may crash and the client may cancel,', (_, crash) => {
  it('is settled once, nothing is left of it, and nobody did more than it was granted (P1, P2, P3, P9, P10, P14)', () => {
    let outcomes: Outcome[] = [];
    let witness = new Witness();
    const scenario: Scenario<Plan> = {
      name: 'teams of teams',
      workload: plans,
      setup({ spawn, client }, plan) {
        outcomes = [];
        witness = new Witness();
        spawn(limits, { id: 'limits' });
        const host = spawn(teamOf(plan, witness), { id: 'host' });
        client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
          outcomes.push(yield* askFor(ctx, host, 1, true));
        });
      },
      effects: {
        'model/clerk': [
          ok(turn('enough')),
          ok(turn('', [wanted])),
          fail(new Error('broken')),
          hang(),
        ],
      },
      faults: { crash: { of: crash, max: 2 } },
      allow: { crashes: ['*'], deadLetters: ['*'] },
      eventually: {
        'the task is settled, once': () => outcomes.length === 1,
        'no run is left': (world) => world.agents.every((path) => !/^host.*\$\d/.test(path)),
        'no message waits': (world) => world.queued() === 0,
        'nothing is held': () => witness.held === 0,
      },
      invariant: {
        'nobody does more than it was granted': () => witness.overdrawn.length === 0,
        'the resource is not overbooked': () => witness.held <= 2,
        'a fan-in collects once (P5)': () =>
          [...witness.collected.values()].every((times) => times.length === 1),
      },
    };
    const report = explore(scenario, { schedules: 200 * RUNS, exhaustiveMs: 0 });
    expect(report.failure && explain(report)).toBeUndefined();
  });
});
