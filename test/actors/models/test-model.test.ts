/** The models of tests: they say what they are told to, and the AI SDK takes them as its own. */
import type { LanguageModelV2, LanguageModelV3 } from '@ai-sdk/provider';
import { generateText, jsonSchema, streamText } from 'ai';
import { createSeededRandom } from 'troupe';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { LanguageModel, ModelCall } from '../../../actors/models/language-model.ts';
import { ScriptError, chaos, rule, scripted } from '../../../actors/models/test-model.ts';
import { collectTurn, turnOf } from '../../../actors/models/turn.ts';

const call: ModelCall = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
  tools: [{ type: 'function', name: 'search', inputSchema: {} }],
};

describe('a script', () => {
  test('is said step by step, and its calls are kept', async () => {
    const model = scripted(['one', { toolCalls: [{ name: 'search', input: { words: 'x' } }] }]);
    expect(turnOf(await model.doGenerate(call))).toMatchObject({ text: 'one', finish: 'stop' });
    expect(turnOf(await model.doGenerate(call))).toMatchObject({
      text: '',
      finish: 'tool-calls',
      toolCalls: [{ id: 'call-2-1', name: 'search', input: { words: 'x' }, isBroken: false }],
    });
    expect(model.calls).toEqual([call, call]);
    model.expectDone();
  });

  test('rejects the call after its last step', async () => {
    const model = scripted(['one']);
    await model.doGenerate(call);
    await expect(model.doGenerate(call)).rejects.toThrow(ScriptError);
  });

  test('says that steps are left over', async () => {
    const model = scripted(['one', 'two']);
    await model.doGenerate(call);
    expect(() => model.expectDone()).toThrow(/2 steps, of which 1 were used/);
  });

  test('is the same as a stream, word by word', async () => {
    const model = scripted(['one two  three', { toolCalls: [{ name: 'search', input: {} }] }]);
    const words: string[] = [];
    const { stream } = await model.doStream(call);
    const turn = await collectTurn(stream, (delta) => words.push(delta));
    expect(turn).toMatchObject({ text: 'one two  three', finish: 'stop' });
    expect(words).toHaveLength(3);
    const second = await collectTurn((await model.doStream(call)).stream, () => undefined);
    expect(second.toolCalls).toMatchObject([{ name: 'search', input: {} }]);
  });

  test('is not said to a call that is aborted already', async () => {
    const model = scripted(['one']);
    const abortSignal = AbortSignal.abort(new Error('nobody waits'));
    await expect(model.doGenerate({ ...call, abortSignal })).rejects.toThrow('nobody waits');
    expect(model.calls).toEqual([]);
  });
});

test('a rule sees the call and its number', async () => {
  const model = rule(({ prompt }, index) => `${index}: ${prompt.length}`);
  expect(turnOf(await model.doGenerate(call)).text).toBe('0: 1');
  expect(turnOf(await model.doGenerate(call)).text).toBe('1: 1');
});

describe('chaos', () => {
  const shares = { random: createSeededRandom(1) };

  test('without a fault is the model itself', async () => {
    const model = chaos(scripted(['one']), shares);
    expect(turnOf(await model.doGenerate(call)).text).toBe('one');
  });

  test('is rate limited as providers are', async () => {
    const model = chaos(scripted([]), { ...shares, rateLimited: 1 });
    await expect(model.doGenerate(call)).rejects.toMatchObject({
      statusCode: 429,
      responseHeaders: { 'retry-after': '1' },
    });
  });

  test('breaks, invents tools and writes broken arguments', async () => {
    await expect(chaos(scripted([]), { ...shares, broken: 1 }).doGenerate(call)).rejects.toThrow(
      TypeError,
    );
    const invented = await chaos(scripted([]), { ...shares, inventedTool: 1 }).doGenerate(call);
    expect(turnOf(invented).toolCalls[0]?.name).toBe('no_such_tool');
    const malformed = await chaos(scripted([]), { ...shares, malformed: 1 }).doGenerate(call);
    expect(turnOf(malformed).toolCalls[0]).toMatchObject({ name: 'search', isBroken: true });
  });

  test('hangs until the call is aborted', async () => {
    const controller = new AbortController();
    const model = chaos(scripted([]), { ...shares, hang: 1 });
    const answer = model.doGenerate({ ...call, abortSignal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });

  test('of more than everything is refused', () => {
    expect(() => chaos(scripted([]), { ...shares, broken: 0.7, hang: 0.7 })).toThrow(/chaos/);
    expect(() => chaos(scripted([]), { ...shares, sloth: 1 } as never)).toThrow(/rateLimited/);
  });
});

describe('the AI SDK', () => {
  test('has models that fit as they are', () => {
    expectTypeOf<LanguageModelV3>().toExtend<LanguageModel>();
    expectTypeOf<LanguageModelV2>().toExtend<LanguageModel>();
  });

  test('generates with a script', async () => {
    const { text, usage } = await generateText({ model: scripted(['hello']), prompt: 'hi' });
    expect(text).toBe('hello');
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  test('streams with a script', async () => {
    const { textStream } = streamText({ model: scripted(['one two']), prompt: 'hi' });
    let text = '';
    for await (const delta of textStream) text += delta;
    expect(text).toBe('one two');
  });

  test('calls its tools as a script wants', async () => {
    const model = scripted([{ toolCalls: [{ name: 'search', input: { words: 'x' } }] }]);
    const search = { inputSchema: jsonSchema<{ words: string }>({ type: 'object' }) };
    const { toolCalls } = await generateText({ model, tools: { search }, prompt: 'hi' });
    expect(toolCalls).toMatchObject([{ toolName: 'search', input: { words: 'x' } }]);
  });
});
