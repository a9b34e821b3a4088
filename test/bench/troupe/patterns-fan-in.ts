import { fanIn, perform, performer, type Task } from 'troupe/actors';
import { CROWD, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

export async function open(stage = openStage()): Promise<Rate> {
  const { system } = await stage;
  const one = performer('one', (task: Task<number>) => task.input, { concurrency: CROWD });
  const team = fanIn('team', {
    worker: one,
    concurrency: CROWD,
    collect: (slots) => slots.filter(({ status }) => status === 'ok').length,
  });
  const ref = await system.start(team, { id: 'team' });
  const input = Array.from({ length: CROWD }, (_, at) => at);
  return async (operations) => {
    let count = 0;
    while (count < operations) {
      const outcome = await perform(system, ref, { goal: 'count', input });
      if (outcome.status !== 'done') throw new Error(`the fan-in is ${outcome.status}`);
      count += outcome.output;
    }
    return count;
  };
}
