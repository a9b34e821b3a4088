// What is finished stays finished: after a failure, a crash, or when two want the same.

import { once, perform, performer, workLog, MemoryJournalStore, type Task } from 'troupe/actors';
import { child, supervisor } from 'troupe/supervision';
import { agentName, type Ref } from 'troupe';
import type { WorkLogEvent } from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { beforeEach, expect, it } from 'vitest';

const Log = agentName<Ref<WorkLogEvent>>('log');
let system: ReturnType<typeof createTestSystem>;
let done: string[];
let store: MemoryJournalStore;

beforeEach(async () => {
  system = createTestSystem();
  done = [];
  store = new MemoryJournalStore();
  const logic = workLog({ store });
  system.spawn(supervisor({ children: [child({ id: 'log', logic, name: Log })] }), { id: 'tree' });
  await system.settle();
});

const worker = (fails: () => boolean = () => false) =>
  performer('worker', ({ input }: Task<string>, run) =>
    once(run, Log, input, function* () {
      yield* run.sleep(10);
      if (fails()) throw new Error('failed');
      done.push(input);
      return `${input} done`;
    }),
  );
const give = (performerRef: ReturnType<typeof worker>, input: string) =>
  perform(system, system.spawn(performerRef), { goal: 'work', input });

it('work that is finished gives what it gave, and is not done again', async () => {
  const logic = worker();
  for (const _ of [1, 2])
    expect(await system.run(give(logic, 'a'))).toMatchObject({ status: 'done', output: 'a done' });
  expect(done).toEqual(['a']);
});

it('two that want the same at the same time get the same, and one does it', async () => {
  const logic = worker();
  const outcomes = system.run(Promise.all([give(logic, 'a'), give(logic, 'a'), give(logic, 'a')]));
  expect((await outcomes).map((each) => each.status)).toEqual(['done', 'done', 'done']);
  expect(done).toEqual(['a']);
});

it('work that failed is free again, also for whoever waits for it', async () => {
  let failures = 1;
  const logic = worker(() => (failures -= 1) >= 0);
  const outcomes = system.run(Promise.all([give(logic, 'a'), give(logic, 'a')]));
  expect((await outcomes).map((each) => each.status)).toEqual(['failed', 'done']);
  expect(done).toEqual(['a']);
});

it('what was finished before a crash of the log is known after it', async () => {
  const logic = worker();
  await system.run(give(logic, 'a'));
  await system.crash(system.ref('/tree/log')!);
  await system.advance(100);
  await system.run(give(logic, 'a'));
  expect(done).toEqual(['a']);
});

it('nobody goes on without a claim: with the log ends who is at work', async () => {
  const outcome = give(worker(), 'a');
  await system.advance(5);
  await system.crash(system.ref('/tree/log')!);
  expect(await system.run(outcome)).toMatchObject({ status: 'failed', failure: { kind: 'crash' } });
  await system.advance(100);
  expect(done).toEqual([]);
});

it('who is stopped in the midst of the work frees it, and the log lives on', async () => {
  const logic = worker();
  const abort = new AbortController();
  const task = { goal: 'work', input: 'a' };
  const first = perform(system, system.spawn(logic), task, { signal: abort.signal });
  await system.advance(5);
  abort.abort('enough');
  await system.run(first);
  expect(await system.run(give(logic, 'a'))).toMatchObject({ status: 'done' });
  expect(done).toEqual(['a']);
  expect(system.agents().flatMap(({ children }) => children.map((each) => each.restarts))).toEqual([
    0,
  ]);
});
