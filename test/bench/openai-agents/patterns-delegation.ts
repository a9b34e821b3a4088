import { Agent, Runner } from '@openai/agents-core';
import type { Rate } from '../workload.ts';
import { fakeModel } from './model.ts';

export async function open(): Promise<Rate> {
  // Uses the tool that it has, once; then it says that it is done.
  const model = fakeModel(({ input, tools }) => {
    const isAnswered = Array.isArray(input) && input.some(({ type }) => type === ANSWERED);
    return isAnswered ? undefined : tools[0]?.name;
  });
  const specialist = new Agent({ name: 'specialist', instructions: 'You help.', model });
  const tool = specialist.asTool({ toolName: 'help', toolDescription: 'helps' });
  const front = new Agent({ name: 'front', instructions: 'You ask.', model, tools: [tool] });
  const runner = new Runner({ tracingDisabled: true });
  return async (operations) => {
    let count = 0;
    for (let each = 0; each < operations; each += 1) {
      const { finalOutput } = await runner.run(front, 'hello');
      if (finalOutput === 'done') count += 1;
    }
    return count;
  };
}

const ANSWERED = 'function_call_result';
