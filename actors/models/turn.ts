/**
 * A turn of a model: what one call gave, in one shape, whichever version the model speaks and
 * whether it came at once or as a stream.
 */
import { TroupeError } from '../../runtime/index.ts';
import type { GenerateResult, ModelUsage, StreamPart } from './language-model.ts';

/** What a model said and wants. */
export interface ModelTurn {
  readonly text: string;
  readonly toolCalls: readonly WantedCall[];
  readonly finish: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';
  readonly usage: TurnUsage;
}

/** A tool call as the model wrote it: `input` is undefined when its JSON is broken, `text` always there. */
export interface WantedCall {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly input: unknown;
  readonly isBroken: boolean;
}

/** Tokens of one call; undefined where the model does not say. */
export interface TurnUsage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** A stream ended without its last word: the connection was cut, and what came is not the whole. */
export class StreamCut extends TroupeError {
  readonly code = 'STREAM_CUT';

  constructor(received: string, options?: ErrorOptions) {
    const { length } = received;
    super(
      `the model's stream ended after ${length} characters, before its end`,
      { length },
      options,
    );
  }
}

const FINISHES: readonly ModelTurn['finish'][] = [
  'stop',
  'length',
  'content-filter',
  'tool-calls',
  'error',
];

/** The turn of a result that came at once. */
export function turnOf({ content, finishReason, usage }: GenerateResult): ModelTurn {
  const texts = content.filter(({ type }) => type === 'text').map(({ text = '' }) => text);
  const calls = content.filter(({ type }) => type === 'tool-call').map(wantedOf);
  return {
    text: texts.join(''),
    toolCalls: calls,
    finish: finishOf(finishReason),
    usage: usageOf(usage),
  };
}

/**
 * The turn of a stream, once it has ended; `onText` gets the text as it comes, `onPart` is called at
 * each part, so that silence can be noticed. Rejects with `StreamCut`, or with the stream's error.
 */
export async function collectTurn(
  stream: ReadableStream<StreamPart>,
  onText: (delta: string) => void,
  onPart: () => void = () => undefined,
): Promise<ModelTurn> {
  let text = '';
  const calls: WantedCall[] = [];
  for await (const part of stream) {
    onPart();
    if (part.type === 'text-delta') {
      const { delta = '' } = part;
      text += delta;
      onText(delta);
    } else if (part.type === 'tool-call') calls.push(wantedOf(part));
    else if (part.type === 'error') throw part.error;
    else if (part.type === 'finish') {
      return {
        text,
        toolCalls: calls,
        finish: finishOf(part.finishReason ?? 'other'),
        usage: usageOf(part.usage ?? {}),
      };
    }
  }
  throw new StreamCut(text);
}

function wantedOf({ toolCallId = '', toolName = '', input }: StreamPart): WantedCall {
  const text = typeof input === 'string' ? input : JSON.stringify(input ?? {});
  const call = { id: toolCallId, name: toolName, text };
  try {
    // A call without arguments is written as nothing at all by some providers.
    return { ...call, input: text.trim() === '' ? {} : JSON.parse(text), isBroken: false };
  } catch {
    // What is wrong with it goes back to the model in words; nothing runs with half of it.
    return { ...call, input: undefined, isBroken: true };
  }
}

function finishOf(reason: GenerateResult['finishReason']): ModelTurn['finish'] {
  const word = typeof reason === 'string' ? reason : reason.unified;
  return FINISHES.find((known) => known === word) ?? 'other';
}

function usageOf({ inputTokens, outputTokens }: ModelUsage): TurnUsage {
  return { inputTokens: totalOf(inputTokens), outputTokens: totalOf(outputTokens) };
}

function totalOf(tokens: ModelUsage['inputTokens']): number | undefined {
  return typeof tokens === 'object' ? tokens.total : tokens;
}
