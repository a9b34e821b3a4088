import fc from 'fast-check';
import { agentName } from 'troupe';
import {
  TaskFailed,
  perform,
  performer,
  type Outcome,
  type PerformerName,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { expect, it } from 'vitest';

it('two agents that use each other as tools stop at the shared budget', async () => {
  const system = createTestSystem();
  let worked = 0;
  const A: PerformerName<number, string> = agentName('a');
  const B: PerformerName<number, string> = agentName('b');
  // Each turns to the other again and again, as a model does that takes the other for a tool.
  const toolUser = (other: PerformerName<number, string>) =>
    performer('tool user', function* (_: Task<number>, run) {
      worked += 1;
      for (let turn = 0; turn < 10; turn += 1) yield* run.perform(other, { input: turn });
      return 'enough';
    });
  system.spawn(toolUser(B), { id: 'a', name: A });
  system.spawn(toolUser(A), { id: 'b', name: B });
  const task = { goal: 'loop', input: 0 };
  const outcome = await system.run(perform(system, A, task, { budget: { calls: 10 } }));
  expect(worked).toBe(1 + 10);
  expect(outcome).toMatchObject({ status: 'done', spent: { calls: 10 } });
});

it('who delegates without end stops at the hops of its budget', async () => {
  const system = createTestSystem();
  const Self: PerformerName<number, number> = agentName('self');
  const deeper = performer('deeper', function* (task: Task<number>, run) {
    const outcome = yield* run.perform(Self, { input: task.input + 1 });
    if (outcome.status === 'failed' && outcome.failure.kind === 'hopLimit') return task.input;
    return run.need(outcome);
  });
  system.spawn(deeper, { id: 'self', name: Self });
  const task = { goal: 'dig', input: 1 };
  const outcome = await system.run(perform(system, Self, task, { budget: { hops: 5 } }));
  expect(outcome).toMatchObject({ status: 'done', output: 1 + 5 });
});

interface Tree {
  readonly spends: number;
  readonly asks: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly children: readonly Tree[];
}

const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    spends: fc.nat(20),
    asks: fc.option(fc.nat(60), { nil: undefined }),
    timeoutMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    children: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }),
})).tree;

interface Seen {
  readonly granted: number;
  readonly deadlineMs: number;
  readonly spent: number;
}

it('children never spend more than they were granted, nor outlive who gave them the task', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.nat(100), fc.boolean(), async (root, tokens, sideBySide) => {
      const system = createTestSystem();
      const Node: PerformerName<Tree, Seen> = agentName('node');
      const wrong: string[] = [];
      // Counted beside the purses: what was really spent, by whomever.
      let burnt = 0;
      const node = performer(
        'node',
        function* ({ input }: Task<Tree>, run) {
          const granted = run.left['tokens'] ?? 0;
          const deadlineMs = run.now() + run.remainingMs;
          try {
            run.spend({ tokens: input.spends });
            burnt += input.spends;
          } catch (error) {
            if (!(error instanceof TaskFailed)) throw error;
          }
          const optionsOf = ({ asks, timeoutMs }: Tree, tokensMax?: number) => {
            const most = asks ?? tokensMax;
            return {
              ...(most === undefined ? {} : { budget: { tokens: most } }),
              ...(timeoutMs === undefined ? {} : { timeoutMs }),
            };
          };
          const outcomes: Outcome<Seen>[] = [];
          if (sideBySide) {
            const share = run.share(input.children.length)['tokens'];
            const calls = input.children.map((child) =>
              run.start(Node, { input: child }, optionsOf(child, share)),
            );
            outcomes.push(...(yield* run.all(calls)));
          } else {
            for (const child of input.children)
              outcomes.push(yield* run.perform(Node, { input: child }, optionsOf(child)));
          }
          const spent = run.spent['tokens'] ?? 0;
          if (spent > granted + 1e-9) wrong.push(`spent ${spent} of ${granted}`);
          for (const outcome of outcomes)
            if (outcome.status === 'done' && outcome.output.deadlineMs > deadlineMs)
              wrong.push(`a child may go on until ${outcome.output.deadlineMs}, not ${deadlineMs}`);
          yield* run.sleep(1);
          return { granted, deadlineMs, spent };
        },
        { concurrency: 100 },
      );
      system.spawn(node, { id: 'node', name: Node });
      const task = { goal: 'spend', input: root };
      const outcome = await system.run(
        perform(system, Node, task, { budget: { tokens }, deadlineMs: 1_000 }),
      );
      expect(wrong).toEqual([]);
      expect(burnt).toBeLessThanOrEqual(tokens + 1e-9);
      expect(outcome.spent['tokens'] ?? 0).toBeLessThanOrEqual(tokens + 1e-9);
      await system.stop();
    }),
    { numRuns: 60 },
  );
});

it('the end of who wants a task ends all that was given away for it', async () => {
  const system = createTestSystem();
  let alive = 0;
  const leaf = performer('leaf', function* (_: Task<undefined>, run) {
    alive += 1;
    run.signal.addEventListener('abort', () => (alive -= 1));
    yield* run.sleep(1_000_000);
    return 'never';
  });
  const middle = performer(
    'middle',
    function* (_: Task<undefined>, run) {
      return run.need(yield* run.perform(run.team.leaf, { input: undefined }));
    },
    { team: { leaf } },
  );
  const top = performer(
    'top',
    function* (_: Task<undefined>, run) {
      const calls = [1, 2, 3].map(() => run.start(run.team.middle, { input: undefined }));
      return (yield* run.all(calls)).length;
    },
    { team: { middle } },
  );
  const ref = system.spawn(top, { id: 'top' });
  const abort = new AbortController();
  const task = { goal: 'wait', input: undefined };
  const outcome = perform(system, ref, task, { deadlineMs: 100_000, signal: abort.signal });
  await system.advance(10);
  expect(alive).toBe(3);
  abort.abort('enough');
  expect(await system.run(outcome)).toMatchObject({ status: 'cancelled' });
  await system.settle();
  expect(alive).toBe(0);
  await system.stop();
});

it('what a child has not spent when its time is up comes back', async () => {
  const system = createTestSystem();
  const slow = performer('slow', function* (_: Task<undefined>, run) {
    run.spend({ tokens: 3 });
    yield* run.sleep(1_000_000);
    return 'never';
  });
  const chief = performer('chief', function* (_: Task<undefined>, run) {
    const outcome = yield* run.perform(slow, { input: undefined }, { timeoutMs: 100 });
    return [outcome.status, outcome.spent['tokens'], run.left['tokens']];
  });
  const task = { goal: 'wait', input: undefined };
  const outcome = await system.run(perform(system, chief, task, { budget: { tokens: 10 } }));
  expect(outcome).toMatchObject({ output: ['failed', 3, 7], spent: { tokens: 3 } });
  expect(system.nowMs).toBe(100);
});
