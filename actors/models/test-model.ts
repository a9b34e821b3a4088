/**
 * Models for tests: a script, a rule, and chaos around any model. They are valid models of the AI
 * SDK's specification v3, so its own `generateText` takes them too.
 */
import { InvalidOption, TroupeError, type Random } from '../../runtime/index.ts';
import type { LanguageModel, ModelCall, StreamResult } from './language-model.ts';

/** What a model of a test says in one call: a text, tool calls, both, or an error. */
export type ModelStep =
  | string
  | Error
  | {
      readonly text?: string;
      readonly toolCalls?: readonly {
        readonly name: string;
        /** An object, or the JSON text itself, which may be broken. */
        readonly input: unknown;
        readonly id?: string;
      }[];
      readonly inputTokens?: number;
      readonly outputTokens?: number;
    };

/** A model of a test. */
export interface TestModel extends LanguageModel {
  readonly specificationVersion: 'v3';
  readonly supportedUrls: Record<string, RegExp[]>;
  /** Every call so far. */
  readonly calls: readonly ModelCall[];
  doGenerate(call: ModelCall): Promise<TestResult>;
  doStream(call: ModelCall): Promise<{ stream: ReadableStream<TestPart> }>;
}

interface TestText {
  type: 'text';
  text: string;
}
interface TestToolCall {
  type: 'tool-call';
  toolCallId: string;
  toolName: string;
  input: string;
}
interface TestEnd {
  finishReason: { unified: 'stop' | 'tool-calls'; raw: undefined };
  usage: {
    inputTokens: Record<'total' | 'noCache' | 'cacheRead' | 'cacheWrite', number>;
    outputTokens: Record<'total' | 'text' | 'reasoning', number>;
  };
}
/** A result with all that the specification v3 wants of one. */
interface TestResult extends TestEnd {
  content: (TestText | TestToolCall)[];
  warnings: never[];
}
type TestPart =
  | { type: 'stream-start'; warnings: never[] }
  | { type: 'text-start' | 'text-end'; id: string }
  | { type: 'text-delta'; id: string; delta: string }
  | TestToolCall
  | ({ type: 'finish' } & TestEnd);

/** A script was asked for more than it has, or left with less. */
export class ScriptError extends TroupeError {
  readonly code = 'SCRIPT';

  constructor(message: string, calls: number, steps: number) {
    super(message, { calls, steps });
  }
}

/** A model that says the steps of a script, one per call. */
export interface ScriptedModel extends TestModel {
  /** Throws `ScriptError` when steps are left over. */
  expectDone(): void;
}

/**
 * Makes a model that follows a script. A call beyond its end rejects with `ScriptError`; a test says
 * `expectDone()` at its own end.
 *
 * @example
 * ```ts
 * import { scripted } from 'troupe/actors';
 *
 * const model = scripted([{ toolCalls: [{ name: 'search', input: { words: 'otters' } }] }, 'Found two.']);
 * ```
 */
export function scripted(steps: readonly ModelStep[], modelId = 'scripted'): ScriptedModel {
  const model = rule((_, index) => {
    const step = steps[index];
    if (step !== undefined) return step;
    const message = `the script of ${modelId} has ${steps.length} steps, and call ${index + 1} came`;
    return new ScriptError(message, index + 1, steps.length);
  }, modelId);
  return Object.assign(model, {
    expectDone() {
      const { length } = model.calls;
      if (length >= steps.length) return;
      const message = `the script of ${modelId} has ${steps.length} steps, of which ${length} were used`;
      throw new ScriptError(message, length, steps.length);
    },
  });
}

/** Makes a model that answers by a rule over the call and its number, from 0. */
export function rule(
  answer: (call: ModelCall, index: number) => ModelStep,
  modelId = 'rule',
): TestModel {
  const calls: ModelCall[] = [];
  const next = (call: ModelCall): TestResult => {
    call.abortSignal?.throwIfAborted();
    calls.push(call);
    return resultOf(answer(call, calls.length - 1), calls.length, call);
  };
  return {
    specificationVersion: 'v3',
    provider: 'troupe.test',
    modelId,
    supportedUrls: {},
    calls,
    doGenerate: async (call) => next(call),
    doStream: async (call) => ({ stream: streamOf(next(call)) }),
  };
}

