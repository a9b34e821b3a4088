/** A model that says what a test wants: the name of a tool to call, or undefined to be done. */
import { Usage, type Model, type ModelRequest } from '@openai/agents-core';

export function fakeModel(next: (request: ModelRequest) => string | undefined): Model {
  return {
    async getResponse(request) {
      const usage = new Usage({});
      const name = next(request);
      if (name !== undefined) {
        const call = { type: 'function_call', callId: 'c1', name, status: 'completed' } as const;
        return { usage, output: [{ ...call, arguments: '{"input":"help"}' }] };
      }
      const content = [{ type: 'output_text' as const, text: 'done' }];
      const said = { type: 'message', role: 'assistant', status: 'completed', content } as const;
      return { usage, output: [said] };
    },
    getStreamedResponse() {
      throw new Error('nothing is streamed here');
    },
  };
}
