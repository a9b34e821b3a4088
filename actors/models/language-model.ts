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

/** One call of a model. Lists can be written to, since those of the AI SDK can. */
export interface ModelCall {
  prompt: ModelMessage[];
  maxOutputTokens?: number;
  temperature?: number;
  seed?: number;
  tools?: ToolDeclaration[];
  toolChoice?: { type: 'auto' | 'none' | 'required' } | { type: 'tool'; toolName: string };
  abortSignal?: AbortSignal;
}

/** What a model is told of a tool. */
export interface ToolDeclaration {
  type: 'function';
  name: string;
  description?: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
}

/** One message of a prompt. */
export type ModelMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: TextPart[] }
  | { role: 'assistant'; content: (TextPart | ToolCallPart)[] }
  | { role: 'tool'; content: ToolResultPart[] };

export interface TextPart {
  type: 'text';
  text: string;
}
/** A model's wish to use a tool; each has one result in the message after it. */
export interface ToolCallPart {
  type: 'tool-call';
  toolCallId: string;
  toolName: string;
  input: unknown;
}
export interface ToolResultPart {
  type: 'tool-result';
  toolCallId: string;
  toolName: string;
  output:
    | { type: 'text' | 'error-text'; value: string }
    | { type: 'json' | 'error-json'; value: JsonValue };
}

/** What JSON can say. */
export type JsonValue =
  null | string | number | boolean | JsonValue[] | { [key: string]: JsonValue | undefined };

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
  readonly warnings?: readonly unknown[];
  readonly usage?: ModelUsage;
  readonly finishReason?: GenerateResult['finishReason'];
}
