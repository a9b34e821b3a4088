/** A model that says what a test wants: the name of a tool to call, or undefined to be done. */
import type { LanguageModel, ModelCall } from 'troupe/actors';

const rest = { usage: { inputTokens: 10, outputTokens: 10 }, warnings: [] };

export function fakeModel(
  args: unknown,
  next: (call: ModelCall) => string | undefined,
): LanguageModel {
  const input = JSON.stringify(args);
  return {
    specificationVersion: 'v2',
    provider: 'bench',
    modelId: 'fake',
    supportedUrls: {},
    async doGenerate(call) {
      const toolName = next(call);
      if (toolName === undefined)
        return { content: [{ type: 'text', text: 'done' }], finishReason: 'stop', ...rest };
      const wanted = { type: 'tool-call', toolCallId: 'c1', toolName, input };
      return { content: [wanted], finishReason: 'tool-calls', ...rest };
    },
    doStream: () => Promise.reject(new Error('nothing is streamed here')),
  };
}
