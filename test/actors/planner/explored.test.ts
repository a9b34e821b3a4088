// Every order of events and every crash that the search reaches, with a planner that answers as
// badly as it can: a task is settled once, what was done is not done again, and limits hold.

import {
  TaskFailed,
  capability,
  performer,
  planExecutor,
  registry,
  type Outcome,
  type Plan,
  type PlanDiff,
  type PlanStep,
  type ReplanRequest,
  type Step,
  type Task,
} from 'troupe/actors';
import { choose, explain, explore, type Scenario } from 'troupe/simulation';
import { describe, expect, it } from 'vitest';

const step = (id: string, from: PlanStep['input'], more: Partial<PlanStep> = {}): PlanStep => ({
  id,
  capability: 'do',
  ...(from !== undefined && { input: from }),
  ...more,
});
const plan: Plan = {
  steps: [
    step('a', { from: 'literal', value: 1 }),
    step('b', { from: 'step', step: 'a' }),
    step('c', { from: 'literal', value: 3 }, { timeoutMs: 50 }),
  ],
  replan: { failures: { any: 1 }, stallMs: 200 },
};
const answers: readonly PlanDiff[] = [
  { reason: 'nothing new', keep: ['a', 'b', 'c'] },
  { reason: 'another c', replace: [step('c', { from: 'literal', value: 4 })] },
  { reason: 'no c', cancel: ['c'] },
  { reason: 'it is over', giveUp: 'no idea' },
];

/** A client that wants one task done, twice: what the first run did, the second finds in the journal. */
function wants(name: string, crash: readonly string[], replansMax: number): Scenario {
  const outcomes: Outcome[] = [];
  const journal: Step[] = [];
  let done = new Set<string>();
  let twice: string[] = [];
  let asked = 0;
  const worker = performer('worker', function* ({ input }: Task<number>, run) {
    const outcome = choose(`worker ${input}`, ['done', 'failed', 'doomed']);
    yield* run.sleep(input);
    if (outcome === 'done') return input + 1;
    const retry = { sameInputWillFail: outcome === 'doomed' };
    throw new TaskFailed({ kind: 'toolError', message: outcome, retry });
  });
  const planner = performer<ReplanRequest, PlanDiff>('planner', () => {
    asked += 1;
    return choose('planner', answers);
  });
  const skills = registry({
    do: capability({ description: 'does it', workers: { ada: { performer: worker } } }),
  });
  const desk = () =>
    planExecutor('desk', {
      registry: skills,
      plan,
      planner,
      replansMax,
      journal: {
        read: () => [...journal],
        append(_, each) {
          journal.push(each);
          if (each.outcome.status !== 'done') return;
          const key = `${each.name} ${JSON.stringify(each.input)}`;
          if (done.has(key)) twice.push(key);
          done.add(key);
        },
      },
    });
  return {
    name,
    setup({ spawn, client }) {
      outcomes.length = 0;
      journal.length = 0;
      done = new Set();
      twice = [];
      asked = 0;
      const host = spawn(desk(), { id: 'host' });
      client('boss', function* (ctx) {
        for (const id of ['t', 't again']) {
          const task: Task<object> = { id, goal: 'do it', input: {} };
          const request = { type: 'task', task, by: ctx.self, timeoutMs: 5_000 } as const;
          try {
            outcomes.push((yield* ctx.ask(host, request, { timeoutMs: Infinity })).outcome);
          } catch (error) {
            outcomes.push({ status: 'cancelled', taskId: id, spent: {}, reason: String(error) });
          }
        }
      });
    },
    ...(crash.length > 0 && { faults: { crash: { of: crash, max: 2 } } }),
    allow: { crashes: ['*'], deadLetters: ['*'] },
    eventually: {
      'each task is settled, once (P1)': () => outcomes.length === 2,
      'what was done is not done again (P7)': () => twice.length === 0,
      'the planner was asked no more often than it may be': () => asked <= 2 * replansMax,
      'no step that failed is told as done': () =>
        outcomes.every((outcome) => outcome.status !== 'done' || outcome.output !== undefined),
      'what is missing is named': () =>
        outcomes.every((each) => each.status !== 'partial' || each.missing.length > 0),
      'no run is left': (world) => world.agents.every((path) => !/host\/\$\d/.test(path)),
    },
  };
}

describe('a plan, whoever crashes and whatever the planner says', () => {
  it.each([
    wants('its runs and workers crash', ['host/$*', 'host/team/*'], 2),
    wants('it crashes itself', ['host'], 2),
    wants('nobody crashes', [], 3),
  ])('$name', (scenario) => {
    const report = explore(scenario, { schedules: 120, exhaustiveMs: 500 });
    expect(report.failure && explain(report)).toBeUndefined();
  });
});
