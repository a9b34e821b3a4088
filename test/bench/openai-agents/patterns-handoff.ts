import { Agent, Runner } from '@openai/agents-core';
import { HANDOFFS, type Rate } from '../workload.ts';
import { fakeModel } from './model.ts';

export async function open(): Promise<Rate> {
  let made = 0;
  const model = fakeModel(({ handoffs }) => {
    if (made % HANDOFFS === 0 && made > 0) return undefined;
    made += 1;
    return handoffs[0]!.toolName;
  });
  const one = new Agent({ name: 'one', instructions: 'You hand on.', model });
  const other = new Agent({ name: 'other', instructions: 'You hand on.', model, handoffs: [one] });
  one.handoffs.push(other);
  const runner = new Runner({ tracingDisabled: true });
  return async (operations) => {
    let count = 0;
    while (count < operations) {
      made = 0;
      const { finalOutput } = await runner.run(one, 'hello', { maxTurns: HANDOFFS + 1 });
      if (finalOutput !== 'done') throw new Error('the handoffs did not end');
      count += made;
    }
    return count;
  };
}
