/** A swarm: one task, passed among members; one owner, and an end. */
import { agentName } from 'troupe';
import {
  handoff,
  handoffOf,
  perform,
  performer,
  swarm,
  type Handoff,
  type HandoverParts,
  type PerformRootOptions,
  type Performer,
  type PerformerRef,
  type Resolved,
  type SwarmMembers,
  type SwarmOptions,
  type Task,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

let system: TestSystem;
/** Every turn, with the handoff that came with it. */
let turns: (Handoff & { readonly by: string })[];
beforeEach(() => {
  system = createTestSystem();
  turns = [];
});

/** A member that does, turn by turn, what it is told; the last again and again. */
function member(name: string, ...does: readonly ((handoff: Handoff) => unknown)[]) {
  let turn = 0;
  return performer(name, function* (task: Task<unknown>, run) {
    yield* run.sleep(10);
    const envelope = handoffOf(task)!;
    turns.push({ ...envelope, by: name });
    const act = does[Math.min(turn, does.length - 1)]!;
    turn += 1;
    return act(envelope);
  });
}
const fails = (message: string) => () => {
  throw new Error(message);
};
const to = (name: string, parts: Partial<HandoverParts> = {}) =>
  handoff(name, { reason: `for ${name}`, ...parts });
const always = (name: string, parts?: Partial<HandoverParts>) => () => to(name, parts);
/** Passes it on with something new each time, so that only the hops can stop it. */
const busily = (name: string) => (envelope: Handoff) => to(name, { result: envelope.hops.used });

async function play(
  members: SwarmMembers,
  entry: string,
  more: Partial<SwarmOptions<SwarmMembers, string>> = {},
  options: PerformRootOptions = {},
) {
  const spec = { goal: 'help', input: { text: 'my lamp flickers' } as never, context: CONTEXT };
  return system.run(perform(system, swarm('support', { members, entry, ...more }), spec, options));
}
const CONTEXT = {
  user: { id: 'u1', preferences: { tone: 'short' }, identifiersAlreadyGiven: { order: '4711' } },
};
const by = () => turns.map((turn) => turn.by);

describe('a handoff', () => {
  it('carries goal, task, user, results and notes on, and the end has what all have found out', async () => {
    const members = {
      triage: member('triage', () =>
        to('billing', {
          result: { kind: 'refund' },
          decisions: ['it is about money'],
          labels: ['personal'],
        }),
      ),
      billing: member('billing', () =>
        to('technical', {
          task: { check: 'lamp' },
          result: { paid: 40 },
          user: { identifiersAlreadyGiven: { invoice: '9' } },
          openQuestions: ['is it broken?'],
        }),
      ),
      technical: member('technical', () => 'replaced'),
    };
    const outcome = await play(members, 'triage');
    expect(outcome).toMatchObject({
      status: 'done',
      output: { output: 'replaced', by: 'technical' },
    });
    const { results, decisions, user, chain } = (outcome as { output: Resolved }).output;
    expect(results).toMatchObject([
      { by: 'triage', value: { kind: 'refund' } },
      { by: 'billing', value: { paid: 40 } },
    ]);
    expect(decisions).toEqual(['it is about money']);
    expect(user.identifiersAlreadyGiven).toEqual({ order: '4711', invoice: '9' });
    expect(chain.map(({ agent }) => agent)).toEqual(['triage', 'billing', 'technical']);
    expect(turns[2]).toMatchObject({
      goal: 'help',
      task: { check: 'lamp' },
      from: 'billing',
      user: { id: 'u1', preferences: { tone: 'short' } },
      openQuestions: ['is it broken?'],
      labels: ['personal'],
      hops: { used: 2 },
    });
  });

  it('that delegates brings the result back to its sender, who has its own task and grants again', async () => {
    const members = {
      writer: member(
        'writer',
        () => to('reviewer', { mode: 'delegate', task: 'look at this', grants: ['read'] }),
        ({ results }) => `with ${String(results[0]?.value)}`,
      ),
      reviewer: member('reviewer', () => 'a comma'),
    };
    const outcome = await play(members, 'writer', { grants: ['read', 'write'] });
    expect(outcome).toMatchObject({ output: { output: 'with a comma', by: 'writer' } });
    expect(turns.map(({ grants }) => grants)).toEqual([
      ['read', 'write'],
      ['read'],
      ['read', 'write'],
    ]);
    expect(turns[2]).toMatchObject({
      by: 'writer',
      move: 'return',
      task: { text: 'my lamp flickers' },
    });
  });

  it.each([
    ['that fails', { b: member('b', fails('no ink')) }, /b: crash: no ink/],
    [
      'that nobody accepts',
      { b: { performer: member('b', () => 1), accepts: z.object({ page: z.number() }) } },
      /handoff to b: .*page/,
    ],
  ])('%s goes back to who delegated it, with why', async (_, rest, why) => {
    const members = {
      a: member(
        'a',
        always('b', { mode: 'delegate' }),
        ({ failedApproaches }) => failedApproaches[0],
      ),
      ...rest,
    };
    const outcome = await play(members, 'a');
    expect(outcome).toMatchObject({ status: 'done', output: { by: 'a' } });
    expect((outcome as { output: Resolved }).output.output).toMatch(why);
  });

  it('that is rejected goes to whom the receiver suggests', async () => {
    const members = {
      a: member('a', always('b')),
      b: {
        performer: member('b', () => 'b'),
        accepts: z.object({ page: z.number() }),
        suggest: 'c',
      },
      c: member('c', () => 'c'),
    };
    expect(await play(members, 'a')).toMatchObject({ output: { output: 'c', by: 'c' } });
    expect(by()).toEqual(['a', 'c']);
  });

  it.each([
    ['an unknown member', to('nobody'), /no member "nobody"; there are: a, b/],
    [
      'a note that is too long',
      to('b', { reason: 'x'.repeat(5_000) }),
      /5000 characters, allowed are 4096/,
    ],
    ['too much', to('b', { result: 'x'.repeat(70_000) }), /allowed are 65536: give a reference/],
    ['a grant that its sender has not', to('b', { grants: ['refund', 'ship'] }), /has not: ship/],
  ])('with %s stays with its sender, and nothing of the task is lost', async (_, wish, why) => {
    const members = {
      a: member(
        'a',
        () => wish,
        ({ failedApproaches }) => failedApproaches[0],
      ),
      b: member('b', () => 'b'),
    };
    const outcome = await play(members, 'a', { grants: ['refund'] });
    expect((outcome as { output: Resolved }).output.output).toMatch(why);
    expect(turns[1]).toMatchObject({
      task: { text: 'my lamp flickers' },
      goal: 'help',
      move: 'keep',
    });
  });

  it('grants no more than its sender has, and a seat that needs more rejects it', async () => {
    const members = {
      a: member('a', always('b', { grants: ['read'] }), () => 'kept'),
      b: { performer: member('b', () => 'refunded'), needs: ['refund'] },
    };
    const outcome = await play(members, 'a', { grants: ['read', 'refund'] });
    expect(outcome).toMatchObject({ output: { output: 'kept' } });
    expect(turns[1]!.failedApproaches).toMatchObject([expect.stringMatching(/needs refund/)]);
  });

  it('keeps the messages of a conversation, cut so that no call is parted from its result', async () => {
    const pair = [{ role: 'assistant' }, { role: 'tool' }];
    const messages = Array.from({ length: 30 }, () => pair).flat();
    const members = {
      a: member('a', always('b', { messages: messages.slice(0, 40) })),
      b: member('b', always('c', { messages: [...messages.slice(40), { role: 'user' }] })),
      c: member('c', () => 'c'),
    };
    await play(members, 'a');
    const { history } = turns[2]!;
    expect(history.messages[0]).toEqual({ role: 'assistant' });
    expect(history.messages.length).toBeLessThanOrEqual(50);
    expect(history.messages.length + history.omitted).toBe(61);
  });
});

describe('a loop', () => {
  it('of two agents that always find something new ends at the hop limit, with the chain and what was found', async () => {
    const members = { a: member('a', busily('b')), b: member('b', busily('a')) };
    const outcome = await play(members, 'a', { hopLimit: 5, visitsMax: 100 });
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: {
        kind: 'hopLimit',
        message: '5 handoffs are allowed, and this is one more: a > b > a > b > a > b > a',
        partial: { results: Array.from({ length: 6 }, () => expect.anything()) },
        retry: { sameInputWillFail: true },
      },
    });
    expect(turns).toHaveLength(6);
  });

  it('a hop limit of zero is zero, and not unlimited', async () => {
    const members = { a: member('a', always('b')), b: member('b', () => 'b') };
    const outcome = await play(members, 'a', { hopLimit: 0 });
    expect(outcome).toMatchObject({
      failure: { kind: 'hopLimit', message: expect.stringMatching(/^0 hand/) },
    });
    expect(by()).toEqual(['a']);
  });

  it('is seen at once where progress is declared, and at the second lap where it is not', async () => {
    const stale = (parts: Partial<HandoverParts>) => ({
      a: member('a', always('b', parts)),
      b: member('b', always('a', parts)),
    });
    expect(await play(stale({ progress: 'step 1' }), 'a')).toMatchObject({
      failure: {
        kind: 'loopDetected',
        message: expect.stringMatching(/^b has had .*: a > b > a > b$/),
      },
    });
    turns = [];
    expect(await play(stale({}), 'a')).toMatchObject({ failure: { kind: 'loopDetected' } });
    expect(by()).toEqual(['a', 'b', 'a', 'b']);
  });

  it('is none when a member gets it again with a new result', async () => {
    const members = {
      billing: member('billing', always('technical', { progress: 'asked' }), () => 'refunded'),
      technical: member('technical', always('billing', { result: 'broken', progress: 'checked' })),
    };
    expect(await play(members, 'billing')).toMatchObject({ output: { output: 'refunded' } });
    expect(by()).toEqual(['billing', 'technical', 'billing']);
  });

  it('ends when one member has had its visits', async () => {
    const members = { a: member('a', busily('b')), b: member('b', busily('a')) };
    const outcome = await play(members, 'a', { visitsMax: 2 });
    expect(outcome).toMatchObject({
      failure: {
        kind: 'loopDetected',
        message: expect.stringMatching(/a has had this task 2 times/),
      },
    });
  });

  it('that is declared as a cycle has a bound of its own', async () => {
    const members = {
      writer: member('writer', always('reviewer')),
      reviewer: member('reviewer', always('writer')),
    };
    const cycles = [{ of: ['writer', 'reviewer'], roundsMax: 4 }];
    const outcome = await play(members, 'writer', { cycles });
    expect(outcome).toMatchObject({
      failure: {
        kind: 'loopDetected',
        message: expect.stringMatching(/writer and reviewer has had its 4 rounds/),
      },
    });
    expect(turns).toHaveLength(8);
  });

  it('of a member that delegates again and again what is refused ends', async () => {
    const again = ({ hops }: Handoff) =>
      to(hops.used % 2 === 0 ? 'b' : 'a', { mode: 'delegate', result: hops.used });
    const members = { a: member('a', again), b: member('b', again) };
    expect(await play(members, 'a', { hopLimit: 3 })).toMatchObject({
      failure: { kind: 'hopLimit' },
    });
  });

  it('of two whose seats suggest each other ends at the hop limit', async () => {
    const accepts = z.object({ never: z.string() });
    const members = {
      a: member('a', always('b')),
      b: { performer: member('b', () => 1), accepts, suggest: 'c' },
      c: { performer: member('c', () => 1), accepts, suggest: 'b' },
    };
    expect(await play(members, 'a', { hopLimit: 5 })).toMatchObject({
      failure: { kind: 'hopLimit' },
    });
  });
});

