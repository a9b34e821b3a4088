import {
  TaskFailed,
  capability,
  perform,
  performer,
  planExecutor,
  registry,
  type Outcome,
  type Plan,
  type PlanDiff,
  type PlanExecutorOptions,
  type PlanStep,
  type ReplanRequest,
  type Step,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

/** A team whose members do what their input says, and a note of what they were asked. */
function makeTeam() {
  const asked: string[] = [];
  const failures = new Map<string, number>();
  const worker = (name: string) =>
    performer(name, function* ({ input, context }: Task<string>, run) {
      const strategy = context?.['strategy'];
      asked.push([name, input, ...(typeof strategy === 'string' ? [strategy] : [])].join(' '));
      run.spend({ tokens: 1 });
      yield* run.sleep(10);
      if (input === 'silent') yield* run.sleep(Infinity);
      if (input === 'empty') return '';
      if (input === 'broken')
        throw new TaskFailed({
          kind: 'toolError',
          message: 'it is broken',
          retry: { sameInputWillFail: true },
        });
      if (input === 'flaky' && (failures.get(name) ?? 0) < 1) {
        failures.set(name, 1);
        throw new Error('not yet');
      }
      if (input === 'bad for ada' && name === 'ada') throw new Error('not with me');
      if (input === 'guarded')
        throw new TaskFailed({ kind: 'guardDenied', message: 'not allowed' });
      if (input === 'needs proxy' && strategy !== 'proxy')
        throw new TaskFailed({ kind: 'blockedExternally', message: 'a CAPTCHA' });
      return `${input}!`;
    });
  const skills = registry({
    do: capability<string, string>({
      description: 'does what it is told',
      workers: { ada: { performer: worker('ada') }, bob: { performer: worker('bob') } },
    }),
    costly: capability<string, string>({
      description: 'does it well',
      workers: { eve: { performer: worker('eve'), cost: { tokens: 1_000 } } },
    }),
  });
  return { asked, skills };
}

const step = (id: string, value: string, more: Partial<PlanStep> = {}): PlanStep => ({
  id,
  capability: 'do',
  input: { from: 'literal', value },
  ...more,
});
const after = (id: string, need: string): PlanStep => ({
  id,
  capability: 'do',
  input: { from: 'step', step: need },
});
const once = { ladder: [] };

/** A planner that answers with these, in order, and keeps what it was asked. */
function planner(...answers: (PlanDiff | Error)[]) {
  const requests: ReplanRequest[] = [];
  const logic = performer('planner', ({ input }: Task<ReplanRequest>): PlanDiff => {
    requests.push(input);
    const answer = answers[requests.length - 1] ?? new Error('no more answers');
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { logic, requests };
}

type Options = Omit<Partial<PlanExecutorOptions<unknown, unknown>>, 'registry'>;

async function go(
  options: Options,
  { deadlineMs = 10_000, budget = {}, input = {} as unknown } = {},
) {
  const { asked, skills } = makeTeam();
  const system = createTestSystem();
  const decisions: string[] = [];
  system.inspect((event) => {
    if (event.type === 'report' && event.report.label === 'actors/decision')
      decisions.push(String((event.report.fields as { what: string }).what));
  });
  const desk = planExecutor<unknown>('desk', { registry: skills, ...options });
  const task = { goal: 'go', input };
  const outcome: Outcome = await system.run(perform(system, desk, task, { deadlineMs, budget }));
  return { outcome, asked, decisions, tookMs: system.nowMs };
}

describe('an executor', () => {
  it('runs what is ready side by side, and hands on what a step gave', async () => {
    const plan: Plan = {
      steps: [
        step('a', 'a'),
        step('b', 'b'),
        {
          id: 'c',
          capability: 'do',
          input: { from: 'step', step: 'a' },
          needs: ['b'],
        },
      ],
    };
    const { outcome, tookMs } = await go({ plan });
    expect(outcome).toMatchObject({ status: 'done', output: { c: 'a!!' } });
    expect(tookMs).toBe(20);
    expect(outcome.status === 'done' && outcome.steps?.map(({ name }) => name)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('runs no more steps at a time than it may', async () => {
    const plan: Plan = { steps: [step('a', 'a'), step('b', 'b'), step('c', 'c')] };
    expect((await go({ plan, concurrency: 1 })).tookMs).toBe(30);
  });

  it('a failed dependency does not count as satisfied', async () => {
    const plan: Plan = { steps: [step('a', 'broken'), after('b', 'a'), step('c', 'c')], ...once };
    const { outcome, asked } = await go({ plan });
    expect(outcome).toMatchObject({
      status: 'partial',
      output: { c: 'c!' },
      missing: ['a', 'b'],
      failures: [{ kind: 'toolError', step: 'a', blocked: ['b'] }],
    });
    expect(asked).toEqual(['ada broken', 'ada c']);
  });

  it('a timed-out step is not reported done', async () => {
    const plan: Plan = {
      steps: [step('a', 'silent', { timeoutMs: 100 }), step('b', 'b')],
      ...once,
    };
    const { outcome, tookMs } = await go({ plan });
    expect(outcome).toMatchObject({
      status: 'partial',
      missing: ['a'],
      failures: [{ kind: 'timeout', step: 'a' }],
      steps: [
        { name: 'b', outcome: { status: 'done' } },
        { name: 'a', outcome: { status: 'failed' } },
      ],
    });
    expect(tookMs).toBe(100);
  });

  it('tells of a silent step before the deadline, with what the others did', async () => {
    const plan: Plan = { steps: [step('a', 'silent'), step('b', 'b')], ...once };
    const { outcome, tookMs } = await go({ plan }, { deadlineMs: 1_000 });
    expect(outcome).toMatchObject({ status: 'partial', missing: ['a'], output: { b: 'b!' } });
    expect(tookMs).toBeLessThan(1_000);
  });

  it('a resumed task runs no step again that was done (P7)', async () => {
    const journal: Step[] = [];
    const kept = { read: () => [...journal], append: (_: Task, each: Step) => journal.push(each) };
    const plan: Plan = {
      steps: [step('a', 'a'), after('b', 'a'), step('c', 'flaky'), step('d', 'd')],
      ...once,
    };
    expect((await go({ plan, journal: kept })).outcome.status).toBe('partial');
    const again = await go({ plan: { ...plan, ladder: [{ type: 'retry' }] }, journal: kept });
    expect(again.outcome).toMatchObject({ status: 'done', output: { b: 'a!!', c: 'flaky!' } });
    expect(again.asked).toEqual(['ada flaky', 'ada flaky']);
  });

  it('a result of another input is not taken for this one', async () => {
    const { outcome: first } = await go({ plan: { steps: [step('a', 'a'), after('b', 'a')] } });
    const journal = { read: () => first.steps ?? [], append: () => undefined };
    const plan: Plan = { steps: [step('a', 'x'), after('b', 'a')] };
    const { outcome, asked } = await go({ plan, journal });
    expect(outcome).toMatchObject({ status: 'done', output: { b: 'x!!' } });
    expect(asked).toEqual(['ada x', 'ada x!']);
  });

  it('what an earlier plan of the same step gave is found again, whatever came after it', async () => {
    const first = await go({ plan: { steps: [step('a', 'x')] } });
    const later = await go({ plan: { steps: [step('a', 'y')] } });
    const steps = [...(first.outcome.steps ?? []), ...(later.outcome.steps ?? [])];
    const journal = { read: () => steps, append: () => undefined };
    expect((await go({ plan: { steps: [step('a', 'x')] }, journal })).asked).toEqual([]);
  });

  it('fails typed when nothing could be done, and names what is missing', async () => {
    const plan: Plan = { steps: [step('a', 'broken'), after('b', 'a')], ...once };
    expect((await go({ plan })).outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'dependencyFailed', blocked: ['a', 'b'], causes: [{ step: 'a' }] },
    });
  });

  it('does not take an output that the step does not accept', async () => {
    const accept = { type: 'string', minLength: 3 } as const;
    const plan: Plan = { steps: [step('a', 'empty', { accept }), step('b', 'bbb', { accept })] };
    expect((await go({ plan: { ...plan, ...once } })).outcome).toMatchObject({
      status: 'partial',
      missing: ['a'],
      failures: [{ kind: 'invalidOutput', step: 'a' }],
    });
  });
});

describe('a ladder', () => {
  it.each([
    ['tries again', 'flaky', [{ type: 'retry' }], ['ada flaky', 'ada flaky']],
    [
      'tries another way',
      'needs proxy',
      [{ type: 'strategy', name: 'proxy' }],
      ['ada needs proxy', 'ada needs proxy proxy'],
    ],
    [
      'asks another worker',
      'bad for ada',
      [{ type: 'reassign' }],
      ['ada bad for ada', 'bob bad for ada'],
    ],
  ] as const)('%s', async (_, what, ladder, asked) => {
    const given = planner();
    const plan: Plan = { steps: [step('a', what)], ladder };
    const went = await go({ plan, planner: given.logic });
    expect(went.outcome.status).toBe('done');
    expect(went.asked).toEqual(asked);
    expect(given.requests).toEqual([]);
  });

  it('ends with the fallback, and the outcome says so', async () => {
    const fallback = { from: 'literal', value: 'so so' } as const;
    const plan: Plan = { steps: [step('a', 'broken', { fallback }), after('b', 'a')] };
    const { outcome, asked } = await go({ plan });
    expect(outcome).toMatchObject({
      status: 'partial',
      output: { b: 'so so!' },
      missing: ['a'],
      failures: [{ step: 'a', attempt: 1 }],
    });
    expect(asked).toEqual(['ada broken', 'ada so so']);
  });

  it('a denied action stays denied: no other worker is asked', async () => {
    const plan: Plan = { steps: [step('a', 'guarded'), step('b', 'b')] };
    const { outcome, asked } = await go({ plan });
    expect(outcome).toMatchObject({ status: 'partial', failures: [{ kind: 'guardDenied' }] });
    expect(asked).toEqual(['ada guarded', 'ada b']);
  });

  it('tells the planner only when it has ended, with all that was tried', async () => {
    const ladder = [{ type: 'strategy', name: 'api' }, { type: 'reassign' }] as const;
    const given = planner({ reason: 'another way', replace: [step('a', 'fine')] });
    const plan: Plan = { steps: [step('a', 'needs proxy', { ladder })] };
    const { outcome } = await go({ plan, planner: given.logic });
    expect(outcome.status).toBe('done');
    expect(given.requests).toMatchObject([
      {
        goal: 'go',
        failures: [{ step: 'a', attempt: 3, retry: { strategiesTried: ['api'] } }],
        progress: [{ step: 'a', status: 'failed' }],
        left: { replans: 2 },
      },
    ]);
  });
});

describe('a planner', () => {
  it('makes the first plan when there is none', async () => {
    const given = planner({ reason: 'begin', add: [step('a', 'a')] });
    const { outcome } = await go({ planner: given.logic, replansMax: 0 });
    expect(outcome).toMatchObject({ status: 'done', output: { a: 'a!' } });
    expect(given.requests).toMatchObject([{ plan: { steps: [] }, why: 'there is no plan yet' }]);
    expect(given.requests[0]?.capabilities.map(({ name }) => name)).toEqual(['do', 'costly']);
  });

  it('changes the plan, and what was done is not done again', async () => {
    const given = planner({ reason: 'b must be fine', replace: [step('b', 'fine')] });
    const plan: Plan = { steps: [step('a', 'a'), step('b', 'broken'), after('c', 'b')], ...once };
    const { outcome, asked } = await go({ plan, planner: given.logic });
    expect(outcome).toMatchObject({ status: 'done', output: { a: 'a!', c: 'fine!!' } });
    expect(asked).toEqual(['ada a', 'ada broken', 'ada fine', 'ada fine!']);
  });

  it('an empty but valid result does not replan', async () => {
    const given = planner();
    const plan: Plan = { steps: [step('a', 'empty'), after('b', 'a')] };
    const { outcome } = await go({ plan, planner: given.logic });
    expect(outcome).toMatchObject({ status: 'done', output: { b: '!' } });
    expect(given.requests).toEqual([]);
  });

  const plan: Plan = { steps: [step('a', 'a'), step('b', 'broken'), after('c', 'b')], ...once };
  it.each([
    [
      'an unknown capability',
      { replace: [{ id: 'b', capability: 'sing' }] },
      'no capability "sing"',
    ],
    ['a cycle', { replace: [after('b', 'c')] }, 'it needs itself'],
    ['a step that fails again', { add: [step('d', 'd')] }, 'step "b" repeats what fails again'],
    [
      'that step under another name',
      { cancel: ['b'], replace: [after('c', 'x')], add: [step('x', 'broken'), step('d', 'd')] },
      'step "x" repeats what fails again',
    ],
    ['the plan that was there before', { keep: ['b'] }, 'this plan was there before'],
    [
      'more than there is to spend',
      { replace: [step('b', 'b', { capability: 'costly' })] },
      'costs 1000 tokens',
    ],
    ['a change of what is not there', { cancel: ['z'] }, 'there is no step "z"'],
    ['two things at once', { cancel: ['b'], keep: ['b'] }, 'keep and cancel at once'],
    ['an answer that is no change', { replace: 'b' } as never, 'replace: allowed: array'],
  ])('is refused %s, and told why', async (_, diff: Partial<PlanDiff>, why) => {
    const given = planner(
      { reason: 'r', ...diff },
      { reason: 'r', fallback: { b: { from: 'literal', value: 'B' } } },
    );
    const { outcome, decisions } = await go(
      { plan, planner: given.logic },
      { budget: { tokens: 100 } },
    );
    expect(given.requests[1]?.refused.join()).toContain(why);
    expect(decisions).toContain('refuse a plan');
    expect(outcome).toMatchObject({ status: 'partial', output: { c: 'B!' }, missing: ['b'] });
  });

  it('that fails is charged too, and an honest partial result remains', async () => {
    const given = planner(new Error('out of order'), new Error('out of order'));
    const { outcome } = await go({ plan, planner: given.logic, replansMax: 2 });
    expect(given.requests.length).toBe(2);
    expect(outcome).toMatchObject({
      status: 'partial',
      output: { a: 'a!' },
      missing: ['b', 'c'],
      failures: [
        { step: 'b', kind: 'toolError', blocked: ['c'] },
        { kind: 'budgetExceeded', message: expect.stringContaining('2 of 2 attempts') },
      ],
    });
  });

  it('that gives up is taken at its word', async () => {
    const given = planner({ reason: 'r', giveUp: 'b cannot be done' });
    const { outcome } = await go({ plan, planner: given.logic });
    expect(outcome).toMatchObject({
      status: 'partial',
      failures: [{ step: 'b' }, { message: 'the planner gives up: b cannot be done' }],
    });
  });

  it('that is silent does not hang the task', async () => {
    const silent = performer('planner', () => new Promise<PlanDiff>(() => undefined));
    const { outcome, tookMs } = await go({ plan, planner: silent }, { deadlineMs: 1_000 });
    expect(outcome).toMatchObject({ status: 'partial', missing: ['b', 'c'] });
    expect(tookMs).toBeLessThan(1_000);
  });

  it('is not asked below the threshold, and what runs is not disturbed', async () => {
    const given = planner({ reason: 'r', cancel: ['b', 'd'] });
    const steps = [step('a', 'a'), step('b', 'broken'), step('d', 'broken')];
    const replan = { failures: { any: 3 }, blockedPercent: 60 };
    const below = await go({
      plan: { steps: [...steps, after('c', 'a')], replan, ...once },
      planner: given.logic,
    });
    expect(below.outcome).toMatchObject({ status: 'partial', missing: ['b', 'd'] });
    const kinds = { failures: { toolError: 2 } };
    const at = await go({ plan: { steps, replan: kinds, ...once }, planner: given.logic });
    expect(at.outcome.status).toBe('done');
    expect(given.requests.map(({ why }) => why)).toEqual([
      'failed steps: 2, of kind toolError; threshold: 2',
    ]);
  });

  it('the stall counter is reset by a replan, the budget is not', async () => {
    const change = (id: string): PlanDiff => ({ reason: 'r', add: [step(id, 'silent')] });
    const given = planner(change('x'), change('y'), change('z'));
    const stalled: Plan = {
      steps: [step('a', 'a'), step('b', 'silent')],
      replan: { stallMs: 100 },
      ...once,
    };
    const { outcome, tookMs } = await go(
      { plan: stalled, planner: given.logic, replansMax: 2 },
      { deadlineMs: 2_000 },
    );
    expect(given.requests.map(({ why }) => why)).toEqual(
      Array(2).fill('nothing was done for 100 ms'),
    );
    expect(given.requests.map(({ left }) => 2_000 - left.timeMs)).toEqual([110, 210]);
    expect(outcome).toMatchObject({ status: 'partial', missing: ['b', 'x', 'y'] });
    expect(tookMs).toBeLessThan(2_000);
  });

  it('what still runs and is the same goes on through a change of the plan', async () => {
    const given = planner({ reason: 'r', cancel: ['b'] });
    const plan: Plan = {
      steps: [step('slow', 'slow'), after('slower', 'slow'), step('b', 'broken')],
    };
    const { outcome, asked, decisions } = await go({
      plan: { ...plan, ...once },
      planner: given.logic,
    });
    expect(outcome).toMatchObject({ status: 'done', output: { slower: 'slow!!' } });
    expect(asked).toEqual(['ada slow', 'ada broken', 'ada slow!']);
    expect(decisions).not.toContain('cancel a step');
  });

  it('children spend no more than was granted (P10)', async () => {
    const given = planner({ reason: 'r', replace: [step('b', 'fine')] });
    const { outcome } = await go(
      { plan, planner: given.logic },
      { budget: { tokens: 50, calls: 40 } },
    );
    expect(outcome.spent).toMatchObject({ tokens: 4, calls: 5 });
  });
});

describe('a plan executor', () => {
  it('refuses at once what cannot be', () => {
    const { skills } = makeTeam();
    const make = (options: object) => () => planExecutor('desk', { registry: skills, ...options });
    expect(make({})).toThrow('plan or planner');
    expect(make({ plan: { steps: [after('a', 'a')] } })).toThrow('a -> a');
    expect(make({ plan: { steps: [step('a', 'a')] }, concurrency: 0 })).toThrow('concurrency');
  });

  it('refuses a task whose input the plan does not find its way in', async () => {
    const plan: Plan = {
      steps: [{ id: 'a', capability: 'do', input: { from: 'task', path: 'x' } }],
    };
    expect((await go({ plan }, { input: { y: 1 } })).outcome).toMatchObject({
      failure: { kind: 'invalidInput', step: 'a', message: expect.stringContaining('no "x"') },
    });
  });
});
