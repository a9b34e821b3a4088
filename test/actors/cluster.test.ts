// What holds of tasks within a node holds between nodes.

import { performer, perform, type PerformerRef, type Task } from 'troupe/actors';
import type { System } from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Stage, outcome } from '../transport/cast.ts';

let stage: Stage;
let here: { system: System; node: ClusterNode };
let there: { system: System; node: ClusterNode };
let alive = 0;

beforeEach(async () => {
  stage = new Stage();
  there = await stage.join('there');
  here = await stage.join('here', { seeds: ['memory:there'] });
  alive = 0;
  const far = performer('far', function* (task: Task<number>, run) {
    alive += 1;
    run.signal.addEventListener('abort', () => (alive -= 1));
    run.spend({ tokens: task.input });
    yield* run.sleep(task.input * 100);
    return { left: run.left['tokens'], chain: run.chain.length, remainingMs: run.remainingMs };
  });
  there.system.spawn(far, { id: 'far' });
  await stage.advance(10);
});
afterEach(() => stage.stop());

const chiefOf = (far: PerformerRef<number, unknown>) =>
  performer('chief', function* (task: Task<number>, run) {
    const outcome = yield* run.perform(far, { input: task.input });
    return { outcome, left: run.left['tokens'] };
  });
const farRef = () => here.node.ref('there/far') as PerformerRef<number, unknown>;

it('budget, deadline and chain go along to another node, and what is left comes back', async () => {
  const chief = here.system.spawn(chiefOf(farRef()), { id: 'chief' });
  const task = { goal: 'work', input: 3 };
  const options = { deadlineMs: 1_000, budget: { tokens: 10 } };
  const done = outcome(perform(here.system, chief, task, options));
  await stage.advance(500);
  expect(done.value).toMatchObject({
    status: 'done',
    output: { outcome: { status: 'done', output: { left: 7, chain: 2 } }, left: 7 },
    spent: { tokens: 3 },
  });
  const { remainingMs } = (
    done.value as never as { output: { outcome: { output: { remainingMs: number } } } }
  ).output.outcome.output;
  expect(remainingMs).toBeLessThanOrEqual(700);
});

it('a budget that is too small is a typed failure of the other node', async () => {
  const chief = here.system.spawn(chiefOf(farRef()), { id: 'chief' });
  const done = outcome(
    perform(here.system, chief, { goal: 'work', input: 3 }, { budget: { tokens: 2 } }),
  );
  await stage.advance(500);
  expect(done.value).toMatchObject({
    output: {
      outcome: { status: 'failed', failure: { kind: 'budgetExceeded', agent: 'there/far' } },
    },
  });
});

it('cancelling here ends the work there', async () => {
  const chief = here.system.spawn(chiefOf(farRef()), { id: 'chief' });
  const abort = new AbortController();
  const task = { goal: 'work', input: 50 };
  const done = outcome(perform(here.system, chief, task, { signal: abort.signal }));
  await stage.advance(100);
  expect(alive).toBe(1);
  abort.abort('enough');
  await stage.advance(100);
  expect(done.value).toMatchObject({ status: 'cancelled' });
  expect(alive).toBe(0);
});

it('a node that is lost fails the task there as unavailable, and ends the work for it', async () => {
  const chief = here.system.spawn(chiefOf(farRef()), { id: 'chief' });
  const done = outcome(perform(here.system, chief, { goal: 'work', input: 500 }));
  await stage.advance(100);
  stage.network.cut('here', 'there');
  await stage.advance(30_000);
  expect(done.value).toMatchObject({
    output: { outcome: { status: 'failed', failure: { kind: 'unavailable', effect: 'unknown' } } },
  });
  expect(alive).toBe(0);
});