describe('a swarm within a swarm', () => {
  it('uses up the same hops: the inner one has what is left', async () => {
    const inner = swarm('inner', {
      members: { x: member('x', busily('y')), y: member('y', busily('x')) },
      entry: 'x',
      hopLimit: 100,
      visitsMax: 100,
    });
    const members = { a: member('a', always('b')), b: inner };
    const outcome = await play(members, 'a', { hopLimit: 4 });
    expect(outcome).toMatchObject({
      failure: { kind: 'hopLimit', message: expect.stringMatching(/: a > b > x > y > x > y$/) },
    });
    expect(by()).toEqual(['a', 'x', 'y', 'x']);
  });

  it('that it uses as a tool, and that uses it in turn, ends at the shared hop limit', async () => {
    const Desk = agentName<PerformerRef<unknown, unknown>>('desk');
    const asks = performer('asks', function* (task: Task<unknown>, run) {
      turns.push({ ...handoffOf(task)!, by: 'asks' });
      return run.need(yield* run.perform(Desk, { input: task.input }));
    });
    const desk = swarm('desk', { members: { asks }, entry: 'asks', hopLimit: 4 });
    system.spawn(desk, { id: 'desk', name: Desk as never });
    const outcome = await system.run(perform(system, Desk, { goal: 'help', input: 1 }));
    expect(JSON.stringify(outcome)).toMatch(
      /4 handoffs are allowed, and this is one more: asks > asks/,
    );
    expect(turns).toHaveLength(5);
  });

  it('uses up the hops of the budget, as every delegation does', async () => {
    const members = { a: member('a', busily('b')), b: member('b', busily('a')) };
    const more = { hopLimit: 100, visitsMax: 100 };
    const outcome = await play(members, 'a', more, { budget: { hops: 6 } });
    expect(outcome).toMatchObject({ failure: { kind: 'hopLimit' } });
    expect(turns.length).toBeLessThanOrEqual(6);
  });

  it('gives deadline and budget on, never more than there is (P14)', async () => {
    const seen: { ms: number; tokens: number }[] = [];
    const spender = (next?: string) =>
      performer('spender', (_: Task<unknown>, run) => {
        seen.push({ ms: run.remainingMs, tokens: run.left['tokens']! });
        run.spend({ tokens: 10 });
        return next === undefined ? 'done' : to(next, { result: run.left['tokens'] });
      });
    const members = { a: spender('b'), b: spender() };
    const outcome = await play(members, 'a', {}, { deadlineMs: 3_000, budget: { tokens: 100 } });
    expect(outcome).toMatchObject({ status: 'done', spent: { tokens: 20 } });
    expect(seen.map(({ tokens }) => tokens)).toEqual([50, 45]);
    for (const { ms } of seen) expect(ms).toBeLessThanOrEqual(3_000);
  });
});

