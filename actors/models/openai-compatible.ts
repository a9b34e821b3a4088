/**
 * A model behind an OpenAI-compatible endpoint (`/chat/completions`), over the global `fetch`: most
 * hosts and local servers speak it. No SDK, no retries of its own: those belong to whoever calls.
 */
import { InvalidOption, TroupeError } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { Secret } from '../configuration/secret.ts';
import type {
  GenerateResult,
  LanguageModel,
  ModelCall,
  ModelMessage,
  ModelUsage,
  StreamPart,
} from './language-model.ts';
import { waitOf } from './model-failure.ts';
import { eventData } from './sse.ts';

/** Which endpoint, which model, and with which key. */
export interface OpenAICompatibleOptions {
  /** Such as `https://api.example.org/v1`; `/chat/completions` is added. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; local servers need none. */
  readonly apiKey?: Secret;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The endpoint answered with an error, or with something that is no answer. */
export class ModelHttpError extends TroupeError {
  readonly code = 'MODEL_HTTP';
  /** The status of the response; 200 when its body was no answer. */
  readonly statusCode: number;
  /** What `Retry-After` says, in milliseconds; undefined where it does not. */
  readonly retryAfterMs: number | undefined;

  constructor(statusCode: number, detail: string, retryAfterMs?: number) {
    super(`the model's endpoint answered ${statusCode}: ${detail}`, { statusCode, retryAfterMs });
    this.statusCode = statusCode;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Completion {
  readonly choices?: readonly {
    readonly message?: Delta;
    readonly delta?: Delta;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null;
  readonly error?: { readonly message?: string };
}
interface Delta {
  readonly content?: string | null;
  readonly tool_calls?: readonly {
    readonly index?: number;
    readonly id?: string;
    readonly function?: { readonly name?: string; readonly arguments?: string };
  }[];
}

const DETAIL_CHARS_MAX = 300;

/**
 * Makes a model of an OpenAI-compatible endpoint. Calls reject with `ModelHttpError`, with what
 * `fetch` rejects with, or with the reason of the call's signal. Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * import { openAICompatible } from 'troupe/actors';
 *
 * const model = openAICompatible({ baseUrl: 'http://127.0.0.1:11434/v1', model: 'llama3' });
 * ```
 */
export function openAICompatible(options: OpenAICompatibleOptions): LanguageModel {
  checkOptions(options, ['baseUrl', 'model', 'apiKey', 'headers'], 'openAICompatible');
  const { baseUrl, model: modelId, apiKey, headers } = options;
  if (!URL.canParse(baseUrl)) {
    throw new InvalidOption({ field: 'baseUrl', given: baseUrl, allowed: 'a URL' });
  }
  if (apiKey !== undefined && !(apiKey instanceof Secret)) {
    throw new InvalidOption({ field: 'apiKey', given: 'no handle', allowed: 'a Secret' });
  }
  const post = async (call: ModelCall, more: object): Promise<Response> => {
    const response = await fetch(`${baseUrl.replace(/\/$/, '')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey && { authorization: `Bearer ${apiKey.reveal()}` }),
        ...headers,
      },
      body: JSON.stringify({ model: modelId, ...bodyOf(call), ...more }),
      ...(call.abortSignal && { signal: call.abortSignal }),
    });
    if (response.ok) return response;
    const text = (await response.text()).slice(0, DETAIL_CHARS_MAX);
    const { headers: said, status } = response;
    const retryAfter = said.get('retry-after');
    const retryAfterMs = retryAfter === null ? undefined : waitOf(retryAfter, said.get('date'));
    throw new ModelHttpError(status, text, retryAfterMs);
  };
  return {
    specificationVersion: 'v3',
    provider: 'openai-compatible',
    modelId,
    supportedUrls: {},
    doGenerate: async (call) => resultOf(await jsonOf(await post(call, {}))),
    async doStream(call) {
      const more = { stream: true, stream_options: { include_usage: true } };
      const { body, status } = await post(call, more);
      if (body === null) throw new ModelHttpError(status, 'no body');
      return { stream: ReadableStream.from(partsOf(body)) };
    },
  };
}

function bodyOf(call: ModelCall): object {
  const { prompt, maxOutputTokens, temperature, seed, tools, toolChoice } = call;
  return {
    messages: prompt.flatMap(messagesOf),
    max_tokens: maxOutputTokens,
    temperature,
    seed,
    tools: tools?.map(({ name, description, inputSchema: parameters }) => ({
      type: 'function',
      function: { name, description, parameters },
    })),
    tool_choice:
      toolChoice?.type === 'tool'
        ? { type: 'function', function: { name: toolChoice.toolName } }
        : toolChoice?.type,
  };
}

function messagesOf(message: ModelMessage): object[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }];
    case 'user':
      return [{ role: 'user', content: message.content.map(({ text }) => text).join('') }];
    case 'tool':
      return message.content.map(({ toolCallId, output: { value } }) => ({
        role: 'tool',
        tool_call_id: toolCallId,
        content: typeof value === 'string' ? value : JSON.stringify(value),
      }));
    case 'assistant': {
      const calls = message.content.filter((part) => part.type === 'tool-call');
      const texts = message.content.filter((part) => part.type === 'text');
      return [
        {
          role: 'assistant',
          content: texts.map(({ text }) => text).join('') || null,
          ...(calls.length > 0 && {
            tool_calls: calls.map(({ toolCallId: id, toolName: name, input }) => ({
              id,
              type: 'function',
              function: { name, arguments: JSON.stringify(input) },
            })),
          }),
        },
      ];
    }
  }
}

async function jsonOf(response: Response): Promise<Completion> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Completion;
  } catch {
    throw new ModelHttpError(response.status, `no JSON: ${text.slice(0, DETAIL_CHARS_MAX)}`);
  }
}

function resultOf({ choices, usage, error }: Completion): GenerateResult {
  const [choice] = choices ?? [];
  if (choice?.message === undefined) throw new ModelHttpError(200, error?.message ?? 'no choice');
  const { content, tool_calls: calls = [] } = choice.message;
  return {
    content: [
      ...(content ? [{ type: 'text', text: content }] : []),
      ...calls.map(({ id, function: called }, index) =>
        toolCall(index, id, called?.name, called?.arguments),
      ),
    ],
    finishReason: finishOf(choice.finish_reason),
    usage: usageOf(usage),
    warnings: [],
  };
}

/** The parts of a streamed answer. Fragments of tool calls are put together by their index. */
async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamPart> {
  const calls = new Map<number, { id?: string; name?: string; text: string }>();
  let finish: string | null | undefined;
  let usage: Completion['usage'];
  let isText = false;
  yield { type: 'stream-start', warnings: [] };
  for await (const data of eventData(body)) {
    if (data === '[DONE]') {
      if (isText) yield { type: 'text-end', id: 't' };
      for (const [index, { id, name, text }] of calls) yield toolCall(index, id, name, text);
      yield { type: 'finish', finishReason: finishOf(finish), usage: usageOf(usage) };
      return;
    }
    const chunk = chunkOf(data);
    if (chunk.error !== undefined) throw new ModelHttpError(200, chunk.error.message ?? data);
    usage = chunk.usage ?? usage;
    const [choice] = chunk.choices ?? [];
    finish = choice?.finish_reason ?? finish;
    const { content, tool_calls: fragments = [] } = choice?.delta ?? {};
    if (content) {
      if (!isText) yield { type: 'text-start', id: 't' };
      isText = true;
      yield { type: 'text-delta', id: 't', delta: content };
    }
    for (const { index = 0, id, function: called } of fragments) {
      const known = calls.get(index) ?? { text: '' };
      calls.set(index, {
        ...known,
        ...(id && { id }),
        ...(called?.name && { name: called.name }),
        text: known.text + (called?.arguments ?? ''),
      });
    }
  }
}

function chunkOf(data: string): Completion {
  try {
    return JSON.parse(data) as Completion;
  } catch {
    throw new ModelHttpError(200, `no JSON in the stream: ${data.slice(0, DETAIL_CHARS_MAX)}`);
  }
}

function toolCall(index: number, id?: string, toolName = '', input = ''): StreamPart {
  return { type: 'tool-call', toolCallId: id ?? `call-${index + 1}`, toolName, input };
}

function finishOf(reason: string | null | undefined): { unified: string; raw: string | undefined } {
  const unified = reason === 'content_filter' ? 'content-filter' : reason?.replace('_', '-');
  return { unified: unified ?? 'other', raw: reason ?? undefined };
}

function usageOf(usage: Completion['usage']): ModelUsage {
  return {
    inputTokens: { total: usage?.prompt_tokens },
    outputTokens: { total: usage?.completion_tokens },
  };
}
