/** A model behind an OpenAI-compatible endpoint, against a local server that can fail in every usual way. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateText } from 'ai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../actors/configuration/secret.ts';
import type { LanguageModel, ModelCall } from '../../../actors/models/language-model.ts';
import { ModelHttpError, openAICompatible } from '../../../actors/models/openai-compatible.ts';
import { StreamCut, collectTurn, turnOf } from '../../../actors/models/turn.ts';

interface Seen {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

let server: Server;
let seen: Seen[];
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let model: LanguageModel;

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { authorization } = request.headers;
      seen.push({ path: request.url, authorization, body: JSON.parse(text) as Seen['body'] });
      answer(response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  model = openAICompatible({
    baseUrl: `http://127.0.0.1:${port}/v1/`,
    model: 'small',
    apiKey: new Secret('apiKey', 'sk-1'),
  });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const call: ModelCall = {
  prompt: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text: 'find otters' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'looking' },
        { type: 'tool-call', toolCallId: 'c1', toolName: 'search', input: { words: 'otters' } },
      ],
    },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c1',
          toolName: 'search',
          output: { type: 'json', value: [2] },
        },
      ],
    },
  ],
  maxOutputTokens: 50,
  tools: [
    { type: 'function', name: 'search', description: 'finds', inputSchema: { type: 'object' } },
  ],
  toolChoice: { type: 'auto' },
};

const json = (value: unknown) => (response: ServerResponse) => response.end(JSON.stringify(value));
const said = (message: object, finish = 'stop') =>
  json({
    choices: [{ message, finish_reason: finish }],
    usage: { prompt_tokens: 7, completion_tokens: 3 },
  });
const streaming =
  (chunks: readonly (string | object)[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) {
      response.write(typeof chunk === 'string' ? chunk : `data: ${JSON.stringify(chunk)}\n\n`);
    }
    response.end();
  };
const delta = (part: object, finish: string | null = null) => ({
  choices: [{ delta: part, finish_reason: finish }],
});

async function streamed() {
  const texts: string[] = [];
  const { stream } = await model.doStream(call);
  return { turn: await collectTurn(stream, (text) => texts.push(text)), texts };
}

describe('a call', () => {
  test('says the whole prompt, the tools and the limits in the words of the endpoint', async () => {
    answer = said({ content: 'two' });
    await model.doGenerate(call);
    expect(seen).toEqual([
      {
        path: '/v1/chat/completions',
        authorization: 'Bearer sk-1',
        body: {
          model: 'small',
          max_tokens: 50,
          tool_choice: 'auto',
          tools: [
            {
              type: 'function',
              function: { name: 'search', description: 'finds', parameters: { type: 'object' } },
            },
          ],
          messages: [
            { role: 'system', content: 'be brief' },
            { role: 'user', content: 'find otters' },
            {
              role: 'assistant',
              content: 'looking',
              tool_calls: [
                {
                  id: 'c1',
                  type: 'function',
                  function: { name: 'search', arguments: '{"words":"otters"}' },
                },
              ],
            },
            { role: 'tool', tool_call_id: 'c1', content: '[2]' },
          ],
        },
      },
    ]);
  });

  test('gives text, tool calls, why it ended and what it used', async () => {
    const calls = [{ id: 'c2', function: { name: 'search', arguments: '{"words":"x"}' } }];
    answer = said({ content: 'looking', tool_calls: calls }, 'tool_calls');
    expect(turnOf(await model.doGenerate(call))).toEqual({
      text: 'looking',
      toolCalls: [
        { id: 'c2', name: 'search', text: '{"words":"x"}', input: { words: 'x' }, isBroken: false },
      ],
      finish: 'tool-calls',
      usage: { inputTokens: 7, outputTokens: 3 },
    });
  });

  test('serves the AI SDK', async () => {
    answer = said({ content: 'two' });
    const { text, usage } = await generateText({ model: model as never, prompt: 'hi' });
    expect({ text, output: usage.outputTokens }).toEqual({ text: 'two', output: 3 });
  });
});

describe('a stream', () => {
  test('puts fragments of tool calls together by their index', async () => {
    const call = (index: number, part: object) => delta({ tool_calls: [{ index, ...part }] });
    answer = streaming([
      delta({ content: 'one ' }),
      delta({ content: 'two' }),
      call(0, { id: 'a', function: { name: 'search', arguments: '{"wor' } }),
      call(1, { id: 'b', function: { name: 'fetch', arguments: '' } }),
      call(0, { function: { arguments: 'ds":1}' } }),
      delta({}, 'tool_calls'),
      { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } },
      'data: [DONE]\n\n',
    ]);
    const { turn, texts } = await streamed();
    expect(texts).toEqual(['one ', 'two']);
    expect(turn).toMatchObject({
      text: 'one two',
      finish: 'tool-calls',
      toolCalls: [
        { id: 'a', name: 'search', input: { words: 1 } },
        { id: 'b', name: 'fetch', input: {} },
      ],
      usage: { inputTokens: 9, outputTokens: 4 },
    });
  });

  test('may be cut anywhere into chunks, with any kind of line ends', async () => {
    const text = `: a comment\r\n\r\ndata: ${JSON.stringify(delta({ content: 'grün' }))}\r\n\r\ndata: [DONE]\r\n\r\n`;
    answer = (response) => {
      const bytes = Buffer.from(text);
      let at = 0;
      const next = (): void => {
        if (at >= bytes.length) return void response.end();
        response.write(bytes.subarray(at, (at += 1)), next);
      };
      next();
    };
    expect((await streamed()).turn.text).toBe('grün');
  });

  test('that is cut before its end is no answer', async () => {
    answer = streaming([delta({ content: 'half of' })]);
    await expect(streamed()).rejects.toThrow(StreamCut);
  });

  test('whose connection breaks rejects', async () => {
    answer = (response) => {
      response.write(`data: ${JSON.stringify(delta({ content: 'half' }))}\n\n`, () => {
        response.destroy();
      });
    };
    await expect(streamed()).rejects.toThrow();
  });

  test('that says an error, or no JSON, is that error', async () => {
    answer = streaming([{ error: { message: 'overloaded' } }]);
    await expect(streamed()).rejects.toThrow(/overloaded/);
    answer = streaming(['data: {"cut\n\n']);
    await expect(streamed()).rejects.toThrow(/no JSON in the stream/);
  });
});

describe('an answer that is an error', () => {
  test('says its status, and how long to wait', async () => {
    answer = (response) => response.writeHead(429, { 'retry-after': '2' }).end('slow down');
    const error = await model.doGenerate(call).then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelHttpError);
    expect(error).toMatchObject({ statusCode: 429, retryAfterMs: 2_000 });
    expect(String(error)).toMatch(/429: slow down/);
  });

  test('may say until when as a date', async () => {
    const headers = {
      date: 'Sat, 21 Nov 2026 10:00:00 GMT',
      'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT',
    };
    answer = (response) => response.writeHead(503, headers).end();
    await expect(model.doGenerate(call)).rejects.toMatchObject({ retryAfterMs: 30_000 });
  });

  test('may be a page that is no JSON, or JSON without a choice', async () => {
    answer = (response) => response.end('<html>');
    await expect(model.doGenerate(call)).rejects.toThrow(/no JSON: <html>/);
    answer = json({ error: { message: 'no such model' } });
    await expect(model.doGenerate(call)).rejects.toThrow(/no such model/);
  });

  test('never shows the key', async () => {
    answer = (response) => response.writeHead(401).end('who are you');
    const error: unknown = await model
      .doGenerate(call)
      .then(undefined, (reason: unknown) => reason);
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('sk-1');
  });
});

test('a call that is aborted ends the request', async () => {
  const controller = new AbortController();
  let closed: Promise<unknown> | undefined;
  answer = (_, request) => {
    closed = once(request.socket, 'close');
    controller.abort(new Error('enough'));
  };
  await expect(model.doGenerate({ ...call, abortSignal: controller.signal })).rejects.toThrow(
    'enough',
  );
  await closed;
});

test('a wrong URL and a key that is no handle are refused at once', () => {
  expect(() => openAICompatible({ baseUrl: 'nowhere', model: 'm' })).toThrow(/baseUrl/);
  const apiKey = 'sk-1' as never;
  const refused = () => openAICompatible({ baseUrl: 'http://h', model: 'm', apiKey });
  expect(refused).toThrow(/a Secret/);
  expect(refused).not.toThrow(/sk-1/);
});
