/** Model agents: what stands between a model's words and what happens. */
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { guard } from '../../../actors/guard/guard.ts';
import { guardedAction } from '../../../actors/guard/guarded-action.ts';
import type { LanguageModel, ModelMessage } from '../../../actors/models/language-model.ts';
import { modelAgent } from '../../../actors/models/model-agent.ts';
import { ModelHttpError } from '../../../actors/models/openai-compatible.ts';
import { rule, scripted, type ModelStep } from '../../../actors/models/test-model.ts';
import { guardedTools, performerTool, tool } from '../../../actors/models/tool.ts';
import { perform, type PerformRootOptions } from '../../../actors/perform.ts';
import type { Performer } from '../../../actors/task.ts';

let system: TestSystem;
let added: unknown[];
beforeEach(() => {
  system = createTestSystem();
  added = [];
});

const add = tool({
  description: 'adds two numbers',
  input: z.object({ a: z.number(), b: z.number() }),
  call: ({ a, b }) => {
    added.push([a, b]);
    return a + b;
  },
});
const wants = (name: string, input: unknown): ModelStep => ({ toolCalls: [{ name, input }] });
const adding = wants('add', { a: 2, b: 3 });

function run<TInput, TOutput>(
  performer: Performer<TInput, TOutput>,
  options: PerformRootOptions = {},
) {
  const spec = { goal: 'add two and three', input: undefined as never };
  return system.run(perform(system, performer, spec, options));
}
const clerk = (steps: readonly ModelStep[], more: object = {}) => {
  const model = scripted(steps);
  return {
    model,
    agent: modelAgent('clerk', { model, instructions: 'add', tools: { add }, ...more }),
  };
};
const resultsIn = (messages: readonly ModelMessage[]) =>
  messages.flatMap((message) =>
    message.role === 'tool' ? message.content.map(({ output }) => output.value) : [],
  );

describe('a conversation', () => {
  test('ends with the text; each call has its one result in the message after it', async () => {
    const { model, agent } = clerk([adding, 'It is 5.']);
    expect(await run(agent)).toMatchObject({ status: 'done', output: 'It is 5.' });
    expect(added).toEqual([[2, 3]]);
    expect(model.calls[1]?.prompt.slice(2)).toMatchObject([
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'call-1-1' }] },
      {
        role: 'tool',
        content: [{ toolCallId: 'call-1-1', output: { type: 'json', value: 5 } }],
      },
    ]);
    expect(model.calls[0]?.tools).toMatchObject([
      { name: 'add', inputSchema: { properties: { a: { type: 'number' } } } },
    ]);
    model.expectDone();
  });

  test('checks all calls of an answer before any of them runs', async () => {
    const both = {
      toolCalls: [
        { name: 'add', input: { a: 1, b: 1 } },
        { name: 'sub', input: {} },
      ],
    };
    const { model, agent } = clerk([both, 'done']);
    await run(agent);
    expect(resultsIn(model.calls[1]?.prompt ?? [])).toEqual([
      2,
      'there is no tool sub; there are: add',
    ]);
  });

  test('tells the model of invented tools, broken JSON and arguments that do not fit, and nothing runs', async () => {
    const steps = [wants('sub', {}), wants('add', '{"a": '), wants('add', { a: 'x', b: 1 }), 'no'];
    const { model, agent } = clerk(steps);
    expect(await run(agent)).toMatchObject({ status: 'done', output: 'no' });
    expect(resultsIn(model.calls[3]?.prompt ?? [])).toEqual([
      expect.stringMatching(/no tool sub/),
      expect.stringMatching(/no JSON/),
      expect.stringMatching(/arguments of add: a: /),
    ]);
    expect(added).toEqual([]);
  });

  test('fails when the model does not learn from it', async () => {
    const steps = Array.from({ length: 4 }, (_, index) => wants(`sub${index}`, {}));
    expect(await run(clerk(steps).agent)).toMatchObject({
      status: 'failed',
      failure: { kind: 'invalidOutput' },
    });
  });

  test('that goes round in the same call with the same result is a loop', async () => {
    const steps = Array.from({ length: 9 }, () => adding);
    expect(await run(clerk(steps).agent)).toMatchObject({
      status: 'failed',
      failure: { kind: 'loopDetected' },
    });
    expect(added).toHaveLength(4);
  });

  test('without an end within its turns gives what there is, and says that it is not whole', async () => {
    const steps = [{ text: 'so far 5', ...(adding as object) }, adding];
    expect(await run(clerk(steps, { turnsMax: 2 }).agent)).toMatchObject({
      status: 'partial',
      output: 'so far 5',
      missing: ['an end within 2 turns'],
    });
  });

  test('in which a tool fails goes on: the model is told', async () => {
    const call = () => {
      throw new Error('the abacus is broken');
    };
    const { model, agent } = clerk([adding, 'sorry'], { tools: { add: { ...add, call } } });
    expect(await run(agent)).toMatchObject({ status: 'done', output: 'sorry' });
    expect(resultsIn(model.calls[1]?.prompt ?? [])).toEqual(['crash: the abacus is broken']);
  });
});

