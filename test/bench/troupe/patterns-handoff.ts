import { handoffTool, modelAgent, perform, swarm } from 'troupe/actors';
import { HANDOFFS, type Rate } from '../workload.ts';
import { fakeModel } from './model.ts';
import { openStage } from './stage.ts';

export async function open(stage = openStage()): Promise<Rate> {
  const { system } = await stage;
  let made = 0;
  const model = fakeModel({ reason: 'help' }, ({ tools = [] }) => {
    if (made % HANDOFFS === 0 && made > 0) return undefined;
    made += 1;
    return tools[0]!.name;
  });
  const member = (name: string, to: string) =>
    modelAgent(name, {
      model,
      instructions: 'You hand on.',
      tools: { transfer: handoffTool(to, { description: 'the other one' }) },
    });
  const pair = swarm('pair', {
    members: { one: member('one', 'other'), other: member('other', 'one') },
    entry: 'one',
    cycles: [{ of: ['one', 'other'], roundsMax: HANDOFFS }],
  });
  const ref = await system.start(pair, { id: 'pair' });
  return async (operations) => {
    let count = 0;
    while (count < operations) {
      made = 0;
      const outcome = await perform(system, ref, { goal: 'help', input: 'hello' });
      if (outcome.status !== 'done') throw new Error(`the handoffs are ${outcome.status}`);
      count += made;
    }
    return count;
  };
}