/** What can go wrong with a call, and how often, as shares from 0 to 1. */
export interface ChaosOptions {
  readonly random: Random;
  /** Rejects like a provider that is asked too often, with `Retry-After: 1`. */
  readonly rateLimited?: number;
  /** Rejects like a broken connection. */
  readonly broken?: number;
  /** Never answers, until the call is aborted. */
  readonly hang?: number;
  /** Wants a tool that does not exist. */
  readonly inventedTool?: number;
  /** Writes arguments that are no JSON. */
  readonly malformed?: number;
}

/** Makes a model that does what another does, except when chance has it fail. Throws `InvalidOption`. */
export function chaos(model: LanguageModel, { random, ...shares }: ChaosOptions): LanguageModel {
  const faults = Object.entries(shares) as [keyof typeof FAULTS, number][];
  const sum = faults.reduce((all, [, share]) => all + share, 0);
  if (!faults.every(([name, share]) => name in FAULTS && share >= 0) || sum > 1) {
    const allowed = `shares of ${Object.keys(FAULTS).join(', ')} that are at most 1 together`;
    throw new InvalidOption({ field: 'chaos', given: shares, allowed });
  }
  const faultOf = (): keyof typeof FAULTS | undefined => {
    let at = random.float();
    return faults.find(([, share]) => (at -= share) < 0)?.[0];
  };
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  return {
    specificationVersion,
    provider,
    modelId: `${modelId}+chaos`,
    supportedUrls,
    async doGenerate(call) {
      const fault = faultOf();
      return fault === undefined ? model.doGenerate(call) : FAULTS[fault](call);
    },
    async doStream(call): Promise<StreamResult> {
      const fault = faultOf();
      if (fault === undefined) return model.doStream(call);
      return { stream: streamOf(await FAULTS[fault](call)) };
    },
  };
}

const wanted = (name: string, input: unknown, call: ModelCall): TestResult =>
  resultOf({ toolCalls: [{ name, input }] }, 0, call);

const FAULTS: Record<
  Exclude<keyof ChaosOptions, 'random'>,
  (call: ModelCall) => Promise<TestResult>
> = {
  rateLimited: async () => {
    const headers = { 'retry-after': '1' };
    throw Object.assign(new Error('too many requests'), {
      statusCode: 429,
      responseHeaders: headers,
    });
  },
  broken: async () => {
    throw new TypeError('fetch failed');
  },
  hang: ({ abortSignal }) =>
    new Promise((_, reject) => {
      abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error), {
        once: true,
      });
    }),
  inventedTool: async (call) => wanted('no_such_tool', {}, call),
  malformed: async (call) => wanted(call.tools?.[0]?.name ?? 'no_such_tool', '{"broken": ', call),
};

function resultOf(step: ModelStep, number: number, { prompt }: ModelCall): TestResult {
  if (step instanceof Error) throw step;
  const { text = '', toolCalls = [], ...used } = typeof step === 'string' ? { text: step } : step;
  const content: TestResult['content'] = toolCalls.map(({ name, input, id }, index) => ({
    type: 'tool-call',
    toolCallId: id ?? `call-${number}-${index + 1}`,
    toolName: name,
    input: typeof input === 'string' ? input : JSON.stringify(input),
  }));
  if (text !== '') content.unshift({ type: 'text', text });
  // About four characters to a token, as with the usual models.
  const { inputTokens = tokensOf(prompt), outputTokens = tokensOf(content) } = used;
  return {
    content,
    finishReason: { unified: toolCalls.length > 0 ? 'tool-calls' : 'stop', raw: undefined },
    usage: {
      inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
    },
    warnings: [],
  };
}

function tokensOf(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}

/** The parts of a result as they would have come: the text word by word. */
function streamOf({ content, finishReason, usage }: TestResult): ReadableStream<TestPart> {
  const parts: TestPart[] = [{ type: 'stream-start', warnings: [] }];
  for (const part of content) {
    if (part.type === 'tool-call') parts.push(part);
    else {
      parts.push({ type: 'text-start', id: 't' });
      for (const delta of part.text.match(/\s*\S+\s*/g) ?? [part.text]) {
        parts.push({ type: 'text-delta', id: 't', delta });
      }
      parts.push({ type: 'text-end', id: 't' });
    }
  }
  parts.push({ type: 'finish', finishReason, usage });
  return ReadableStream.from(parts);
}
