/**
 * A language model, as model agents use it: the part of the AI SDK's model interface that they need,
 * by its shape. Models of the AI SDK fit as they are (specifications v2, v3 and v4), and so does a
 * plain object; nothing of the SDK is imported.
 */

/** A language model of any provider. */
export interface LanguageModel {
  readonly specificationVersion: 'v2' | 'v3' | 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** Which URLs the model reads by itself, by media type. */
  readonly supportedUrls:
    | Readonly<Record<string, readonly RegExp[]>>
    | PromiseLike<Readonly<Record<string, readonly RegExp[]>>>;
  doGenerate(call: ModelCall): PromiseLike<GenerateResult>;
  doStream(call: ModelCall): PromiseLike<StreamResult>;
}

/** One call of a model. */
export interface ModelCall {
  readonly prompt: readonly ModelMessage[];
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly tools?: readonly ToolDeclaration[];
  readonly toolChoice?:
    | { readonly type: 'auto' | 'none' | 'required' }
    | { readonly type: 'tool'; readonly toolName: string };
  readonly abortSignal?: AbortSignal;
}

/** What a model is told of a tool. */
export interface ToolDeclaration {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** One message of a prompt. */
export type ModelMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: readonly TextPart[] }
  | { readonly role: 'assistant'; readonly content: readonly (TextPart | ToolCallPart)[] }
  | { readonly role: 'tool'; readonly content: readonly ToolResultPart[] };

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}
/** A model's wish to use a tool; each has one result in the message after it. */
export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}
export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly output:
    | { readonly type: 'text' | 'error-text'; readonly value: string }
    | { readonly type: 'json' | 'error-json'; readonly value: unknown };
}

/** What a call gives; of `content`, text and tool calls are read. */
export interface GenerateResult {
  readonly content: readonly ResultPart[];
  /** A word in v2; the word and the provider's own in v3 and v4. */
  readonly finishReason: string | { readonly unified: string; readonly raw?: string | undefined };
  readonly usage: ModelUsage;
  readonly warnings: readonly unknown[];
}

/** A part of a result: a tool call has its arguments as JSON text. */
export interface ResultPart {
  readonly type: string;
  readonly text?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  readonly input?: unknown;
}

/** Tokens used: plain numbers in v2, with their kinds in v3 and v4. */
export interface ModelUsage {
  readonly inputTokens?: number | { readonly total?: number | undefined } | undefined;
  readonly outputTokens?: number | { readonly total?: number | undefined } | undefined;
}

/** A result that comes in parts. */
export interface StreamResult {
  readonly stream: ReadableStream<StreamPart>;
}

/** A part of a stream; those that are not known here are passed over. */
export interface StreamPart extends ResultPart {
  readonly id?: string;
  readonly delta?: string;
  readonly error?: unknown;
  readonly usage?: ModelUsage;
  readonly finishReason?: GenerateResult['finishReason'];
}