describe('a human', () => {
  const human = performer(
    'human',
    ({ input }: Task<{ summary: string }>) => `seen: ${input.summary}`,
  );

  it('gets what no member can end, with a summary', async () => {
    const members = { a: member('a', busily('b')), b: member('b', busily('a')) };
    const outcome = await play(members, 'a', { hopLimit: 2, human: human as never });
    expect(outcome).toMatchObject({ status: 'done', output: { by: 'human' } });
    const { output } = (outcome as { output: Resolved }).output;
    expect(output).toMatch(/Goal: help/);
    expect(output).toMatch(/"order":"4711"/);
    expect(output).toMatch(/Chain: a > b > a > human \(hopLimit: 2 handoffs are allowed/);
  });

  it('gets what a member hands to it', async () => {
    const members = { a: member('a', always('human')) };
    expect(await play(members, 'a', { human: human as never })).toMatchObject({
      output: { by: 'human' },
    });
  });

  it('who fails is told with what brought it there', async () => {
    const members = { a: member('a', fails('no ink')) };
    const absent = performer('human', fails('not in'));
    const outcome = await play(members, 'a', { human: absent as never });
    expect(outcome).toMatchObject({
      failure: { step: 'human', causes: [{ message: 'not in' }, { message: 'no ink' }] },
    });
  });
});

describe('a member that is lost', () => {
  it('owns the task until its turn must be over; then it goes on elsewhere', async () => {
    const silent = performer('silent', function* (_: Task<unknown>, run) {
      yield* run.sleep(Infinity);
    });
    const members = {
      a: member('a', always('b', { mode: 'delegate' }), () => 'without b'),
      b: silent,
    };
    const outcome = await play(members, 'a', { turnMs: 1_000 });
    expect(outcome).toMatchObject({ status: 'done', output: { output: 'without b' } });
  });
});

it('what makes no sense is refused at once, and named', () => {
  const members = { a: member('a', () => 1) };
  const make = (more: object) => () => swarm('s', { members, entry: 'a', ...more } as never);
  expect(make({ entry: 'x' })).toThrow(/swarm.entry.*x/);
  expect(make({ hopLimit: -1 })).toThrow(/swarm.hopLimit/);
  expect(make({ hopLimit: Infinity })).toThrow(/swarm.hopLimit/);
  expect(make({ visitsMax: 0 })).toThrow(/swarm.visitsMax/);
  expect(make({ cycles: [{ of: ['a', 'x'], roundsMax: 1 }] })).toThrow(/swarm.cycles.of/);
  expect(make({ members: { ...members, human: members.a } })).toThrow(/swarm.members.human/);
  expect(() => handoff('', { reason: 'x' })).toThrow(/handoff.to/);
  expect(() => handoff('b', { reason: '' })).toThrow(/handoff.reason/);
});

it('takes the input of its entry, and gives the output of its members', () => {
  const one = performer('one', (task: Task<{ text: string }>) =>
    task.input.text === '' ? handoff('two', { reason: 'nothing' }) : 1,
  );
  const two = performer('two', () => 'x');
  const logic = swarm('s', { members: { one, two }, entry: 'one' });
  expectTypeOf(logic).toExtend<Performer<{ text: string }, Resolved<number | string>>>();
});