describe('an output schema', () => {
  const output = z.object({ sum: z.number() });

  test('is what the answer is read by', async () => {
    expect(await run(clerk(['{"sum": 5}'], { output }).agent)).toMatchObject({
      status: 'done',
      output: { sum: 5 },
    });
  });

  test('that does not fit is told to the model, which may mend it', async () => {
    const { model, agent } = clerk(['five', '{"sum": "5"}', '{"sum": 5}'], { output });
    expect(await run(agent)).toMatchObject({ status: 'done', output: { sum: 5 } });
    expect(model.calls).toHaveLength(3);
  });

  test('that never fits is a failure', async () => {
    const { agent } = clerk(
      Array.from({ length: 9 }, () => 'five'),
      { output },
    );
    expect(await run(agent)).toMatchObject({ failure: { kind: 'invalidOutput' } });
  });
});

describe('limits', () => {
  test('tokens are reserved before a call, and what was not used comes back', async () => {
    const step = { text: 'ok', inputTokens: 10, outputTokens: 5 };
    const outcome = await run(clerk([step]).agent, { budget: { tokens: 2_000 } });
    expect(outcome).toMatchObject({ status: 'done', spent: { tokens: 15 } });
  });

  test('a call that could cost more than is left is not made', async () => {
    const { model, agent } = clerk(['ok']);
    const outcome = await run(agent, { budget: { tokens: 1_000 } });
    expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'budgetExceeded' } });
    expect(model.calls).toEqual([]);
  });

  test('two agents that use each other as tools stop at the shared budget', async () => {
    let calls = 0;
    const ping = rule(() => {
      calls += 1;
      return wants('other', { n: calls });
    });
    const input = z.object({ n: z.number() });
    const parts = { description: 'asks the other', input };
    const lazily = tool<{ n: number }>({
      ...parts,
      *call(args, run) {
        return run.need(yield* run.perform(refs.first!, { input: args }));
      },
    });
    const refs: { first?: Performer<unknown, unknown> } = {};
    const second = system.spawn(
      modelAgent('b', { model: ping, instructions: '', tools: { other: lazily } }),
      { id: 'b' },
    );
    const first = system.spawn(
      modelAgent('a', {
        model: ping,
        instructions: '',
        tools: { other: performerTool(second as never, parts) },
      }),
      { id: 'a' },
    );
    refs.first = first as never;
    const outcome = await run(first as never, { budget: { calls: 40 } });
    expect(outcome.status).toBe('failed');
    expect(calls).toBeLessThanOrEqual(40);
    expect(calls).toBeGreaterThan(3);
  });
});

