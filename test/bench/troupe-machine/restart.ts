import { child, createSystem, supervisor, type Ref } from 'troupe';
import { machine } from '../machines/restart.ts';
import { BURST, Completion, type Rate } from '../workload.ts';

export async function open(): Promise<Rate> {
  const system = createSystem({ log: false });
  const completion = new Completion();
  let ups = 0;
  const childLogic = machine((crash) => {
    ups += 1;
    // The first one is the start of the burst.
    if (ups > BURST) completion.done(ups - 1);
    else crash();
  });
  const burst = async (): Promise<number> => {
    ups = 0;
    const logic = supervisor({
      intensity: BURST,
      children: [child({ id: 'child', logic: childLogic })],
    });
    let ref: Ref | undefined;
    const count = await completion.after(() => (ref = system.spawn(logic)));
    await ref?.stop();
    return count;
  };
  return async (restarts) => {
    let count = 0;
    while (count < restarts) count += await burst();
    return count;
  };
}
