import { modelAgent, perform, performerTool } from 'troupe/actors';
import { z } from 'zod';
import type { Rate } from '../workload.ts';
import { fakeModel } from './model.ts';
import { openStage } from './stage.ts';

export async function open(stage = openStage()): Promise<Rate> {
  const { system } = await stage;
  // Uses the tool that it has, once; then it says that it is done.
  const model = fakeModel({ input: 'help' }, ({ prompt, tools = [] }) =>
    prompt.some(({ role }) => role === 'tool') ? undefined : tools[0]?.name,
  );
  const specialist = modelAgent('specialist', { model, instructions: 'You help.' });
  const member = await system.start(specialist, { id: 'specialist' });
  const input = z.object({ input: z.string() });
  const tools = { help: performerTool(member, { description: 'helps', input }) };
  const front = modelAgent('front', { model, instructions: 'You ask.', tools });
  const ref = await system.start(front, { id: 'front' });
  return async (operations) => {
    let count = 0;
    for (let each = 0; each < operations; each += 1) {
      const outcome = await perform(system, ref, { goal: 'answer', input: 'hello' });
      if (outcome.status === 'done' && outcome.output === 'done') count += 1;
    }
    return count;
  };
}
