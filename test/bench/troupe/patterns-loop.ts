import { perform, performer, type Task } from 'troupe/actors';
import { STEPS, type Rate } from '../workload.ts';
import { openStage } from './stage.ts';

export async function open(stage = openStage()): Promise<Rate> {
  const { system } = await stage;
  const step = (name: string) => performer(name, (task: Task<number>) => task.input + 1);
  const loop = performer(
    'loop',
    function* (task: Task<number>, run) {
      const { a, b } = run.team;
      let steps = task.input;
      for (let next = a; steps < STEPS; next = next === a ? b : a)
        steps = run.need(yield* run.perform(next, { input: steps }));
      return steps;
    },
    { team: { a: step('a'), b: step('b') } },
  );
  const ref = await system.start(loop, { id: 'loop' });
  return async (operations) => {
    let count = 0;
    while (count < operations) {
      const outcome = await perform(system, ref, { goal: 'count', input: 0 });
      if (outcome.status !== 'done') throw new Error(`the loop is ${outcome.status}`);
      count += outcome.output;
    }
    return count;
  };
}