describe('a call of the model', () => {
  const failing = (errors: Error[]): LanguageModel => {
    const good = scripted(['ok']);
    return {
      ...good,
      doGenerate: (call) => {
        const error = errors.shift();
        return error === undefined ? good.doGenerate(call) : Promise.reject(error);
      },
    };
  };
  const agentOf = (model: LanguageModel) => modelAgent('clerk', { model, instructions: '' });

  test('that is rate limited is made again when the provider allows it, and not earlier', async () => {
    const outcome = await run(agentOf(failing([new ModelHttpError(429, 'slow down', 7_000)])));
    expect(outcome).toMatchObject({ status: 'done', output: 'ok' });
    expect(system.nowMs).toBeGreaterThanOrEqual(7_000);
  });

  test('fails with what the provider said, once it has been tried often enough', async () => {
    const errors = Array.from({ length: 5 }, () => new ModelHttpError(503, 'down'));
    const outcome = await run(agentOf(failing(errors)));
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'unavailable', message: expect.stringMatching(/503: down/) },
    });
    expect(errors).toHaveLength(2);
  });

  test.each([
    [400, 'invalidInput'],
    [401, 'blockedExternally'],
  ])('that is refused with %i is not made again: %s', async (status, kind) => {
    const errors = [new ModelHttpError(status, 'no'), new ModelHttpError(status, 'no')];
    expect(await run(agentOf(failing(errors)))).toMatchObject({ failure: { kind } });
    expect(errors).toHaveLength(1);
  });

  test('that never answers ends with its time, and its request is aborted', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const model: LanguageModel = {
      ...scripted([]),
      doGenerate: ({ abortSignal }) => {
        signals.push(abortSignal);
        return new Promise(() => undefined);
      },
    };
    const retry = { attemptsMax: 2 };
    const agent = modelAgent('clerk', { model, instructions: '', retry, callTimeoutMs: 1_000 });
    expect(await run(agent)).toMatchObject({ failure: { kind: 'timeout' } });
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(system.nowMs).toBeLessThan(3_000);
  });

  test('is aborted when nobody wants the task any more', async () => {
    const controller = new AbortController();
    let aborted: AbortSignal | undefined;
    const model: LanguageModel = {
      ...scripted([]),
      doGenerate: ({ abortSignal }) => {
        aborted = abortSignal;
        controller.abort(new Error('changed my mind'));
        return new Promise(() => undefined);
      },
    };
    const agent = modelAgent('clerk', { model, instructions: '' });
    const outcome = await run(agent, { signal: controller.signal });
    await system.settle();
    expect(outcome.status).toBe('cancelled');
    expect(aborted?.aborted).toBe(true);
  });

  test('gives its text as it comes', async () => {
    const words: string[] = [];
    const onText = (delta: string) => words.push(delta);
    expect(await run(clerk(['one two'], { onText }).agent)).toMatchObject({ output: 'one two' });
    expect(words.join('')).toBe('one two');
    expect(words).toHaveLength(2);
  });

  test('whose stream stands still is made again', async () => {
    const good = scripted(['ok']);
    let streams = 0;
    const model: LanguageModel = {
      ...good,
      doStream: (call) =>
        (streams += 1) === 1
          ? Promise.resolve({ stream: new ReadableStream() })
          : good.doStream(call),
    };
    const agent = modelAgent('clerk', {
      model,
      instructions: '',
      onText: () => undefined,
      silenceMs: 500,
    });
    expect(await run(agent)).toMatchObject({ status: 'done', output: 'ok' });
    expect(streams).toBe(2);
  });

  test('that the model refuses to answer is its refusal', async () => {
    const model: LanguageModel = {
      ...scripted([]),
      doGenerate: async () => ({
        content: [{ type: 'text', text: 'I will not' }],
        finishReason: 'content-filter',
        usage: {},
        warnings: [],
      }),
    };
    expect(await run(agentOf(model))).toMatchObject({
      failure: { kind: 'modelRefusal', message: 'I will not' },
    });
  });
});

describe('a guarded tool', () => {
  const actions = {
    refund: guardedAction({
      effectClass: 'spend',
      args: z.object({ amount: z.number() }),
      effect: async ({ amount }) => `refunded ${amount}`,
    }),
  };
  const desk = () =>
    system.spawn(
      guard({
        state: undefined as unknown,
        actions,
        policy: {
          version: '1',
          rules: [
            {
              id: 'small',
              rule: ({ action }) =>
                (action.args as { amount: number }).amount > 50
                  ? { decision: 'deny', reason: 'more than 50' }
                  : { decision: 'allow', reason: 'small' },
            },
          ],
        },
      }),
      { id: 'desk' },
    );

  test('does what the guard allows, and tells the model what it denies and why', async () => {
    const model = scripted([
      wants('refund', { amount: 20 }),
      wants('refund', { amount: 80 }),
      'refunded 20 only',
    ]);
    const tools = guardedTools(desk(), actions);
    const agent = modelAgent('clerk', { model, instructions: '', tools });
    expect(await run(agent)).toMatchObject({ status: 'done', output: 'refunded 20 only' });
    expect(resultsIn(model.calls[2]?.prompt ?? [])).toEqual([
      'refunded 20',
      'guardDenied: denied: more than 50',
    ]);
  });
});

test('a tool whose schema cannot be told to a model is refused when the agent is made', () => {
  const silent = { '~standard': { version: 1, vendor: 'mine', validate: () => ({ value: 1 }) } };
  const tools = { add: { ...add, input: silent as never } };
  expect(() => clerk([], { tools })).toThrow(/tools\.add\.input.*mine/);
  expect(() => clerk([], { tools: { add: { ...tools.add, inputSchema: {} } } })).not.toThrow();
});
