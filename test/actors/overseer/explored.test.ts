// Every order of events and every crash that the search reaches: work is not lost, and not done twice.

import type { AgentContext, AnyRef, Wait } from 'troupe';
import {
  assignmentOf,
  overseer,
  performer,
  rung,
  type Outcome,
  type PerformerRef,
  type Task,
} from 'troupe/actors';
import { explain, explore, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';

/** Tasks, the outcomes that their askers got, and the effects by key. */
interface Tally {
  readonly outcomes: Map<string, Outcome[]>;
  readonly effects: string[];
}

const IDS = ['a', 'b'];

function pool(tally: Tally) {
  const worker = performer('worker', function* (task: Task<string>, run) {
    yield* run.sleep(10);
    tally.effects.push(assignmentOf(task).idempotencyKey);
    return task.input;
  });
  return overseer('pool', {
    workers: { ada: worker, ben: worker },
    intensity: 3,
    attemptMs: Infinity,
    ladder: [rung.retry(2)],
  });
}

function scenario(
  name: string,
  crash: readonly string[],
  max: number,
  isRawOnce: boolean,
): Scenario {
  const tally: Tally = { outcomes: new Map(), effects: [] };
  const all = () => IDS.map((id) => tally.outcomes.get(id) ?? []);
  const isDone = (outcomes: readonly Outcome[]) => outcomes[0]?.status === 'done';
  return {
    name,
    setup({ spawn, client }) {
      tally.outcomes.clear();
      tally.effects.length = 0;
      const host = spawn(pool(tally), { id: 'host' });
      for (const id of IDS)
        client(`boss-${id}`, function* (ctx) {
          tally.outcomes.set(id, [yield* askFor(ctx, host as never, id)]);
        });
    },
    faults: { crash: { of: crash, max } },
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: {
      'each task is settled, once': () => all().every((outcomes) => outcomes.length === 1),
      'and all are done': () => all().every(isDone),
      'what is done was done': () => IDS.every((id) => tally.effects.includes(id)),
      'and not twice': () => !isRawOnce || new Set(tally.effects).size === tally.effects.length,
      'no run is left': (world) => world.agents.every((path) => !/host\/\$\d/.test(path)),
    },
  };
}

function* askFor(
  ctx: AgentContext,
  host: PerformerRef<string, string>,
  id: string,
): Generator<Wait<unknown>, Outcome, unknown> {
  const task = { id, goal: 'work', input: id };
  const asked = { type: 'task', task, by: ctx.self as AnyRef, timeoutMs: Infinity } as const;
  const reply = yield* ctx.ask(host, asked, { timeoutMs: Infinity });
  return reply.outcome;
}

describe('no work is lost, and none is done twice (P1, R6)', () => {
  it.each([
    scenario('whenever the desk crashes', ['host/team/crew/desk/agent'], 1, true),
    scenario('whenever a worker crashes', ['host/team/crew/ada/agent'], 2, false),
    scenario(
      'whenever both do',
      ['host/team/crew/desk/agent', 'host/team/crew/ben/agent'],
      1,
      false,
    ),
  ])('$name', (each) => {
    const report = explore(each, { schedules: 100, exhaustiveMs: 500 });
    expect(report.failure && explain(report)).toBeUndefined();
  });
});
